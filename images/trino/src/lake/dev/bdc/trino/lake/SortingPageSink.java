package dev.bdc.trino.lake;

import io.airlift.slice.Slice;
import io.trino.spi.Page;
import io.trino.spi.block.Block;
import io.trino.spi.connector.ConnectorPageSink;
import io.trino.spi.type.Type;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Gives rows to another sink in a RowOrder, a chunk at a time. */
final class SortingPageSink implements ConnectorPageSink {
    /** Of a heap of 1 GiB 16 MiB: a statement has several sinks. */
    private static final long CHUNK_BYTES = Math.min(64L << 20, Runtime.getRuntime().maxMemory() / 64);
    private static final int PAGE_ROWS = 8192;
    /** What a RowOrder needs beside the rows: a row's place and its group. */
    private static final int ORDER_BYTES_PER_ROW = Long.BYTES + Integer.BYTES;

    private final ConnectorPageSink sink;
    private final RowOrder order;
    private final List<Type> types;
    private final List<Page> pages = new ArrayList<>();
    private long bytes;

    SortingPageSink(ConnectorPageSink sink, RowOrder order, List<Type> types) {
        this.sink = sink;
        this.order = order;
        this.types = types;
    }

    @Override
    public CompletableFuture<?> appendPage(Page page) {
        pages.add(page);
        bytes += page.getSizeInBytes() + (long) ORDER_BYTES_PER_ROW * page.getPositionCount();
        return bytes < CHUNK_BYTES ? NOT_BLOCKED : write();
    }

    @Override
    public CompletableFuture<Collection<Slice>> finish() {
        return write().thenCompose(written -> sink.finish());
    }

    private CompletableFuture<?> write() {
        List<CompletableFuture<?>> written = new ArrayList<>();
        long[] rows = order.of(pages);
        for (int start = 0; start < rows.length; start += PAGE_ROWS) {
            written.add(sink.appendPage(page(rows, start, Math.min(rows.length, start + PAGE_ROWS))));
        }
        if (rows.length == 0) {
            pages.forEach(page -> written.add(sink.appendPage(page)));
        }
        pages.clear();
        bytes = 0;
        return CompletableFuture.allOf(written.toArray(CompletableFuture[]::new));
    }

    private Page page(long[] rows, int start, int stop) {
        Block[] blocks = new Block[types.size()];
        for (int column = 0; column < blocks.length; column++) {
            blocks[column] = RowOrder.values(types.get(column), pages, column, rows, start, stop);
        }
        return new Page(stop - start, blocks);
    }

    @Override
    public long getCompletedBytes() {
        return sink.getCompletedBytes();
    }

    @Override
    public long getMemoryUsage() {
        return sink.getMemoryUsage() + bytes;
    }

    @Override
    public long getValidationCpuNanos() {
        return sink.getValidationCpuNanos();
    }

    @Override
    public void closeIdleWriters() {
        sink.closeIdleWriters();
    }

    @Override
    public void abort() {
        pages.clear();
        sink.abort();
    }
}
