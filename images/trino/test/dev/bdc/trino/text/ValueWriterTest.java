package dev.bdc.trino.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.trino.spi.block.Block;
import io.trino.spi.block.BlockBuilder;
import io.trino.spi.type.Type;
import io.trino.spi.type.TypeUtils;
import io.trino.testing.TestingConnectorSession;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ValueWriterTest {
    /** What a text is after it was read as a value and written again. */
    private static String again(String name, String text, Optional<DateTimeFormatter> pattern) {
        Type type = ValueReaderTest.type(name);
        BlockBuilder builder = type.createBlockBuilder(null, 1);
        TypeUtils.writeNativeValue(type, builder, ValueReader.of(type, pattern).parse(ValueReaderTest.field(text)));
        Block block = builder.build();
        return ValueWriter.of(type, type.getObjectValue(TestingConnectorSession.SESSION, block, 0), pattern);
    }

    @ParameterizedTest
    @CsvSource({
        "bigint, -9223372036854775808", "'decimal(4,2)', -0.50", "'decimal(38,2)', 123456789012345678901234567890.12", "double, 0.1", "double, NaN",
        "real, 0.1", "boolean, true", "date, 1582-10-04", "date, 0001-01-01", "'timestamp(0)', 2026-11-30 01:02:03",
        "'timestamp(9)', 1969-12-31 23:59:59.999999999", "'timestamp(6) with time zone', 2026-11-30 01:02:03.123456000+01:30",
        "'time(6)', 01:02:03.123456", "uuid, 12151fd2-7586-11e9-8f9e-2a86e4085a59", "varbinary, 00ff", "varchar, ' ä '", "char(4), ab",
    })
    void whatWasReadIsWrittenAsItWas(String type, String text) {
        assertEquals(text, again(type, text, Optional.empty()));
    }

    @ParameterizedTest
    @CsvSource({
        "date, 30.11.2026 00:00", "'timestamp(6)', 31.12.1969 23:59", "'timestamp(3) with time zone', 30.11.2026 01:02",
    })
    void aPatternIsOfDaysAndTimesBoth(String type, String text) {
        assertEquals(text, again(type, text, Optional.of(DateTimeFormatter.ofPattern("dd.MM.yyyy HH:mm"))));
    }

    @Test
    void jsonHasNumbersAndTruthsWithoutQuotes() {
        assertTrue(ValueWriter.bare(ValueReaderTest.type("decimal(38,2)"), "1.00"));
        assertTrue(ValueWriter.bare(ValueReaderTest.type("boolean"), "true"));
        assertTrue(ValueWriter.bare(ValueReaderTest.type("double"), "1.0E9"));
        assertFalse(ValueWriter.bare(ValueReaderTest.type("double"), "NaN"));
        assertFalse(ValueWriter.bare(ValueReaderTest.type("real"), "-Infinity"));
        assertFalse(ValueWriter.bare(ValueReaderTest.type("varchar"), "1"));
    }
}
