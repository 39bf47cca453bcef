package dev.bdc.spark;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.SupportsWrite;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.connector.write.WriteBuilder;
import org.apache.spark.sql.execution.datasources.jdbc.JDBCOptions;
import org.apache.spark.sql.execution.datasources.jdbc.JDBCRDD;
import org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTable;
import org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog;
import org.apache.spark.sql.jdbc.JdbcDialects;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The SQL master as one of Spark's catalogs: its tables are read as {@link MasterColumns} selects them and written by their names. Its options
 * are those of Spark's own for PostgreSQL. A text that Spark writes may be for a column of any type (`stringtype`, of the driver), since such a
 * column is read as text.
 */
public class MasterCatalog extends JDBCTableCatalog {
    private final MasterDialect dialect = new MasterDialect();
    private JDBCOptions options;

    @Override
    public void initialize(String name, CaseInsensitiveStringMap given) {
        JdbcDialects.registerDialect(dialect);
        Map<String, String> all = new HashMap<>(given.asCaseSensitiveMap());
        all.put("url", MasterDialect.marked(given.get("url")));
        all.put("driver", org.postgresql.Driver.class.getName());
        all.put("preferTimestampNTZ", "true");
        all.put("stringtype", "unspecified");
        super.initialize(name, new CaseInsensitiveStringMap(all));
        all.put(JDBCOptions.JDBC_TABLE_NAME(), "none"); // one must be said
        options = new JDBCOptions(scala.collection.immutable.Map.from(CollectionConverters.asScala(all)));
    }

    @Override
    public Table loadTable(Identifier name) {
        try (Connection connection = dialect.createConnectionFactory(options).apply(-1)) {
            Optional<String> query = MasterColumns.of(connection, name);
            if (query.isPresent()) {
                JDBCOptions selected = new JDBCOptions(options.parameters().updated(JDBCOptions.JDBC_TABLE_NAME(), query.get()));
                StructType schema = JDBCRDD.resolveTable(selected, connection, Option.apply(name), Option.apply(name()));
                JDBCTable read = new JDBCTable(name, schema, selected, scala.collection.immutable.Map$.MODULE$.empty());
                return new Mastered(read, dialect.getFullyQualifiedQuotedTableName(name));
            }
        } catch (SQLException error) {
            throw new IllegalStateException("the master can't be asked for " + name + ": " + error.getMessage(), error);
        }
        return super.loadTable(name); // which says what there isn't
    }

    private record Mastered(JDBCTable read, String written) implements SupportsRead, SupportsWrite {
        @Override
        public String name() {
            return read.name();
        }

        @Override
        public Column[] columns() {
            return read.columns();
        }

        @Override
        public Set<TableCapability> capabilities() {
            return read.capabilities();
        }

        @Override
        public ScanBuilder newScanBuilder(CaseInsensitiveStringMap given) {
            return read.newScanBuilder(given);
        }

        @Override
        public WriteBuilder newWriteBuilder(LogicalWriteInfo info) {
            Map<String, String> all = new HashMap<>(info.options().asCaseSensitiveMap());
            all.put(JDBCOptions.JDBC_TABLE_NAME(), written);
            return read.newWriteBuilder(new Named(info, new CaseInsensitiveStringMap(all)));
        }
    }

    private record Named(LogicalWriteInfo info, CaseInsensitiveStringMap options) implements LogicalWriteInfo {
        @Override
        public String queryId() {
            return info.queryId();
        }

        @Override
        public StructType schema() {
            return info.schema();
        }
    }
}
