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
import io.trino.spi.predicate.Domain;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.Comparator;
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

    /** Whether what the file's folders are named by may be wanted. */
    private static boolean mayHold(Layout layout, FileEntry file, Constraint wanted) {
        Map<ColumnHandle, Domain> domains = wanted.getSummary().getDomains().orElse(null);
        if (domains == null) {
            return false;
        }
        Map<String, String> keys = RowReader.keys(layout, file.location().toString());
        for (int at = 0; at < layout.names().size(); at++) {
            Domain domain = domains.get(new TextColumnHandle(at));
            String text = keys.get(layout.names().get(at));
            if (domain != null && text != null) {
                try {
                    if (!domain.includesNullableValue(RowReader.key(layout, at, text))) {
                        return false;
                    }
                } catch (IllegalArgumentException | ArithmeticException | DateTimeException misfit) {
                    return true; // whoever reads it says so
                }
            }
        }
        return true;
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
