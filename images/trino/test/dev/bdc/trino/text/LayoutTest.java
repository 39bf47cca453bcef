package dev.bdc.trino.text;

import static io.trino.spi.type.BigintType.BIGINT;
import static io.trino.spi.type.SmallintType.SMALLINT;
import static io.trino.spi.type.VarbinaryType.VARBINARY;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.airlift.slice.Slices;
import io.trino.filesystem.Location;
import io.trino.spi.TrinoException;
import io.trino.spi.type.VarcharType;
import io.trino.type.InternalTypeManager;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LayoutTest {
    static Layout delimited(String name) {
        return Layout.of("memory://", Layout.DELIMITED, name, InternalTypeManager.TESTING_TYPE_MANAGER);
    }

    static Layout json(String name) {
        return Layout.of("memory://", Layout.JSON, name, InternalTypeManager.TESTING_TYPE_MANAGER);
    }

    @Test
    void withoutOptionsFieldsAreBetweenBarsAndNoRowMayBeRejected() {
        Layout layout = delimited("/t?id=bigint;name=varchar%285%29?");
        assertEquals(Location.of("memory:///t"), layout.location());
        assertEquals(List.of("id", "name"), layout.names());
        assertEquals(List.of(BIGINT, VarcharType.createVarcharType(5)), layout.types());
        assertArrayEquals(bytes("|"), layout.terminator());
        assertArrayEquals(bytes(""), layout.quote());
        assertEquals(1, layout.first());
        assertTrue(layout.limit().none());
        assertFalse(layout.json() || layout.defaults() || layout.utf16() || layout.packed() || layout.fresh());
        assertEquals(Optional.empty(), layout.date());
        assertEquals(Optional.empty(), layout.rejected());
    }

    @Test
    void optionsAreTakenFromTheName() {
        Layout layout = delimited("/t?a=bigint?terminator=%c2%a6%c2%a6;quote=%22;first=2;defaults=true;utf16=true;packed=true;new=true"
            + ";date=dd%2e%4d%4d.yyyy;percentage=12.5;sample=50;rejected=/bad");
        assertArrayEquals(bytes("¦¦"), layout.terminator());
        assertArrayEquals(bytes("\""), layout.quote());
        assertEquals(2, layout.first());
        assertTrue(layout.defaults() && layout.utf16() && layout.packed() && layout.fresh());
        assertEquals(new Layout.Limit(12.5, true, 50), layout.limit());
        assertEquals(LocalDate.of(2026, 11, 30), LocalDate.parse("30.11.2026", layout.date().orElseThrow()));
        assertEquals(Optional.of(Location.of("memory:///bad")), layout.rejected());
    }

    @Test
    void aTinyintIsAByteWithoutASign() {
        Layout layout = delimited("/t?a=tinyint;b=smallint?");
        assertEquals(List.of(SMALLINT, SMALLINT), layout.types());
        assertEquals(Set.of(0), layout.tinyints());
        assertEquals("tinyint", layout.kind(0));
        assertEquals("smallint", layout.kind(1));
        assertEquals(255L, layout.parser(0).parse(ValueReaderTest.field("255")));
        assertThrows(ArithmeticException.class, () -> layout.parser(0).parse(ValueReaderTest.field("-1")));
        assertEquals(-1L, layout.parser(1).parse(ValueReaderTest.field("-1")));
    }

    @Test
    void jsonHasNoTerminatorAndItsBinariesAreBase64() {
        Layout layout = json("/t?a=varbinary?terminator=%3b;quote=%22");
        assertTrue(layout.json());
        assertEquals(0, layout.terminator().length + layout.quote().length);
        assertEquals(List.of(VARBINARY), layout.types());
        assertEquals(Slices.utf8Slice("ab"), layout.parser(0).parse(ValueReaderTest.field("YWI=")));
        assertEquals(Slices.utf8Slice("ab"), delimited("/t?a=varbinary?").parser(0).parse(ValueReaderTest.field("0x6162")));
    }

    @Test
    void aNameWithoutColumnsIsRefused() {
        Exception error = assertThrows(TrinoException.class, () -> delimited("/t"));
        assertEquals("files of text have no columns of their own: define them", error.getMessage());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
