package dev.bdc.trino.lake;

import io.trino.spi.Page;
import io.trino.spi.PageIndexer;
import io.trino.spi.PageIndexerFactory;
import io.trino.spi.PageSorter;
import io.trino.spi.block.Block;
import io.trino.spi.block.BlockBuilder;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.connector.SortOrder;
import io.trino.spi.type.Type;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The order that rows are written in: by the columns whose values come again, those with the fewest values first, and else as they came. Rows
 * of one value are then together: a query that asks for it skips the pages of others, and columns take less room. Column stores do so with
 * each of their row groups: Lemire and Kaser, Reordering columns for smaller indexes, Information Sciences 181 (2011).
 *
 * @param types of the columns
 */
record RowOrder(PageSorter sorter, PageIndexerFactory indexers, ConnectorSession session, List<Type> types) {
    /** Fewer rows are a page or two of each column: there is nothing to be skipped. */
    private static final int MIN_ROWS = 20_000;
    private static final int SAMPLE_ROWS = 4096;
    /** The part of a sample's values that a column's are at the most, for equal ones to be worth being put together. */
    private static final double MAX_DISTINCT_FRACTION = 0.9;
    /** Groups are not divided further that are smaller than the pages that are skipped. */
    private static final int MIN_GROUP_ROWS = 1000;

    /** The rows in order, as the number of the page in the upper half, and the place in it; none where they are to stay as they are. */
    long[] of(List<Page> pages) {
        int count = pages.stream().mapToInt(Page::getPositionCount).sum();
        int[] columns = count < MIN_ROWS ? new int[0] : columns(pages, count);
        return columns.length == 0 ? new long[0] : grouped(pages, count, columns);
    }

    /** The columns to order by, as a sample of the rows says. */
    private int[] columns(List<Page> pages, int count) {
        Map<Integer, List<Integer>> found = new TreeMap<>();
        for (int column = 0; column < types.size(); column++) {
            if (types.get(column).isOrderable() && types.get(column).getTypeParameters().isEmpty()) {
                int values = different(pages, count, column);
                if (values > 1 && values <= MAX_DISTINCT_FRACTION * Math.min(count, SAMPLE_ROWS)) {
                    found.computeIfAbsent(values, any -> new ArrayList<>()).add(column);
                }
            }
        }
        IntStream.Builder chosen = IntStream.builder();
        long groups = 1;
        for (Map.Entry<Integer, List<Integer>> one : found.entrySet()) {
            for (int column : one.getValue()) {
                if (groups * MIN_GROUP_ROWS < count) {
                    chosen.add(column);
                    groups *= one.getKey();
                }
            }
        }
        return chosen.build().toArray();
    }

    /** How many values a column has in some rows that lie evenly. */
    private int different(List<Page> pages, int count, int column) {
        Set<Object> found = new HashSet<>();
        double step = Math.max(1, (double) count / SAMPLE_ROWS);
        double next = 0;
        int before = 0;
        for (Page page : pages) {
            Block block = page.getBlock(column);
            for (; next < before + page.getPositionCount(); next += step) {
                found.add(Optional.ofNullable(types.get(column).getObjectValue(session, block, (int) next - before)));
            }
            before += page.getPositionCount();
        }
        return found.size();
    }

    /** The rows, equal ones together and as they came. Only one row of each group is compared with others. */
    private long[] grouped(List<Page> pages, int count, int[] columns) {
        List<Type> by = IntStream.of(columns).mapToObj(types::get).toList();
        PageIndexer indexer = indexers.createPageIndexer(by);
        List<int[]> groups = pages.stream().map(page -> indexer.indexPage(page.getColumns(columns))).toList();
        int known = indexer.getMaxIndex() + 1;
        long[] ones = oneOfEach(groups, known);
        Block[] compared = new Block[columns.length];
        for (int key = 0; key < columns.length; key++) {
            compared[key] = values(by.get(key), pages, columns[key], ones, 0, known);
        }
        List<Integer> keys = IntStream.range(0, columns.length).boxed().toList();
        List<Page> page = List.of(new Page(known, compared));
        long[] sorted = sorter.sort(by, page, keys, Collections.nCopies(columns.length, SortOrder.ASC_NULLS_FIRST), known);
        return counted(groups, count, IntStream.range(0, known).map(at -> sorter.decodePositionIndex(sorted[at])).toArray());
    }

    /** A row of each group. */
    private static long[] oneOfEach(List<int[]> groups, int known) {
        long[] rows = new long[known];
        for (int page = 0; page < groups.size(); page++) {
            for (int at = 0; at < groups.get(page).length; at++) {
                rows[groups.get(page)[at]] = (long) page << 32 | at;
            }
        }
        return rows;
    }

    /** The values that rows `from` to `to` have in a column. */
    static Block values(Type type, List<Page> pages, int column, long[] rows, int from, int to) {
        BlockBuilder builder = type.createBlockBuilder(null, to - from);
        for (int at = from; at < to; at++) {
            Block block = pages.get((int) (rows[at] >>> 32)).getBlock(column);
            builder.append(block.getUnderlyingValueBlock(), block.getUnderlyingValuePosition((int) rows[at]));
        }
        return builder.build();
    }

    /** The rows by their groups: `order` has the groups in theirs. */
    private static long[] counted(List<int[]> groups, int count, int[] order) {
        int[] sizes = new int[order.length];
        groups.forEach(ids -> IntStream.of(ids).forEach(group -> sizes[group]++));
        int[] next = new int[order.length];
        int before = 0;
        for (int group : order) {
            next[group] = before;
            before += sizes[group];
        }
        long[] rows = new long[count];
        for (int page = 0; page < groups.size(); page++) {
            int[] ids = groups.get(page);
            for (int at = 0; at < ids.length; at++) {
                rows[next[ids[at]]++] = (long) page << 32 | at;
            }
        }
        return rows;
    }
}
