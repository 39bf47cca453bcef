package dev.bdc.trino.postgresql;

import static io.airlift.configuration.ConfigurationAwareModule.combine;

import com.google.inject.Binder;
import com.google.inject.Scopes;
import io.trino.plugin.jdbc.JdbcPlugin;
import io.trino.plugin.postgresql.PostgreSqlClient;
import io.trino.plugin.postgresql.PostgreSqlClientModule;
import io.trino.plugin.postgresql.PostgreSqlConnectionFactoryModule;

/** The connector postgresql_whole: Trino's postgresql, with all columns of all tables. Properties are Trino's. */
public final class WholePostgreSqlPlugin extends JdbcPlugin {
    public WholePostgreSqlPlugin() {
        super("postgresql_whole", () -> combine(new ClientModule(), new PostgreSqlConnectionFactoryModule()));
    }

    /** Trino's module, whose client is another. */
    private static final class ClientModule extends PostgreSqlClientModule {
        @Override
        public void setup(Binder binder) {
            super.setup(binder);
            binder.bind(PostgreSqlClient.class).to(WholePostgreSqlClient.class).in(Scopes.SINGLETON);
        }
    }
}
