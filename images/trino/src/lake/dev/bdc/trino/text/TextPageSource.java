package dev.bdc.trino.text;

import io.trino.filesystem.TrinoFileSystem;
import io.trino.spi.PageBuilder;
import io.trino.spi.connector.ConnectorPageSource;
import io.trino.spi.connector.SourcePage;
import io.trino.spi.type.Type;
import io.trino.spi.type.TypeUtils;
import java.io.IOException;
import java.util.List;

/** The rows of a split of a file, as pages; those that are rejected are left out, or fail the query where none may be. */
final class TextPageSource implements ConnectorPageSource {
    private static final int PAGE_ROWS = 8192;

    private final Layout layout;
    private final TextSplit split;
    private final TrinoFileSystem files;
    private final int[] columns;
    private final PageBuilder page;
    private final List<Type> types;
    private RowReader rows;
    private boolean finished;
    private long nanoseconds;
    private long taken;

    TextPageSource(Layout layout, TextSplit split, TrinoFileSystem files, int[] columns, List<Type> types) {
        this.layout = layout;
        this.split = split;
        this.files = files;
        this.columns = columns;
        this.types = types;
        page = new PageBuilder(types);
    }

    @Override
    public SourcePage getNextSourcePage() {
        long begun = System.nanoTime();
        page.reset();
        try {
            if (rows == null) {
                rows = new RowReader(layout, split, files);
            }
            while (!page.isFull() && page.getPositionCount() < PAGE_ROWS) {
                if (!rows.next()) {
                    finished = true;
                    break;
                }
                if (rows.reason() == null) {
                    append(rows.values());
                } else if (layout.limit().none()) {
                    throw Failures.refused(rows.where() + ": " + rows.reason() + "; REJECT_VALUE says how many rows may be left out");
                }
            }
        } catch (IOException error) {
            throw Failures.failed(split.path(), error);
        }
        nanoseconds += System.nanoTime() - begun;
        if (page.isEmpty()) {
            return null;
        }
        taken += page.getPositionCount();
        return SourcePage.create(page.build());
    }

    private void append(Object[] values) {
        page.declarePosition();
        for (int at = 0; at < columns.length; at++) {
            TypeUtils.writeNativeValue(types.get(at), page.getBlockBuilder(at), values[columns[at]]);
        }
    }

    @Override
    public boolean isFinished() {
        return finished;
    }

    @Override
    public long getCompletedBytes() {
        return finished ? split.length() : 0;
    }

    @Override
    public java.util.OptionalLong getCompletedPositions() {
        return java.util.OptionalLong.of(taken);
    }

    @Override
    public long getReadTimeNanos() {
        return nanoseconds;
    }

    @Override
    public long getMemoryUsage() {
        return page.getSizeInBytes();
    }

    @Override
    public void close() throws IOException {
        finished = true;
        if (rows != null) {
            rows.close();
        }
    }
}
