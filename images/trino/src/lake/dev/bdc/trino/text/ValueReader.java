package dev.bdc.trino.text;

import static io.trino.spi.type.BigintType.BIGINT;
import static io.trino.spi.type.BooleanType.BOOLEAN;
import static io.trino.spi.type.DateType.DATE;
import static io.trino.spi.type.DoubleType.DOUBLE;
import static io.trino.spi.type.IntegerType.INTEGER;
import static io.trino.spi.type.RealType.REAL;
import static io.trino.spi.type.SmallintType.SMALLINT;
import static io.trino.spi.type.UuidType.UUID;
import static io.trino.spi.type.VarbinaryType.VARBINARY;

import io.airlift.slice.Slice;
import io.airlift.slice.SliceUtf8;
import io.airlift.slice.Slices;
import io.trino.spi.StandardErrorCode;
import io.trino.spi.TrinoException;
import io.trino.spi.type.CharType;
import io.trino.spi.type.Chars;
import io.trino.spi.type.DateTimeEncoding;
import io.trino.spi.type.DecimalType;
import io.trino.spi.type.Int128;
import io.trino.spi.type.LongTimestamp;
import io.trino.spi.type.LongTimestampWithTimeZone;
import io.trino.spi.type.TimeType;
import io.trino.spi.type.TimeZoneKey;
import io.trino.spi.type.TimestampType;
import io.trino.spi.type.TimestampWithTimeZoneType;
import io.trino.spi.type.Type;
import io.trino.spi.type.UuidType;
import io.trino.spi.type.VarcharType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoField;
import java.time.temporal.TemporalAccessor;
import java.time.temporal.TemporalQueries;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;

/** What text means as a value of a type of Trino's: its native form (io.trino.spi.type.TypeUtils.writeNativeValue). */
final class ValueReader {
    private static final DateTimeFormatter TIME = new DateTimeFormatterBuilder().appendPattern("H:mm[:ss]")
        .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true).toFormatter();
    private static final DateTimeFormatter MOMENT = new DateTimeFormatterBuilder().appendPattern("yyyy-MM-dd[['T'][' ']").append(TIME)
        .appendPattern("[[ ]XXX][[ ]X]]").toFormatter();
    private static final LocalDate FIRST = LocalDate.of(1900, 1, 1);
    private static final long PICOSECONDS_PER_NANOSECOND = 1000;
    private static final long NANOSECONDS_PER_DAY = 86_400_000_000_000L;
    private static final int MAX_NUMBER_BYTES = 1000;
    private static final int DATE_BYTES = "yyyy-MM-dd".length();
    private static final int TIMESTAMP_BYTES = "yyyy-MM-dd HH:mm:ss".length();

    private ValueReader() {}

    /** Reads one value. */
    interface Parser {
        /** The value. Throws IllegalArgumentException, ArithmeticException or DateTimeException for what is none. */
        Object parse(Bytes text);
    }

    /** Whether blanks around a value of the type say nothing. */
    static boolean trimmed(Type type) {
        return !(type instanceof VarcharType || type instanceof CharType || type == VARBINARY);
    }

    /** What an empty field is where types have defaults. */
    static Object initial(Type type) {
        return switch (type) {
            case VarcharType _, CharType _ -> Slices.EMPTY_SLICE;
            case TimestampType stamp -> timestamp(stamp, FIRST.atStartOfDay());
            case TimestampWithTimeZoneType stamp -> zoned(stamp, FIRST.atStartOfDay().atOffset(ZoneOffset.UTC));
            case DecimalType number -> decimal(number, BigDecimal.ZERO);
            default -> {
                if (type == DATE) {
                    yield FIRST.toEpochDay();
                }
                if (type == VARBINARY) {
                    yield Slices.EMPTY_SLICE;
                }
                if (type == UUID) {
                    yield UuidType.javaUuidToTrinoUuid(new java.util.UUID(0, 0));
                }
                Class<?> kind = type.getJavaType();
                yield kind == boolean.class ? (Object) false : kind == double.class ? (Object) 0.0 : (Object) 0L;
            }
        };
    }

    static Parser of(Type type, Optional<DateTimeFormatter> pattern) {
        return switch (type) {
            case VarcharType text -> field -> longest(field.slice(), text.getLength().orElse(Integer.MAX_VALUE));
            case CharType text -> field -> longest(Chars.trimTrailingSpaces(field.slice()), text.getLength());
            case DecimalType number -> field -> decimal(number, field);
            case TimestampType stamp -> field -> timestamp(stamp, field, pattern);
            case TimestampWithTimeZoneType stamp -> field -> zoned(stamp, moment(field, pattern));
            case TimeType time -> field -> time(time, field, pattern);
            default -> simple(type, pattern);
        };
    }

    private static Parser simple(Type type, Optional<DateTimeFormatter> pattern) {
        if (type == BIGINT) {
            return field -> integer(field, Long.MIN_VALUE, Long.MAX_VALUE);
        }
        if (type == INTEGER) {
            return field -> integer(field, Integer.MIN_VALUE, Integer.MAX_VALUE);
        }
        if (type == SMALLINT) {
            return field -> integer(field, Short.MIN_VALUE, Short.MAX_VALUE);
        }
        if (type == DOUBLE) {
            return field -> Double.parseDouble(number(field));
        }
        if (type == REAL) {
            return field -> (long) Float.floatToRawIntBits(Float.parseFloat(number(field)));
        }
        if (type == BOOLEAN) {
            return ValueReader::truth;
        }
        if (type == DATE) {
            return field -> date(field, pattern);
        }
        if (type == UUID) {
            return field -> UuidType.javaUuidToTrinoUuid(java.util.UUID.fromString(field.toString()));
        }
        if (type == VARBINARY) {
            return ValueReader::binary;
        }
        throw new TrinoException(StandardErrorCode.NOT_SUPPORTED, "text can't be " + type);
    }

    /** T-SQL's tinyint. */
    static Object unsigned(Bytes field) {
        return integer(field, 0, 255);
    }

    private static long integer(Bytes field, long least, long most) {
        byte[] text = field.array;
        int at = field.from;
        int stop = field.from + field.length;
        boolean minus = at < stop && text[at] == '-';
        if (at < stop && (minus || text[at] == '+')) {
            at++;
        }
        if (at == stop) {
            throw new NumberFormatException();
        }
        long negative = 0; // which has one value more
        for (; at < stop; at++) {
            if (text[at] < '0' || text[at] > '9') {
                throw new NumberFormatException();
            }
            negative = Math.subtractExact(Math.multiplyExact(negative, 10L), text[at] - '0');
        }
        long value = minus ? negative : Math.negateExact(negative);
        if (value < least || value > most) {
            throw new ArithmeticException();
        }
        return value;
    }

    /** Java reads more as numbers than is one: 1d, 0x1p3; and what has thousands of digits takes long. */
    private static String number(Bytes field) {
        if (field.length > MAX_NUMBER_BYTES) {
            throw new NumberFormatException();
        }
        String text = field.toString();
        char last = text.isEmpty() ? 'x' : text.charAt(text.length() - 1);
        if (last == 'd' || last == 'D' || last == 'f' || last == 'F' || text.contains("x") || text.contains("X")) {
            throw new NumberFormatException();
        }
        return text;
    }

    private static Object truth(Bytes field) {
        return switch (field.toString().toLowerCase(java.util.Locale.ROOT)) {
            case "1", "true" -> true;
            case "0", "false" -> false;
            default -> throw new IllegalArgumentException();
        };
    }

    private static Slice binary(Bytes field) {
        String text = field.toString();
        return Slices.wrappedBuffer(HexFormat.of().parseHex(text.startsWith("0x") || text.startsWith("0X") ? text.substring(2) : text));
    }

    /** In JSON, where Spark, and SQL Server's FOR JSON and OPENJSON, have binaries so. */
    static Object base64(Bytes field) {
        return Slices.wrappedBuffer(Base64.getDecoder().decode(field.toString()));
    }

    private static Slice longest(Slice text, int most) {
        if (text.length() > most && SliceUtf8.countCodePoints(text) > most) {
            throw new IllegalArgumentException();
        }
        return text;
    }

    /** Digits with a point are most of what there is; what has exponents, or more digits, takes the long way. */
    private static Object decimal(DecimalType type, Bytes field) {
        int scale = type.getScale();
        if (!type.isShort() || field.length > 18) {
            return decimal(type, new BigDecimal(number(field)));
        }
        long value = 0;
        int point = -1;
        int stop = field.from + field.length;
        boolean minus = field.length > 0 && field.array[field.from] == '-';
        for (int at = field.from + (minus ? 1 : 0); at < stop; at++) {
            int digit = field.array[at] - '0';
            if (digit >= 0 && digit <= 9) {
                value = 10 * value + digit;
            } else if (field.array[at] == '.' && point < 0) {
                point = at;
            } else {
                return decimal(type, new BigDecimal(number(field)));
            }
        }
        int decimals = point < 0 ? 0 : stop - point - 1;
        int digits = field.length - (minus ? 1 : 0) - (point < 0 ? 0 : 1);
        if (digits == 0 || decimals > scale || digits + scale - decimals > type.getPrecision()) {
            return decimal(type, new BigDecimal(number(field)));
        }
        for (int at = decimals; at < scale; at++) {
            value *= 10;
        }
        return minus ? -value : value;
    }

    private static Object decimal(DecimalType type, BigDecimal value) {
        if (value.precision() - value.scale() > type.getPrecision() - type.getScale()) { // before a huge exponent is written out
            throw new ArithmeticException();
        }
        if (value.scale() - value.precision() > type.getScale()) { // nor a tiny one
            value = BigDecimal.ZERO;
        }
        BigInteger whole = value.setScale(type.getScale(), RoundingMode.HALF_UP).unscaledValue();
        if (new BigDecimal(whole).precision() > type.getPrecision()) {
            throw new ArithmeticException();
        }
        return type.isShort() ? (Object) whole.longValueExact() : Int128.valueOf(whole);
    }

    private static long date(Bytes field, Optional<DateTimeFormatter> pattern) {
        if (pattern.isPresent()) {
            TemporalAccessor found = patterned(field, pattern.get());
            LocalDate day = found == null ? null : found.query(TemporalQueries.localDate());
            if (day != null) {
                return day.toEpochDay();
            }
        }
        return isDay(field) ? day(field).toEpochDay() : moment(field, Optional.empty()).toLocalDate().toEpochDay();
    }

    /** Whether a field is written as yyyy-MM-dd. */
    private static boolean isDay(Bytes field) {
        return field.length == DATE_BYTES && dashed(field);
    }

    private static boolean dashed(Bytes field) {
        return field.array[field.from + 4] == '-' && field.array[field.from + 7] == '-';
    }

    private static LocalDate day(Bytes field) {
        return LocalDate.of(digits(field, 0, 4), digits(field, 5, 2), digits(field, 8, 2));
    }

    private static int digits(Bytes field, int at, int count) {
        int value = 0;
        for (int of = 0; of < count; of++) {
            int digit = field.array[field.from + at + of] - '0';
            if (digit < 0 || digit > 9) {
                throw new NumberFormatException();
            }
            value = 10 * value + digit;
        }
        return value;
    }

    /** yyyy-MM-dd HH:mm:ss is most of what there is. */
    private static Object timestamp(TimestampType type, Bytes field, Optional<DateTimeFormatter> pattern) {
        int at = field.from;
        byte[] text = field.array;
        if (pattern.isEmpty() && field.length == TIMESTAMP_BYTES && dashed(field) && (text[at + DATE_BYTES] == ' ' || text[at + DATE_BYTES] == 'T')
                && text[at + 13] == ':' && text[at + 16] == ':') {
            return timestamp(type, day(field).atTime(digits(field, 11, 2), digits(field, 14, 2), digits(field, 17, 2)));
        }
        return timestamp(type, moment(field, pattern).toLocalDateTime());
    }

    private static Object time(TimeType type, Bytes field, Optional<DateTimeFormatter> pattern) {
        TemporalAccessor found = pattern.map(one -> patterned(field, one)).orElse(null);
        LocalTime time = found == null ? null : found.query(TemporalQueries.localTime());
        long nanoseconds = (time == null ? LocalTime.parse(field.toString(), TIME) : time).toNanoOfDay();
        return rounded(nanoseconds, type.getPrecision()) % NANOSECONDS_PER_DAY * PICOSECONDS_PER_NANOSECOND;
    }

    /** A day and time; without a zone it is UTC. */
    private static OffsetDateTime moment(Bytes field, Optional<DateTimeFormatter> pattern) {
        TemporalAccessor found = pattern.map(one -> patterned(field, one)).orElse(null);
        if (found == null || found.query(TemporalQueries.localDate()) == null) {
            found = MOMENT.parse(field.toString());
        }
        LocalTime time = found.query(TemporalQueries.localTime());
        ZoneOffset zone = found.query(TemporalQueries.offset());
        LocalDate day = found.query(TemporalQueries.localDate());
        return OffsetDateTime.of(day, time == null ? LocalTime.MIDNIGHT : time, zone == null ? ZoneOffset.UTC : zone);
    }

    private static TemporalAccessor patterned(Bytes field, DateTimeFormatter pattern) {
        try {
            return pattern.parse(field.toString());
        } catch (DateTimeParseException other) {
            return null; // as one of the usual forms, maybe
        }
    }

    private static Object timestamp(TimestampType type, LocalDateTime value) {
        long seconds = value.toEpochSecond(ZoneOffset.UTC);
        long nanoseconds = rounded(value.getNano(), type.getPrecision());
        long microseconds = Math.addExact(Math.multiplyExact(seconds, 1_000_000L), nanoseconds / 1000);
        return type.isShort() ? (Object) microseconds : new LongTimestamp(microseconds, (int) (nanoseconds % 1000 * PICOSECONDS_PER_NANOSECOND));
    }

    private static Object zoned(TimestampWithTimeZoneType type, OffsetDateTime value) {
        long seconds = value.toEpochSecond();
        long nanoseconds = rounded(value.getNano(), type.getPrecision());
        TimeZoneKey zone = TimeZoneKey.getTimeZoneKeyForOffset(value.getOffset().getTotalSeconds() / 60);
        long milliseconds = Math.addExact(Math.multiplyExact(seconds, 1000L), nanoseconds / 1_000_000);
        return type.isShort()
            ? (Object) DateTimeEncoding.packDateTimeWithZone(milliseconds, zone)
            : LongTimestampWithTimeZone.fromEpochMillisAndFraction(milliseconds, (int) (nanoseconds % 1_000_000 * PICOSECONDS_PER_NANOSECOND), zone);
    }

    /** Nanoseconds with so many digits of a second. */
    private static long rounded(long nanoseconds, int digits) {
        long step = 1;
        for (int at = digits; at < 9; at++) {
            step *= 10;
        }
        return (nanoseconds + step / 2) / step * step;
    }
}
