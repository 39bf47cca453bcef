package dev.bdc.spark;

import java.sql.Date;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.Set;

import org.apache.spark.sql.connector.expressions.Expression;
import org.apache.spark.sql.connector.expressions.Literal;
import org.apache.spark.sql.connector.expressions.NamedReference;
import org.apache.spark.sql.connector.expressions.SortOrder;
import org.apache.spark.sql.connector.expressions.aggregate.AggregateFunc;
import org.apache.spark.sql.connector.expressions.filter.Predicate;

/**
 * What Spark hands to another engine, and how it is written there: only what means the same in both. Spark's builder knows casts and arithmetic,
 * too, but CAST(2.7 AS INT) is 3 there, a quotient of decimals has other digits, and EXTRACT another time zone.
 */
final class Handed {
    private static final Set<String> SAME = Set.of(
        "=", "<>", "<=>", "<", "<=", ">", ">=", "AND", "OR", "NOT", "IS_NULL", "IS_NOT_NULL", "IN", "STARTS_WITH", "ENDS_WITH", "CONTAINS",
        "ALWAYS_TRUE", "ALWAYS_FALSE");
    private static final DateTimeFormatter SECONDS = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSSSSS");

    private Handed() {
    }

    static boolean means(Expression expression) {
        boolean known = switch (expression) {
            case NamedReference column -> column.fieldNames().length == 1;
            case Literal<?> value -> !isNaN(value.value()); // which equals itself in Spark, and nothing in Trino
            case SortOrder order -> true;
            case AggregateFunc function -> true;
            case Predicate condition -> SAME.contains(condition.name());
            default -> false;
        };
        if (!known) {
            return false;
        }
        for (Expression child : expression.children()) {
            if (!means(child)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isNaN(Object value) {
        return value instanceof Number number && Double.isNaN(number.doubleValue());
    }

    /**
     * A value with its type, since a time is compared with a time only in Trino, and 0.1 without one is no real in PostgreSQL.
     *
     * @param instants what starts a time with a zone
     */
    static Optional<Object> literal(Object value, String instants) {
        return Optional.ofNullable(switch (value) {
            case Float number -> "REAL '" + number + "'";
            case Double number -> "DOUBLE PRECISION '" + number + "'";
            case Date day -> "DATE '" + day + "'";
            case LocalDate day -> "DATE '" + day + "'";
            case Timestamp time -> instant(time.toInstant(), instants);
            case Instant time -> instant(time, instants);
            case LocalDateTime time -> "TIMESTAMP '" + SECONDS.format(time) + "'";
            default -> null;
        });
    }

    private static String instant(Instant time, String type) {
        return type + " '" + SECONDS.format(time.atOffset(ZoneOffset.UTC)) + " UTC'";
    }
}
