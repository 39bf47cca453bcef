package dev.bdc.trino.text;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.trino.filesystem.FileEntry;
import io.trino.filesystem.FileIterator;
import io.trino.filesystem.Location;
import io.trino.filesystem.TrinoFileSystem;
import io.trino.filesystem.TrinoInputFile;
import io.trino.filesystem.memory.MemoryFileSystem;
import io.trino.spi.TrinoException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class RejectsTest {
    private final TrinoFileSystem files = new MemoryFileSystem();
    private final Rejects rejects = new Rejects();

    private FileEntry file(String name, String content) throws IOException {
        Location location = Location.of("memory:///t/" + name);
        files.newOutputFile(location).createOrOverwrite(content.getBytes(StandardCharsets.UTF_8));
        TrinoInputFile file = files.newInputFile(location);
        return new FileEntry(location, file.length(), file.lastModified(), Optional.empty());
    }

    private void check(String options, List<FileEntry> all) {
        rejects.check(options, LayoutTest.delimited("/t?id=bigint?" + options), all, files, "query");
    }

    private String refusal(String options, List<FileEntry> all) {
        return assertThrows(TrinoException.class, () -> check(options, all)).getMessage();
    }

    /** The files of rejected rows by their names. */
    private Map<String, String> kept() throws IOException {
        Map<String, String> found = new TreeMap<>();
        FileIterator all = files.listFiles(Location.of("memory:///bad"));
        while (all.hasNext()) {
            Location location = all.next().location();
            assertTrue(location.path().matches("bad/_rejectedrows/\\d{8}-\\d{6}_query/[a-z.]+"), location.path());
            try (InputStream stream = files.newInputFile(location).newStream()) {
                found.put(location.fileName(), new String(stream.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        return found;
    }

    @Test
    void asManyRowsMayBeRejectedAsTheValueSays() throws IOException {
        List<FileEntry> all = List.of(file("a.csv", "1\nx\n2\n"), file("b.csv", "y\n3\n"));
        assertDoesNotThrow(() -> check("value=2", all));
        assertEquals("memory:///t: 2 rows are rejected, and 1 may be; the first: memory:///t/a.csv, line 2: the column id: 'x' is no bigint",
            refusal("value=1", all));
    }

    @Test
    void withoutALimitNothingIsCounted() throws IOException {
        assertDoesNotThrow(() -> check("", List.of(new FileEntry(Location.of("memory:///none"), 1, Instant.EPOCH, Optional.empty()))));
    }

    @Test
    void aPercentageIsLookedAtAfterEachSampleAndAtTheEnd() throws IOException {
        List<FileEntry> early = List.of(file("a.csv", "x\nx\n" + "1\n".repeat(98)));
        assertEquals("memory:///t: 2 of the first 10 rows are rejected, and 5.0 % may be; the first: memory:///t/a.csv, line 1: the column id: 'x' is no bigint",
            refusal("percentage=5;sample=10", early));
        assertDoesNotThrow(() -> check("percentage=5;sample=100", early));
        List<FileEntry> few = List.of(file("b.csv", "1\nx\n"));
        assertEquals("memory:///t: 1 of 2 rows are rejected, and 49.0 % may be; the first: memory:///t/b.csv, line 2: the column id: 'x' is no bigint",
            refusal("percentage=49;sample=10", few));
        assertDoesNotThrow(() -> check("percentage=50;sample=10", few));
    }

    @Test
    void rejectedRowsAreKeptWithTheirReasons() throws IOException {
        List<FileEntry> all = List.of(file("a.csv", "1\nx\r\n2\ny"));
        check("value=2;rejected=/bad", all);
        assertEquals(Map.of("rows.txt", "x\ny\n", "reasons.txt",
            "memory:///t/a.csv, line 2: the column id: 'x' is no bigint\nmemory:///t/a.csv, line 4: the column id: 'y' is no bigint\n"), kept());
    }

    @Test
    void nothingIsKeptWhereNoRowIsRejected() throws IOException {
        check("value=2;rejected=/bad", List.of(file("a.csv", "1\n")));
        assertEquals(Map.of(), kept());
    }

    @Test
    void aFileIsLookedThroughOnceUntilItChanges() throws IOException {
        List<FileEntry> all = new ArrayList<>(List.of(file("a.csv", "1\nx\n")));
        check("value=1;rejected=/bad", all);
        files.deleteDirectory(Location.of("memory:///bad"));
        check("value=1;rejected=/bad", all);
        assertEquals(Map.of(), kept(), "it was not read again");
        all.set(0, file("a.csv", "1\nx\n\nyy\n"));
        assertThrows(TrinoException.class, () -> check("value=1;rejected=/bad", all));
        assertEquals("x\nyy\n", kept().get("rows.txt"));
    }
}
