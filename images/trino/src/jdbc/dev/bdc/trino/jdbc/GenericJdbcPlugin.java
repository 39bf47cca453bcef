package dev.bdc.trino.jdbc;

import static io.airlift.configuration.ConfigurationAwareModule.combine;

import com.google.inject.Binder;
import com.google.inject.Key;
import com.google.inject.Module;
import com.google.inject.Provides;
import com.google.inject.Scopes;
import com.google.inject.Singleton;
import io.opentelemetry.api.OpenTelemetry;
import io.trino.plugin.jdbc.BaseJdbcConfig;
import io.trino.plugin.jdbc.ConnectionFactory;
import io.trino.plugin.jdbc.DriverConnectionFactory;
import io.trino.plugin.jdbc.ForBaseJdbc;
import io.trino.plugin.jdbc.JdbcClient;
import io.trino.plugin.jdbc.JdbcConnectorFactory;
import io.trino.plugin.jdbc.credential.CredentialProvider;
import io.trino.plugin.jdbc.credential.CredentialProviderModule;
import io.trino.spi.Plugin;
import io.trino.spi.connector.Connector;
import io.trino.spi.connector.ConnectorContext;
import io.trino.spi.connector.ConnectorFactory;
import java.sql.Driver;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The connector generic_jdbc: any database with a JDBC driver, whose jar lies in the folder of HDFS that the property drivers.folder names.
 * The other properties are those of Trino's JDBC connectors.
 */
public final class GenericJdbcPlugin implements Plugin {
    private static final String NAME = "generic_jdbc";
    private static final String FOLDER = "drivers.folder";

    @Override
    public Iterable<ConnectorFactory> getConnectorFactories() {
        return List.of(new Factory());
    }

    private static final class Factory implements ConnectorFactory {
        @Override
        public String getName() {
            return NAME;
        }

        @Override
        public Connector create(String catalog, Map<String, String> properties, ConnectorContext context) {
            Map<String, String> others = new HashMap<>(properties);
            Driver driver = Drivers.find(others.remove(FOLDER), properties.getOrDefault("connection-url", ""));
            return new JdbcConnectorFactory(NAME, () -> combine(new CredentialProviderModule(), new ClientModule(driver)))
                    .create(catalog, others, context);
        }
    }

    private record ClientModule(Driver driver) implements Module {
        @Override
        public void configure(Binder binder) {
            binder.bind(Key.get(JdbcClient.class, ForBaseJdbc.class)).to(GenericJdbcClient.class).in(Scopes.SINGLETON);
        }

        @Provides
        @Singleton
        @ForBaseJdbc
        ConnectionFactory connections(BaseJdbcConfig config, CredentialProvider credentials, OpenTelemetry telemetry) {
            return DriverConnectionFactory.builder(driver, config.getConnectionUrl(), credentials).setOpenTelemetry(telemetry).build();
        }
    }
}
