package dev.bdc.spark;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import io.trino.jdbc.TrinoDriver;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog;
import org.apache.spark.sql.jdbc.JdbcDialects;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * A catalog of Trino as one of Spark's, to read. Its only option is `url`: jdbc:trino://host:port/catalog?user=...&SSL=true...
 */
public class TrinoCatalog extends JDBCTableCatalog {
    private static final TrinoDialect DIALECT = new TrinoDialect();
    private String url;

    @Override
    public void initialize(String name, CaseInsensitiveStringMap options) {
        JdbcDialects.registerDialect(DIALECT);
        url = options.get("url");
        Map<String, String> all = new HashMap<>(options.asCaseSensitiveMap());
        all.put("driver", TrinoDriver.class.getName());
        all.put("connectionProvider", PasswordFileConnections.NAME);
        all.put("preferTimestampNTZ", "true");
        super.initialize(name, new CaseInsensitiveStringMap(all));
    }

    @Override
    public Table loadTable(Identifier name) {
        return new ReadOnly((SupportsRead) super.loadTable(name));
    }

    /** Views, too: all that is there are such. */
    @Override
    public Identifier[] listTables(String[] namespace) {
        String sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = ? ORDER BY 1";
        try (Connection connection = PasswordFileConnections.connect(new TrinoDriver(), url);
                var statement = connection.prepareStatement(sql)) {
            statement.setString(1, String.join(".", namespace));
            List<Identifier> found = new ArrayList<>();
            for (ResultSet rows = statement.executeQuery(); rows.next(); ) {
                found.add(Identifier.of(namespace, rows.getString(1)));
            }
            return found.toArray(Identifier[]::new);
        } catch (SQLException error) {
            throw new IllegalStateException("the federation can't be asked: " + error.getMessage(), error);
        }
    }

    @Override
    public Table createTable(Identifier name, Column[] columns, Transform[] partitions, Map<String, String> properties) {
        throw readOnly();
    }

    @Override
    public boolean dropTable(Identifier name) {
        throw readOnly();
    }

    private UnsupportedOperationException readOnly() {
        return new UnsupportedOperationException("the tables of the catalog " + name() + " are defined by bdc sql, and Spark reads them only");
    }

    private record ReadOnly(SupportsRead table) implements SupportsRead {
        @Override
        public String name() {
            return table.name();
        }

        @Override
        public Column[] columns() {
            return table.columns();
        }

        @Override
        public Set<TableCapability> capabilities() {
            return Set.of(TableCapability.BATCH_READ);
        }

        @Override
        public ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
            return table.newScanBuilder(options);
        }
    }
}
