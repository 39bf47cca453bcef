package dev.bdc.trino.text;

import io.trino.spi.type.BigintType;
import io.trino.spi.type.BooleanType;
import io.trino.spi.type.CharType;
import io.trino.spi.type.DecimalType;
import io.trino.spi.type.DoubleType;
import io.trino.spi.type.IntegerType;
import io.trino.spi.type.RealType;
import io.trino.spi.type.SmallintType;
import io.trino.spi.type.SqlDate;
import io.trino.spi.type.SqlTimestamp;
import io.trino.spi.type.SqlTimestampWithTimeZone;
import io.trino.spi.type.SqlVarbinary;
import io.trino.spi.type.TinyintType;
import io.trino.spi.type.Type;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Optional;

/** Values as text, such as ValueReader reads it. */
final class ValueWriter {
    private static final long PICOSECONDS_PER_NANOSECOND = 1000;
    private static final DateTimeFormatter ZONED = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSSSSSXXX");

    private ValueWriter() {}

    /** `value`: what Type.getObjectValue gives. */
    static String of(Type type, Object value, Optional<DateTimeFormatter> pattern) {
        return switch (value) {
            case SqlVarbinary bytes -> HexFormat.of().formatHex(bytes.getBytes());
            case SqlDate date -> pattern.map(one -> LocalDate.ofEpochDay(date.getDays()).atStartOfDay().format(one)).orElseGet(date::toString);
            case SqlTimestamp stamp -> pattern.map(one -> local(stamp).format(one)).orElseGet(stamp::toString);
            case SqlTimestampWithTimeZone stamp -> zoned(stamp).format(pattern.orElse(ZONED));
            case String text when type instanceof CharType -> text.stripTrailing();
            default -> value.toString();
        };
    }

    /** Whether JSON has the value without quotes. */
    static boolean bare(Type type, String text) {
        boolean number = type == BigintType.BIGINT || type == IntegerType.INTEGER || type == SmallintType.SMALLINT || type == TinyintType.TINYINT
            || type instanceof DecimalType;
        boolean real = (type == DoubleType.DOUBLE || type == RealType.REAL) && !text.endsWith("NaN") && !text.endsWith("Infinity");
        return number || real || type == BooleanType.BOOLEAN;
    }

    private static LocalDateTime local(SqlTimestamp stamp) {
        long microseconds = stamp.getEpochMicros();
        int nanoseconds = (int) (Math.floorMod(microseconds, 1_000_000L) * 1000 + stamp.getPicosOfMicros() / PICOSECONDS_PER_NANOSECOND);
        return LocalDateTime.ofEpochSecond(Math.floorDiv(microseconds, 1_000_000L), nanoseconds, ZoneOffset.UTC);
    }

    private static OffsetDateTime zoned(SqlTimestampWithTimeZone stamp) {
        Instant moment = Instant.ofEpochMilli(stamp.getEpochMillis()).plusNanos(stamp.getPicosOfMilli() / PICOSECONDS_PER_NANOSECOND);
        return moment.atZone(stamp.getTimeZoneKey().getZoneId()).toOffsetDateTime();
    }
}
