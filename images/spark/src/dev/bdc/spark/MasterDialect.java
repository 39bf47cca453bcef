package dev.bdc.spark;

import java.io.Serializable;
import java.sql.Connection;
import java.sql.Date;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.Set;

import org.apache.spark.sql.connector.expressions.Expression;
import org.apache.spark.sql.connector.expressions.aggregate.Sum;
import org.apache.spark.sql.execution.datasources.jdbc.JDBCOptions;
import org.apache.spark.sql.execution.datasources.v2.TableSampleInfo;
import org.apache.spark.sql.jdbc.JdbcDialects;
import org.apache.spark.sql.jdbc.PostgresDialect;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.MetadataBuilder;
import org.postgresql.PGResultSetMetaData;
import scala.Function1;
import scala.Option;
import scala.runtime.AbstractFunction1;

/**
 * Spark's dialect of PostgreSQL, less what it gives as another value (4.2.0). It is for URLs of the catalog `master` alone, which have a word more:
 * other databases that an application reads are Spark's own matter, and of two dialects for one URL Spark makes a third that can do less.
 */
public class MasterDialect extends PostgresDialect {
    /** As the federation has it: PostgreSQL's avg() has 20 digits below 1. */
    static final int SCALE = 20;
    private static final int SCALES = 2048; // PostgreSQL keeps a scale in eleven bits, of which one is its sign
    private static final String MARK = "jdbc:master:";
    /** The master's avg() of decimals has fewer digits than Spark's, so that Spark computes it. */
    private static final Set<String> AGGREGATES = Set.of("COUNT", "SUM", "MIN", "MAX");

    static String marked(String url) {
        return MARK + url;
    }

    @Override
    public boolean canHandle(String url) {
        return url.startsWith(MARK);
    }

    @Override
    public Option<DataType> getCatalystType(int sqlType, String typeName, int size, MetadataBuilder metadata) {
        if (sqlType == Types.NUMERIC) {
            return Option.apply(decimal(size, metadata));
        }
        if (sqlType == Types.ARRAY && typeName.equals("_numeric")) {
            return Option.apply(DataTypes.createArrayType(DataTypes.createDecimalType(DecimalType.MAX_PRECISION(), SCALE)));
        }
        return super.getCatalystType(sqlType, typeName, size, metadata);
    }

    private static DataType decimal(int digits, MetadataBuilder metadata) {
        int most = DecimalType.MAX_PRECISION();
        if (digits == 0) {
            return DataTypes.createDecimalType(most, SCALE);
        }
        int scale = (int) metadata.build().getLong("scale");
        int signed = scale >= SCALES / 2 ? scale - SCALES : scale; // the driver gives that of numeric(5,-2) as 2046
        int whole = signed < 0 ? digits - signed : Math.max(digits, signed);
        return DataTypes.createDecimalType(Math.min(whole, most), Math.clamp(signed, 0, most));
    }

    /** Spark asks for a table of that name in any schema. */
    @Override
    public void updateExtraColumnMeta(Connection connection, ResultSetMetaData columns, int column, MetadataBuilder metadata) {
        try {
            if (columns.getColumnType(column) != Types.ARRAY) {
                return;
            }
            PGResultSetMetaData bases = columns.unwrap(PGResultSetMetaData.class);
            String sql = "SELECT a.attndims FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
                + " WHERE n.nspname = ? AND c.relname = ? AND a.attname = ?";
            try (var asked = connection.prepareStatement(sql)) {
                asked.setString(1, bases.getBaseSchemaName(column));
                asked.setString(2, bases.getBaseTableName(column));
                asked.setString(3, bases.getBaseColumnName(column));
                try (var row = asked.executeQuery()) {
                    metadata.putLong("arrayDimension", row.next() ? Math.max(1, row.getLong(1)) : 1);
                }
            }
        } catch (SQLException error) {
            throw new IllegalStateException("the master can't be asked for a column's dimensions: " + error.getMessage(), error);
        }
    }

    @Override
    public Object compileValue(Object value) {
        return value instanceof byte[] ? super.compileValue(value) : Handed.literal(value, "TIMESTAMPTZ").orElseGet(() -> super.compileValue(value));
    }

    /** The master's sum of reals is a real, Spark's a double: with an integer beside it a real is a double, and no other type changes. */
    @Override
    public Option<String> compileExpression(Expression expression) {
        if (!Handed.means(expression)) {
            return Option.empty();
        }
        if (expression instanceof Sum sum) {
            String start = sum.isDistinct() ? "SUM(DISTINCT " : "SUM(";
            Option<String> summed = super.compileExpression(sum.column());
            return summed.isDefined() ? Option.apply(start + summed.get() + " + 0)") : summed;
        }
        return super.compileExpression(expression);
    }

    @Override
    public boolean isSupportedFunction(String name) {
        return AGGREGATES.contains(name);
    }

    /** What is selected from is no table, of which PostgreSQL takes samples. */
    @Override
    public Option<String> compileTableSample(TableSampleInfo sample) {
        return Option.empty();
    }

    /** Spark takes infinity for the last day of 9999; here ExactRows has refused it. */
    @Override
    public Timestamp convertJavaTimestampToTimestamp(Timestamp time) {
        return time;
    }

    @Override
    public Date convertJavaDateToDate(Date day) {
        return day;
    }

    @Override
    public Function1<Object, Connection> createConnectionFactory(JDBCOptions options) {
        String url = options.url().substring(MARK.length());
        return new Connections(super.createConnectionFactory(new JDBCOptions(options.parameters().updated("url", url))));
    }

    /** One dialect is as good as another: Spark registers it once. */
    @Override
    public boolean equals(Object other) {
        return other instanceof MasterDialect;
    }

    @Override
    public int hashCode() {
        return MARK.hashCode();
    }

    /** An executor has no catalogs, so that the dialect is made known there by what connects. */
    private static final class Connections extends AbstractFunction1<Object, Connection> implements Serializable {
        private static final long serialVersionUID = 1;
        private final Function1<Object, Connection> plain;

        Connections(Function1<Object, Connection> plain) {
            this.plain = plain;
        }

        @Override
        public Connection apply(Object partition) {
            JdbcDialects.registerDialect(new MasterDialect());
            return ExactRows.of(plain.apply(partition));
        }
    }
}
