package dev.bdc.spark;

import java.sql.SQLException;
import java.sql.Types;
import java.util.Set;

import org.apache.spark.sql.connector.expressions.Expression;
import org.apache.spark.sql.jdbc.JdbcDialect;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MetadataBuilder;
import scala.Option;

/** How Spark's types and literals are Trino's: https://trino.io/docs/476/language/types.html. */
public class TrinoDialect extends JdbcDialect {
    /** CATALOG_NOT_FOUND, SCHEMA_NOT_FOUND, TABLE_NOT_FOUND of io.trino.spi.StandardErrorCode. */
    private static final Set<Integer> NOT_FOUND = Set.of(44, 45, 46);
    private static final Set<String> AGGREGATES = Set.of("COUNT", "SUM", "MIN", "MAX");

    @Override
    public boolean canHandle(String url) {
        return url.startsWith("jdbc:trino:");
    }

    @Override
    public Option<DataType> getCatalystType(int sqlType, String typeName, int size, MetadataBuilder metadata) {
        return switch (sqlType) {
            case Types.CHAR, Types.VARCHAR, Types.TIME, Types.TIME_WITH_TIMEZONE, Types.JAVA_OBJECT -> Option.apply(DataTypes.StringType);
            case Types.TIMESTAMP_WITH_TIMEZONE -> Option.apply(DataTypes.TimestampType);
            default -> Option.empty();
        };
    }

    @Override
    public Object compileValue(Object value) {
        return Handed.literal(value, "TIMESTAMP").orElseGet(() -> super.compileValue(value));
    }

    @Override
    public Option<String> compileExpression(Expression expression) {
        return Handed.means(expression) ? super.compileExpression(expression) : Option.empty();
    }

    @Override
    public boolean isObjectNotFoundException(SQLException error) {
        return NOT_FOUND.contains(error.getErrorCode());
    }

    /** Whose results are of the same type there: Spark makes AVG of a sum and a count. */
    @Override
    public boolean isSupportedFunction(String name) {
        return AGGREGATES.contains(name);
    }

    @Override
    public boolean supportsLimit() {
        return true;
    }
}
