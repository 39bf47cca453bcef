package dev.bdc.trino.lake;

import static io.trino.spi.type.BigintType.BIGINT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.airlift.slice.Slice;
import io.airlift.slice.Slices;
import io.trino.spi.Page;
import io.trino.spi.PageBuilder;
import io.trino.spi.connector.ConnectorContext;
import io.trino.spi.connector.ConnectorPageSink;
import io.trino.spi.type.Type;
import io.trino.testing.TestingConnectorContext;
import io.trino.testing.TestingConnectorSession;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class SortingPageSinkTest {
    private static final List<Type> TYPES = List.of(BIGINT);

    /** Keeps what it is given. */
    private static final class Kept implements ConnectorPageSink {
        final List<Long> values = new ArrayList<>();

        @Override
        public CompletableFuture<?> appendPage(Page page) {
            for (int row = 0; row < page.getPositionCount(); row++) {
                values.add(BIGINT.getLong(page.getBlock(0), row));
            }
            return NOT_BLOCKED;
        }

        @Override
        public CompletableFuture<Collection<Slice>> finish() {
            return CompletableFuture.completedFuture(List.of(Slices.utf8Slice("file")));
        }

        @Override
        public void abort() {
            values.clear();
        }
    }

    private static List<Long> written(LongStream values) throws Exception {
        ConnectorContext context = new TestingConnectorContext();
        Kept kept = new Kept();
        RowOrder order = new RowOrder(context.getPageSorter(), context.getPageIndexerFactory(), TestingConnectorSession.SESSION, TYPES);
        ConnectorPageSink sink = new SortingPageSink(kept, order, TYPES);
        PageBuilder page = new PageBuilder(TYPES);
        values.forEach(value -> {
            page.declarePosition();
            BIGINT.writeLong(page.getBlockBuilder(0), value);
            if (page.getPositionCount() == 5_000) {
                sink.appendPage(page.build());
                page.reset();
            }
        });
        sink.appendPage(page.build());
        assertEquals(List.of(Slices.utf8Slice("file")), sink.finish().get());
        return kept.values;
    }

    @Test
    void rowsAreGivenOnInOrder() throws Exception {
        assertEquals(LongStream.range(0, 30_000).map(row -> row % 7).sorted().boxed().toList(), written(LongStream.range(0, 30_000).map(row -> row % 7)));
    }

    @Test
    void fewRowsAreGivenOnAsTheyCame() throws Exception {
        assertEquals(List.of(3L, 1L, 3L, 2L), written(LongStream.of(3, 1, 3, 2)));
    }
}
