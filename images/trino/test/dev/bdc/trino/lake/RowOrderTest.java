package dev.bdc.trino.lake;

import static io.trino.spi.type.BigintType.BIGINT;
import static io.trino.spi.type.VarcharType.VARCHAR;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.airlift.slice.Slices;
import io.trino.spi.Page;
import io.trino.spi.PageBuilder;
import io.trino.spi.block.ArrayBlockBuilder;
import io.trino.spi.block.Block;
import io.trino.spi.connector.ConnectorContext;
import io.trino.spi.type.ArrayType;
import io.trino.spi.type.Type;
import io.trino.testing.TestingConnectorContext;
import io.trino.testing.TestingConnectorSession;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class RowOrderTest {
    private static final int ROWS = 30_000;
    private static final int PAGE_ROWS = 7_001;
    private static final List<Type> TYPES = List.of(BIGINT, VARCHAR, BIGINT);

    private static RowOrder order(List<Type> types) {
        ConnectorContext context = new TestingConnectorContext();
        return new RowOrder(context.getPageSorter(), context.getPageIndexerFactory(), TestingConnectorSession.SESSION, types);
    }

    /** A row: its number, a name or null, and a group. */
    private record Row(long number, String name, long group) {}

    private static List<Page> pages(long rows, LongFunction<Row> made) {
        List<Page> pages = new ArrayList<>();
        PageBuilder page = new PageBuilder(TYPES);
        for (long number = 0; number < rows; number++) {
            Row row = made.apply(number);
            page.declarePosition();
            BIGINT.writeLong(page.getBlockBuilder(0), row.number());
            if (row.name() == null) {
                page.getBlockBuilder(1).appendNull();
            } else {
                VARCHAR.writeSlice(page.getBlockBuilder(1), Slices.utf8Slice(row.name()));
            }
            BIGINT.writeLong(page.getBlockBuilder(2), row.group());
            if (page.getPositionCount() == PAGE_ROWS || number == rows - 1) {
                pages.add(page.build());
                page.reset();
            }
        }
        return pages;
    }

    private static List<Row> rows(List<Page> pages, long[] order) {
        Block[] blocks = new Block[TYPES.size()];
        for (int column = 0; column < blocks.length; column++) {
            blocks[column] = RowOrder.values(TYPES.get(column), pages, column, order, 0, order.length);
        }
        List<Row> found = new ArrayList<>();
        for (int at = 0; at < order.length; at++) {
            String name = blocks[1].isNull(at) ? null : VARCHAR.getSlice(blocks[1], at).toStringUtf8();
            found.add(new Row(BIGINT.getLong(blocks[0], at), name, BIGINT.getLong(blocks[2], at)));
        }
        return found;
    }

    @Test
    void equalValuesAreTogetherThoseOfTheFewestFirstAndElseRowsAreAsTheyCame() {
        LongFunction<Row> made = number -> new Row(number, number % 3 == 0 ? null : "name " + number % 3, number * 7919 % 11);
        List<Page> pages = pages(ROWS, made);
        List<Row> expected = LongStream.range(0, ROWS).mapToObj(made)
            .sorted(Comparator.comparing(Row::name, Comparator.nullsFirst(Comparator.naturalOrder())).thenComparing(Row::group)).toList();
        assertEquals(expected, rows(pages, order(TYPES).of(pages)));
    }

    @Test
    void groupsAreNotDividedFurtherThanPagesAreSkipped() {
        LongFunction<Row> made = number -> new Row(number, "name " + number * 7919 % 40, number * 104_729 % 50);
        List<Page> pages = pages(ROWS, made);
        List<Row> expected = LongStream.range(0, ROWS).mapToObj(made).sorted(Comparator.comparing(Row::name)).toList();
        assertEquals(expected, rows(pages, order(TYPES).of(pages)), "30,000 rows of 40 names are groups below 1,000 rows");
    }

    @Test
    void fewRowsStayAsTheyAre() {
        List<Page> pages = pages(19_999, number -> new Row(number, "name", number % 3));
        assertEquals(0, order(TYPES).of(pages).length);
    }

    @Test
    void rowsStayAsTheyAreWhereNoValueComesAgainOrAllAreOne() {
        List<Page> pages = pages(ROWS, number -> new Row(number, "name", 1));
        assertEquals(0, order(TYPES).of(pages).length);
    }

    @Test
    void columnsOfListsAreNoneToOrderBy() {
        ArrayType list = new ArrayType(BIGINT);
        PageBuilder page = new PageBuilder(List.of(list));
        for (int row = 0; row < ROWS; row++) {
            page.declarePosition();
            long value = row % 2;
            ((ArrayBlockBuilder) page.getBlockBuilder(0)).buildEntry(element -> BIGINT.writeLong(element, value));
        }
        assertEquals(0, order(List.of(list)).of(List.of(page.build())).length);
    }

    @Test
    void aRowIsItsPageAndItsPlace() {
        List<Page> pages = pages(ROWS, number -> new Row(number, number < PAGE_ROWS ? "b" : "a", 1));
        long[] rows = order(TYPES).of(pages);
        assertArrayEquals(new long[] {1L << 32, (1L << 32) + 1}, new long[] {rows[0], rows[1]});
        assertEquals(PAGE_ROWS - 1, rows[rows.length - 1]);
        assertEquals(ROWS, LongStream.of(rows).distinct().count());
    }
}
