package dev.bdc.trino.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.airlift.slice.Slices;
import io.trino.spi.TrinoException;
import io.trino.spi.type.DateTimeEncoding;
import io.trino.spi.type.Int128;
import io.trino.spi.type.LongTimestamp;
import io.trino.spi.type.TimeZoneKey;
import io.trino.spi.type.Type;
import io.trino.type.InternalTypeManager;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ValueReaderTest {
    /** In the middle of an array, as fields are. */
    static Bytes field(String text) {
        byte[] encoded = ("9-" + text + ".9").getBytes(StandardCharsets.UTF_8);
        Bytes bytes = new Bytes();
        bytes.set(encoded, 2, encoded.length - 4);
        return bytes;
    }

    static Type type(String name) {
        return InternalTypeManager.TESTING_TYPE_MANAGER.fromSqlType(name);
    }

    private static Object read(String type, String text) {
        return ValueReader.of(type(type), Optional.empty()).parse(field(text));
    }

    private static Object read(String type, String text, String pattern) {
        return ValueReader.of(type(type), Optional.of(DateTimeFormatter.ofPattern(pattern))).parse(field(text));
    }

    @ParameterizedTest
    @CsvSource({
        "smallint, -32768, -32768", "smallint, 32767, 32767", "integer, -2147483648, -2147483648", "integer, +2147483647, 2147483647",
        "bigint, -9223372036854775808, -9223372036854775808", "bigint, 9223372036854775807, 9223372036854775807", "bigint, 007, 7",
        "'decimal(4,2)', 12.34, 1234", "'decimal(4,2)', -.5, -50", "'decimal(4,2)', 12.345, 1235", "'decimal(4,2)', 1e1, 1000",
        "'decimal(4,2)', 1e-99999999, 0", "'decimal(18,0)', 999999999999999999, 999999999999999999", "'decimal(4,2)', 0012.3, 1230",
        "real, 1.5, 1069547520", "date, 1970-01-02, 1", "date, 1969-12-31, -1", "date, 2026-11-30 23:59:59, 20787",
        "'timestamp(0)', 1970-01-01 00:00:01, 1000000", "'timestamp(3)', 1970-01-01T00:00:00.0005, 1000", "'timestamp(6)', 1969-12-31, -86400000000",
        "'timestamp(6)', 1970-01-01 01:00:00+01:00, 3600000000", "'time(3)', 00:00:01.5, 1500000000000", "'time(0)', 23:59:59.9, 0",
    })
    void numbersDaysAndTimes(String type, String text, long value) {
        assertEquals(value, read(type, text));
    }

    @ParameterizedTest
    @CsvSource({
        "smallint, 32768", "integer, 2147483648", "bigint, 9223372036854775808", "bigint, 1.0", "bigint, ''", "bigint, -", "bigint, 1_0",
        "'decimal(4,2)', 100", "'decimal(4,2)', 99.995", "'decimal(4,2)', 1e99999999", "'decimal(4,2)', 1.2.3", "'decimal(4,2)', x", "'decimal(38,0)', 1d",
        "double, 1d", "double, 0x1p3", "double, ''", "boolean, yes", "boolean, t", "date, 2026-02-30", "date, 30.11.2026", "date, 2026-1x-01",
        "'timestamp(6)', 2026-11-30 24:00:00", "'time(0)', 25:00", "uuid, 1234", "varbinary, 0x123", "varbinary, zz", "varchar(2), abc", "char(2), abc",
    })
    void whatIsNoValueOfATypeIsRefused(String type, String text) {
        Exception error = assertThrows(RuntimeException.class, () -> read(type, text));
        assertTrue(error instanceof IllegalArgumentException || error instanceof ArithmeticException || error instanceof DateTimeException,
            error.toString());
    }

    @Test
    void aNumberOfThousandsOfDigitsIsRefusedBeforeItIsReckoned() {
        assertThrows(NumberFormatException.class, () -> read("double", "1".repeat(1001)));
        assertThrows(NumberFormatException.class, () -> read("decimal(38,0)", "0".repeat(1001)));
    }

    @Test
    void otherTypes() {
        assertEquals(0.1, read("double", "0.1"));
        assertEquals(Double.NEGATIVE_INFINITY, read("double", "-Infinity"));
        assertEquals(true, read("boolean", "TRUE"));
        assertEquals(false, read("boolean", "0"));
        assertEquals(Int128.valueOf("-12345678901234567890123456789012345678"), read("decimal(38,0)", "-12345678901234567890123456789012345678"));
        assertEquals(Slices.utf8Slice("ab"), read("varbinary", "6162"));
        assertEquals(Slices.utf8Slice("äö"), read("varchar(2)", "äö"));
        assertEquals(Slices.utf8Slice("a"), read("char(2)", "a   "));
        assertEquals(Slices.utf8Slice(" a "), read("varchar", " a "));
        assertEquals(new LongTimestamp(-1, 999_000), read("timestamp(9)", "1969-12-31 23:59:59.999999999"));
        assertEquals(DateTimeEncoding.packDateTimeWithZone(0, TimeZoneKey.getTimeZoneKeyForOffset(90)),
            read("timestamp(3) with time zone", "1970-01-01 01:30:00 +01:30"));
        assertEquals(DateTimeEncoding.packDateTimeWithZone(0, TimeZoneKey.UTC_KEY), read("timestamp(3) with time zone", "1970-01-01"));
    }

    @Test
    void aTypeThatTextHasNotIsRefused() {
        Exception error = assertThrows(TrinoException.class, () -> ValueReader.of(type("array(bigint)"), Optional.empty()));
        assertEquals("text can't be array(bigint)", error.getMessage());
    }

    @Test
    void aPatternIsTriedFirstAndTheUsualFormsAreReadToo() {
        assertEquals(LocalDate.of(2026, 11, 30).toEpochDay(), read("date", "30.11.2026", "dd.MM.yyyy"));
        assertEquals(LocalDate.of(2026, 11, 30).toEpochDay(), read("date", "2026-11-30", "dd.MM.yyyy"));
        assertEquals(60_000_000L, read("timestamp(6)", "01.01.1970 00:01", "dd.MM.yyyy HH:mm"));
        assertEquals(0L, read("timestamp(6)", "01.01.1970", "dd.MM.yyyy"));
        assertEquals(60_000_000_000_000L, read("time(0)", "00h01", "HH'h'mm"));
        assertThrows(DateTimeException.class, () -> read("date", "11/30/2026", "dd.MM.yyyy"));
    }

    @ParameterizedTest
    @CsvSource({"bigint, 0", "real, 0", "date, -25567", "'timestamp(6)', -2208988800000000", "'decimal(4,2)', 0", "time(0), 0"})
    void theDefaultOfATypeIsZeroOrTheFirstOfJanuary1900(String type, long value) {
        assertEquals(value, ValueReader.initial(type(type)));
    }

    @Test
    void theDefaultsOfOtherTypes() {
        assertEquals(Slices.EMPTY_SLICE, ValueReader.initial(type("varchar")));
        assertEquals(Slices.EMPTY_SLICE, ValueReader.initial(type("varbinary")));
        assertEquals(0.0, ValueReader.initial(type("double")));
        assertEquals(false, ValueReader.initial(type("boolean")));
        assertEquals(Int128.ZERO, ValueReader.initial(type("decimal(38,2)")));
        assertEquals(Slices.wrappedBuffer(new byte[16]), ValueReader.initial(type("uuid")));
    }

    @Test
    void blanksAreOfATextAlone() {
        assertFalse(ValueReader.trimmed(type("varchar")) || ValueReader.trimmed(type("char(2)")) || ValueReader.trimmed(type("varbinary")));
        assertTrue(ValueReader.trimmed(type("bigint")) && ValueReader.trimmed(type("date")));
    }
}
