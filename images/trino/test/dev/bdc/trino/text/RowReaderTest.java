package dev.bdc.trino.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.airlift.slice.Slice;
import io.trino.filesystem.Location;
import io.trino.filesystem.TrinoFileSystem;
import io.trino.filesystem.memory.MemoryFileSystem;
import io.trino.spi.TrinoException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

class RowReaderTest {
    private final TrinoFileSystem files = new MemoryFileSystem();

    private String file(String path, byte[] content) throws IOException {
        files.newOutputFile(Location.of("memory://" + path)).createOrOverwrite(content);
        return "memory://" + path;
    }

    private String file(String path, String content) throws IOException {
        return file(path, content.getBytes(StandardCharsets.UTF_8));
    }

    private List<String> rows(Layout layout, TextSplit split) throws IOException {
        List<String> found = new ArrayList<>();
        try (RowReader rows = new RowReader(layout, split, files)) {
            while (rows.next()) {
                found.add(rows.reason() == null ? shown(rows.values()) : rows.where() + ": " + rows.reason());
            }
        }
        return found;
    }

    private List<String> rows(Layout layout, String path) throws IOException {
        return rows(layout, new TextSplit(path, 0, files.newInputFile(Location.of(path)).length(), true));
    }

    private static String shown(Object[] values) {
        return Arrays.stream(values).map(value -> value instanceof Slice text ? text.toStringUtf8() : String.valueOf(value)).toList().toString();
    }

    @Test
    void fieldsAreTheColumnsInOrderAndEmptyOnesAreNull() throws IOException {
        String path = file("/t/a.csv", "1|one\n |\n\n2| two \n");
        assertEquals(List.of("[1, one]", "[null, null]", "[2,  two ]"), rows(LayoutTest.delimited("/t?id=bigint;name=varchar?"), path));
        assertEquals(List.of("[1, one]", "[0, ]", "[2,  two ]"), rows(LayoutTest.delimited("/t?id=bigint;name=varchar?defaults=true"), path));
    }

    @Test
    void aRowThatDoesNotFitHasAReason() throws IOException {
        String path = file("/t/a.csv", "1|one\nx|two\n3\n256|four\n");
        assertEquals(List.of(
            "[1, one]", "memory:///t/a.csv, line 2: the column id: 'x' is no tinyint", "memory:///t/a.csv, line 3: it has 1 fields, and not 2",
            "memory:///t/a.csv, line 4: the column id: '256' is no tinyint"), rows(LayoutTest.delimited("/t?id=tinyint;name=varchar?"), path));
        String longer = file("/t/b.csv", "y".repeat(61));
        assertEquals(List.of("memory:///t/b.csv, line 1: the column id: '" + "y".repeat(60) + "...' is no bigint"),
            rows(LayoutTest.delimited("/t?id=bigint?"), longer));
    }

    @Test
    void rowsBeforeTheFirstAreSkipped() throws IOException {
        String path = file("/t/a.csv", "\ufeffid;name\n1;one\n");
        assertEquals(List.of("[1, one]"), rows(LayoutTest.delimited("/t?id=bigint;name=varchar?terminator=%3b;first=2"), path));
        assertEquals(List.of(), rows(LayoutTest.delimited("/t?id=bigint;name=varchar?terminator=%3b;first=9"), path));
    }

    @Test
    void namesOfFoldersAreColumns() throws IOException {
        Layout layout = LayoutTest.delimited("/t?year=bigint;name=varchar;region=varchar?");
        assertEquals(List.of("[2026, one, a b]"), rows(layout, file("/t/Year=2026/region=a%20b/a.csv", "one\n")));
        assertEquals(List.of("[null, one, x]"), rows(layout, file("/t/year=__HIVE_DEFAULT_PARTITION__/region=x/a.csv", "one\n")));
        String misfit = file("/t/year=new/region=x/a.csv", "one\n");
        assertEquals("memory:///t/year=new/region=x/a.csv: year=new is no bigint",
            assertThrows(TrinoException.class, () -> rows(layout, misfit)).getMessage());
    }

    @Test
    void aLineOfJsonIsARow() throws IOException {
        String path = file("/t/a.json", """
            {"ID": 1, "name": "o|ne", "other": [1]}
            {"name": {"a": 1.25}, "id": null}
            [1]
            {"id": 1
            """);
        List<String> found = rows(LayoutTest.json("/t?id=bigint;name=varchar?"), path);
        assertEquals(List.of("[1, o|ne]", "[null, {\"a\":1.25}]", "memory:///t/a.json, line 3: it is no JSON object"), found.subList(0, 3));
        assertEquals("memory:///t/a.json, line 4: it is no JSON: ", found.get(3).substring(0, "memory:///t/a.json, line 4: it is no JSON: ".length()));
    }

    @Test
    void compressedFilesAreUnpackedByTheirNames() throws IOException {
        Layout layout = LayoutTest.delimited("/t?id=bigint?");
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        try (OutputStream stream = new GZIPOutputStream(gzip)) {
            stream.write("1\n2\n".getBytes(StandardCharsets.UTF_8));
        }
        assertEquals(List.of("[1]", "[2]"), rows(layout, file("/t/a.gz", gzip.toByteArray())));
        ByteArrayOutputStream deflated = new ByteArrayOutputStream();
        try (OutputStream stream = new DeflaterOutputStream(deflated)) {
            stream.write("3\n".getBytes(StandardCharsets.UTF_8));
        }
        assertEquals(List.of("[3]"), rows(layout, file("/t/a.deflate", deflated.toByteArray())));
        String cut = file("/t/b.gz", Arrays.copyOf(gzip.toByteArray(), gzip.size() - 9));
        String told = assertThrows(IOException.class, () -> rows(layout, cut)).getMessage();
        assertEquals("the file is cut off or broken: ", told.substring(0, "the file is cut off or broken: ".length()));
    }

    @Test
    void utf16IsReadInBothOrders() throws IOException {
        Layout layout = LayoutTest.delimited("/t?name=varchar?utf16=true");
        String text = "ä\n" + "😀".repeat(40_000) + "\n";
        for (Charset charset : List.of(StandardCharsets.UTF_16LE, StandardCharsets.UTF_16BE)) {
            assertEquals(List.of("[ä]", "[" + "😀".repeat(40_000) + "]"), rows(layout, file("/t/a.csv", ("\ufeff" + text).getBytes(charset))));
        }
        assertEquals(List.of("[ä]"), rows(layout, file("/t/b.csv", "ä\n".getBytes(StandardCharsets.UTF_16LE))), "without a mark");
    }

    @Test
    void howeverAFileIsSplitEachRowIsReadOnce() throws IOException {
        String text = "1|one\r\n22|\n333|drei\n4444|vier\r\n5|ü";
        splitAt(file("/t/a.csv", text), 1);
        splitAt(file("/t/b.csv", "\ufeff" + text), 4); // the mark and one byte
    }

    private void splitAt(String path, int smallest) throws IOException {
        Layout layout = LayoutTest.delimited("/t?id=bigint;name=varchar?");
        long length = files.newInputFile(Location.of(path)).length();
        for (int size = smallest; size <= length; size++) {
            List<String> found = new ArrayList<>();
            for (long start = 0; start < length; start += size) {
                found.addAll(rows(layout, new TextSplit(path, start, Math.min(size, length - start), false)));
            }
            assertEquals(List.of("[1, one]", "[22, null]", "[333, drei]", "[4444, vier]", "[5, ü]"), found, path + ", splits of " + size + " bytes");
        }
    }

    @Test
    void aRowIsKeptAsItIsWritten() throws IOException {
        String path = file("/t/a.csv", "'a';'b''c'\r\n");
        Layout layout = LayoutTest.delimited("/t?id=bigint;name=varchar?terminator=%3b;quote=%27");
        try (RowReader rows = new RowReader(layout, new TextSplit(path, 0, 12, true), files)) {
            rows.next();
            assertArrayEquals("'a';'b''c'".getBytes(StandardCharsets.UTF_8), rows.raw());
        }
    }
}
