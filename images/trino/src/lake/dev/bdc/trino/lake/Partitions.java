package dev.bdc.trino.lake;

import static io.trino.spi.type.TimestampWithTimeZoneType.TIMESTAMP_TZ_MICROS;

import io.trino.plugin.deltalake.DeltaLakeColumnHandle;
import io.trino.plugin.deltalake.transactionlog.TransactionLogParser;
import io.trino.spi.type.VarcharType;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoField;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Values of partitions, which a Delta table's log has as text.
 *
 * <p>An empty string is a value of a column of strings, and NULL in any other, as Spark reads it (delta-spark 4.4.0). Trino 476 has NULL for
 * it everywhere, also where it has written '' itself.
 */
public final class Partitions {
    private Partitions() {}

    /** The values of a file's entry in the log: NULL is none. */
    public static Map<String, Optional<String>> values(Map<String, String> written) {
        Map<String, Optional<String>> values = new LinkedHashMap<>();
        written.forEach((column, value) -> values.put(column, Optional.ofNullable(value)));
        return Map.copyOf(values);
    }

    /** A value as Trino has it, or null. */
    public static Object value(DeltaLakeColumnHandle column, Optional<String> written) {
        if (written.isEmpty() || written.get().isEmpty() && !(column.baseType() instanceof VarcharType)) {
            return null;
        }
        return column.baseType().equals(TIMESTAMP_TZ_MICROS) ? Microseconds.partition(written.get())
            : TransactionLogParser.deserializeColumnValue(column, written.get(), Partitions::time, text -> {
                throw new IllegalStateException("no column has timestamp(3) with time zone");
            });
    }

    /** A TIMESTAMP_NTZ, in microseconds; a date is its midnight. */
    private static Long time(String text) {
        LocalDateTime time;
        try {
            time = LocalDateTime.parse(text, TransactionLogParser.PARTITION_TIMESTAMP_FORMATTER);
        } catch (DateTimeParseException date) {
            time = LocalDate.parse(text).atStartOfDay();
        }
        return Math.addExact(Math.multiplyExact(time.toEpochSecond(ZoneOffset.UTC), 1_000_000L), time.get(ChronoField.MICRO_OF_SECOND));
    }
}
