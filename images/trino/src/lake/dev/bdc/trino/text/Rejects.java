package dev.bdc.trino.text;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import io.trino.filesystem.FileEntry;
import io.trino.filesystem.Location;
import io.trino.filesystem.TrinoFileSystem;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;

/**
 * How many rows of a table's files are rejected, counted before any row is read by a query: nothing of a table is seen that has more than it
 * may. A file is looked through once, until it changes.
 */
final class Rejects {
    private static final int MAX_REJECTED_ROWS_PER_FILE = 1_000_000;
    private static final int MAX_CACHE_WEIGHT = 10_000_000;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

    private final Cache<Key, Looked> known = CacheBuilder.newBuilder().maximumWeight(MAX_CACHE_WEIGHT)
        .weigher((Key key, Looked looked) -> 64 + looked.rejected().length).build();

    private record Key(String table, String path, long length, Instant changed) {}

    /**
     * @param rejected the numbers of the rows, from 0
     * @param first where the first of them is, and why; null where there is none
     */
    private record Looked(long rows, int[] rejected, String first) {}

    /** Raises TrinoException where the files have more such rows than they may. */
    void check(String table, Layout layout, List<FileEntry> all, TrinoFileSystem files, String query) {
        Layout.Limit limit = layout.limit();
        if (limit.none()) {
            return; // the first one fails the query that reads it
        }
        try (Kept kept = new Kept(layout, files, query)) {
            long rows = 0;
            long rejected = 0;
            String first = null;
            for (FileEntry file : all) {
                Looked looked = look(table, layout, file, files, kept);
                first = first == null ? looked.first() : first;
                if (!limit.percentage()) {
                    rejected += looked.rejected().length;
                    if (rejected > limit.value()) {
                        throw over(layout, rejected + " rows are rejected, and " + (long) limit.value() + " may be", first, kept);
                    }
                    continue;
                }
                int next = 0;
                for (long row = 0; row < looked.rows(); row++) {
                    rows++;
                    if (next < looked.rejected().length && looked.rejected()[next] == row) {
                        next++;
                        rejected++;
                    }
                    if (rows % limit.sample() == 0 && 100.0 * rejected > limit.value() * rows) {
                        throw over(layout, rejected + " of the first " + rows + " rows are rejected, and " + limit.value() + " % may be", first, kept);
                    }
                }
            }
            if (limit.percentage() && 100.0 * rejected > limit.value() * rows) {
                throw over(layout, rejected + " of " + rows + " rows are rejected, and " + limit.value() + " % may be", first, kept);
            }
        } catch (IOException error) {
            throw Failures.failed(layout.rejected().map(Location::toString).orElse(""), error);
        }
    }

    private static RuntimeException over(Layout layout, String told, String first, Kept kept) {
        String where = kept.folder == null ? "" : "; they are in " + kept.folder;
        return Failures.refused(layout.location() + ": " + told + "; the first: " + first + where);
    }

    private Looked look(String table, Layout layout, FileEntry file, TrinoFileSystem files, Kept kept) {
        String path = file.location().toString();
        Key key = new Key(table, path, file.length(), file.lastModified());
        Looked before = known.getIfPresent(key);
        if (before != null) {
            return before;
        }
        List<Integer> rejected = new ArrayList<>();
        String first = null;
        long rows = 0;
        try (RowReader all = new RowReader(layout, new TextSplit(path, 0, file.length(), true), files)) {
            for (; all.next(); rows++) {
                if (all.reason() != null) {
                    if (rejected.size() == MAX_REJECTED_ROWS_PER_FILE) {
                        throw Failures.refused(path + " has more than " + MAX_REJECTED_ROWS_PER_FILE + " rows that are rejected; " + all.where() + ": " + all.reason());
                    }
                    String reason = all.where() + ": " + all.reason();
                    first = first == null ? reason : first;
                    rejected.add(Math.toIntExact(rows));
                    kept.add(all.raw(), reason);
                }
            }
        } catch (IOException error) {
            throw Failures.failed(path, error);
        }
        Looked looked = new Looked(rows, rejected.stream().mapToInt(Integer::intValue).toArray(), first);
        known.put(key, looked);
        return looked;
    }

    /** The rejected rows, and why they are, in a folder below the one that the table names: _rejectedrows/TIME_QUERY. */
    private static final class Kept implements AutoCloseable {

        private final Layout layout;
        private final TrinoFileSystem files;
        private final String query;
        private Location folder;
        private OutputStream rows;
        private OutputStream reasons;

        Kept(Layout layout, TrinoFileSystem files, String query) {
            this.layout = layout;
            this.files = files;
            this.query = query;
        }

        void add(byte[] row, String reason) throws IOException {
            if (layout.rejected().isEmpty()) {
                return;
            }
            if (rows == null) {
                folder = layout.rejected().get().appendPath("_rejectedrows").appendPath(TIME.format(Instant.now()) + "_" + query);
                rows = files.newOutputFile(folder.appendPath("rows.txt")).create();
                reasons = files.newOutputFile(folder.appendPath("reasons.txt")).create();
            }
            rows.write(row);
            rows.write('\n');
            reasons.write((reason + "\n").getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public void close() throws IOException {
            if (rows != null) {
                rows.close();
                reasons.close();
            }
        }
    }
}
