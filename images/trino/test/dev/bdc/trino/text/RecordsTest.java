package dev.bdc.trino.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordsTest {
    /** A stream that gives few bytes at a time, as a network does. */
    private static InputStream stream(String text, int atOnce) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)) {
            @Override
            public synchronized int read(byte[] into, int from, int length) {
                return super.read(into, from, Math.min(atOnce, length));
            }
        };
    }

    private static Records records(String text, String terminator, String quote, int atOnce) {
        return new Records(stream(text, atOnce), terminator.getBytes(StandardCharsets.UTF_8), quote.getBytes(StandardCharsets.UTF_8));
    }

    private static List<String> fields(Records records) {
        List<String> found = new ArrayList<>();
        Bytes field = new Bytes();
        for (int at = 0; at < records.count(); at++) {
            records.read(at, field);
            found.add(field.toString());
        }
        return found;
    }

    private static List<List<String>> all(Records records) throws IOException {
        List<List<String>> found = new ArrayList<>();
        while (records.next(Long.MAX_VALUE)) {
            assertNull(records.fault());
            found.add(fields(records));
        }
        return found;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 1000})
    void linesEndInThreeWaysAndTheLastNeedsNoEnd(int atOnce) throws IOException {
        assertEquals(List.of(List.of("a", "b"), List.of("", ""), List.of("c", "ü"), List.of("d")), all(records("a|b\n|\r\nc|ü\rd", "|", "", atOnce)));
        assertEquals(List.of(List.of("a"), List.of("")), all(records("a\n\n", "|", "", atOnce)));
        assertEquals(List.of(), all(records("", "|", "", atOnce)));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 1000})
    void aTerminatorMayHaveSeveralCharacters(int atOnce) throws IOException {
        assertEquals(List.of(List.of("a", "|b", "")), all(records("a|||b||", "||", "", atOnce)));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 1000})
    void inQuotesAllIsText(int atOnce) throws IOException {
        Records records = records("\"a,\n\"\"b\"\"\",\"\",c\"d\nnext", ",", "\"", atOnce);
        assertTrue(records.next(Long.MAX_VALUE));
        assertEquals(List.of("a,\n\"b\"", "", "c\"d"), fields(records));
        assertFalse(records.isEmpty(1), "quotes around nothing are an empty text");
        assertEquals(1, records.line());
        assertTrue(records.next(Long.MAX_VALUE));
        assertEquals(3, records.line(), "the first record has two lines");
        assertEquals("next", new String(records.raw(), StandardCharsets.UTF_8));
    }

    @Test
    void whatIsWrongWithQuotesIsSaid() throws IOException {
        Records behind = records("\"a\"b,c\nd,e\n", ",", "\"", 1000);
        assertTrue(behind.next(Long.MAX_VALUE));
        assertEquals("there is text behind a closing quote", behind.fault());
        assertTrue(behind.next(Long.MAX_VALUE));
        assertNull(behind.fault());
        Records open = records("\"a,b\nc", ",", "\"", 1000);
        assertTrue(open.next(Long.MAX_VALUE));
        assertEquals("a quote isn't closed", open.fault());
    }

    @Test
    void aByteOrderMarkIsNoText() throws IOException {
        Records records = records("\ufeffa|b\n", "|", "", 1);
        records.skipMark();
        assertEquals(List.of(List.of("a", "b")), all(records));
    }

    @Test
    void aRecordBelongsToWhomItBeginsIn() throws IOException {
        Records records = records("aa\nbb\ncc\n", "|", "", 1000);
        records.skipLine();
        assertTrue(records.next(6));
        assertEquals(List.of("bb"), fields(records));
        assertFalse(records.next(6), "the third record begins at byte 6");
    }

    @Test
    void aFieldWithoutEndIsAnErrorAndNoOverflow() {
        InputStream endless = new InputStream() {
            @Override
            public int read() {
                return 'x';
            }

            @Override
            public int read(byte[] into, int from, int length) {
                return length;
            }
        };
        Exception error = assertThrows(IOException.class, () -> new Records(endless, new byte[] {'|'}, new byte[0]).next(Long.MAX_VALUE));
        assertEquals("line 1 is longer than 64 MiB: are the terminator and the quotes right?", error.getMessage());
    }
}
