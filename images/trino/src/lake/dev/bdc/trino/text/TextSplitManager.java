package dev.bdc.trino.text;

import com.google.inject.Inject;
import io.trino.filesystem.FileEntry;
import io.trino.spi.connector.ColumnHandle;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.connector.ConnectorSplitManager;
import io.trino.spi.connector.ConnectorSplitSource;
import io.trino.spi.connector.ConnectorTableHandle;
import io.trino.spi.connector.ConnectorTransactionHandle;
import io.trino.spi.connector.Constraint;
import io.trino.spi.connector.DynamicFilter;
import io.trino.spi.connector.FixedSplitSource;
import io.trino.spi.predicate.NullableValue;
import io.trino.spi.predicate.TupleDomain;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The splits of a table's files. Those whose folders' names say that they hold nothing that is wanted are left out. */
final class TextSplitManager implements ConnectorSplitManager {
    private static final long SPLIT_BYTES = 32 << 20;

    private final Layouts layouts;
    private final DataFiles files;
    private final Rejects rejects;

    @Inject
    TextSplitManager(Layouts layouts, DataFiles files, Rejects rejects) {
        this.layouts = layouts;
        this.files = files;
        this.rejects = rejects;
    }

    @Override
    public ConnectorSplitSource getSplits(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorTableHandle handle, DynamicFilter filter, Constraint wanted) {
        TextTableHandle table = (TextTableHandle) handle;
        Layout layout = layouts.of(table);
        List<FileEntry> all = files.in(layout.location()).stream().sorted(Comparator.comparing(file -> file.location().toString())).toList();
        rejects.check(table.schema() + table.name(), layout, all, files.fileSystem(), session.getQueryId());
        List<TextSplit> splits = new ArrayList<>();
        for (FileEntry file : all) {
            if (mayHold(layout, file, wanted)) {
                splits.addAll(divided(layout, file));
            }
        }
        return new FixedSplitSource(splits);
    }

    /**
     * Whether what the file's folders are named by may be wanted. Of a connector that takes no filter over, the engine gives conditions as a
     * predicate, which answers for values of some of its columns, and in the summary no more than it asks of all.
     */
    static boolean mayHold(Layout layout, FileEntry file, Constraint wanted) {
        Map<ColumnHandle, NullableValue> keys;
        try {
            keys = values(layout, file);
        } catch (IllegalArgumentException | ArithmeticException | DateTimeException misfit) {
            return true; // whoever reads it says so
        }
        return wanted.getSummary().overlaps(TupleDomain.fromFixedValues(keys)) && wanted.predicate().map(holds -> holds.test(keys)).orElse(true);
    }

    /** The values that the folders of a file give its table's columns. */
    private static Map<ColumnHandle, NullableValue> values(Layout layout, FileEntry file) {
        Map<ColumnHandle, NullableValue> found = new HashMap<>();
        Map<String, String> keys = RowReader.keys(layout, file.location().toString());
        for (int at = 0; at < layout.names().size(); at++) {
            String text = keys.get(layout.names().get(at));
            if (text != null) {
                found.put(new TextColumnHandle(at), new NullableValue(layout.types().get(at), RowReader.key(layout, at, text)));
            }
        }
        return found;
    }

    private static List<TextSplit> divided(Layout layout, FileEntry file) {
        String path = file.location().toString();
        if (layout.utf16() || layout.quote().length > 0 || !TextSplit.compression(path).isEmpty()) {
            return List.of(new TextSplit(path, 0, file.length(), true));
        }
        List<TextSplit> splits = new ArrayList<>();
        for (long start = 0; start < file.length(); start += SPLIT_BYTES) {
            splits.add(new TextSplit(path, start, Math.min(SPLIT_BYTES, file.length() - start), false));
        }
        return splits;
    }
}
