package dev.bdc.trino.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.airlift.slice.Slice;
import io.airlift.slice.Slices;
import io.trino.spi.Page;
import io.trino.spi.PageBuilder;
import io.trino.spi.TrinoException;
import io.trino.spi.connector.ColumnHandle;
import io.trino.spi.connector.Connector;
import io.trino.spi.connector.ConnectorInsertTableHandle;
import io.trino.spi.connector.ConnectorMetadata;
import io.trino.spi.connector.ConnectorPageSink;
import io.trino.spi.connector.ConnectorPageSource;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.connector.ConnectorSplit;
import io.trino.spi.connector.ConnectorTableHandle;
import io.trino.spi.connector.ConnectorTransactionHandle;
import io.trino.spi.connector.Constraint;
import io.trino.spi.connector.DynamicFilter;
import io.trino.spi.connector.RetryMode;
import io.trino.spi.connector.SchemaTableName;
import io.trino.spi.connector.SourcePage;
import io.trino.spi.predicate.Domain;
import io.trino.spi.predicate.TupleDomain;
import io.trino.spi.predicate.ValueSet;
import io.trino.spi.transaction.IsolationLevel;
import io.trino.spi.type.BigintType;
import io.trino.spi.type.Type;
import io.trino.spi.type.VarcharType;
import io.trino.testing.TestingConnectorContext;
import io.trino.testing.TestingConnectorSession;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The connector as Trino makes it, on the local file system. */
class TextConnectorFactoryTest {
    private static final String NAME = "/t?id=bigint;name=varchar?";
    private static final List<Type> TYPES = List.of(BigintType.BIGINT, VarcharType.VARCHAR);

    @TempDir
    Path folder;

    private final ConnectorSession session = TestingConnectorSession.SESSION;
    private Connector connector;
    private ConnectorTransactionHandle transaction;
    private ConnectorMetadata metadata;

    @BeforeEach
    void create() throws IOException {
        Map<String, String> properties = Map.of("root", "local://", "fs.native-local.enabled", "true", "local.location", folder.toString());
        connector = new TextConnectorFactory().create("lake", properties, new TestingConnectorContext());
        transaction = connector.beginTransaction(IsolationLevel.READ_COMMITTED, false, true);
        metadata = connector.getMetadata(session, transaction);
        Files.createDirectories(folder.resolve("t"));
    }

    @AfterEach
    void shutdown() {
        connector.shutdown();
    }

    private ConnectorTableHandle table(String name) {
        return metadata.getTableHandle(session, new SchemaTableName(Layout.DELIMITED, name), Optional.empty(), Optional.empty());
    }

    private List<ConnectorSplit> splits(ConnectorTableHandle table, Constraint wanted) throws Exception {
        return connector.getSplitManager().getSplits(transaction, session, table, DynamicFilter.EMPTY, wanted).getNextBatch(1000).get().getSplits();
    }

    private List<String> rows(String name) throws Exception {
        ConnectorTableHandle table = table(name);
        List<ColumnHandle> columns = List.copyOf(metadata.getColumnHandles(session, table).values());
        List<String> found = new ArrayList<>();
        for (ConnectorSplit split : splits(table, Constraint.alwaysTrue())) {
            try (ConnectorPageSource source = connector.getPageSourceProvider()
                    .createPageSource(transaction, session, split, table, columns, DynamicFilter.EMPTY)) {
                while (!source.isFinished()) {
                    SourcePage page = source.getNextSourcePage();
                    for (int row = 0; page != null && row < page.getPositionCount(); row++) {
                        List<Object> values = new ArrayList<>();
                        for (int column = 0; column < columns.size(); column++) {
                            values.add(TYPES.get(column).getObjectValue(session, page.getBlock(column), row));
                        }
                        found.add(values.toString());
                    }
                }
            }
        }
        return found;
    }

    private static Page page(long id, String name) {
        PageBuilder page = new PageBuilder(TYPES);
        page.declarePosition();
        BigintType.BIGINT.writeLong(page.getBlockBuilder(0), id);
        VarcharType.VARCHAR.writeSlice(page.getBlockBuilder(1), Slices.utf8Slice(name));
        return page.build();
    }

    @Test
    void aFolderIsATableWithTheColumnsOfItsName() throws Exception {
        Files.writeString(folder.resolve("t/a.csv"), "1|one\n");
        Files.writeString(folder.resolve("t/_hidden.csv"), "x|y\n");
        Files.createDirectories(folder.resolve("t/.hidden"));
        Files.writeString(folder.resolve("t/.hidden/b.csv"), "x|y\n");
        ConnectorTableHandle table = table(NAME);
        assertEquals(List.of("id", "name"), metadata.getTableMetadata(session, table).getColumns().stream().map(column -> column.getName()).toList());
        assertEquals(List.of("[1, one]"), rows(NAME));
        assertEquals(List.of("[1, one]"), rows("/t/a.csv?id=bigint;name=varchar?"));
        assertNull(table("/none?id=bigint?"));
        assertNull(table("/t?id=bigint?new=true"));
    }

    @Test
    void rowsAreSeenWhenTheirStatementIsFinished() throws Exception {
        ConnectorTableHandle table = table(NAME);
        ConnectorInsertTableHandle insert = metadata.beginInsert(session, table, List.of(), RetryMode.NO_RETRIES);
        ConnectorPageSink sink = connector.getPageSinkProvider().createPageSink(transaction, session, insert, () -> 7);
        sink.appendPage(page(1, "one"));
        Collection<Slice> fragments = sink.finish().get();
        assertEquals(List.of(), rows(NAME));
        metadata.finishInsert(session, insert, List.of(), fragments, List.of());
        assertEquals(List.of("[1, one]"), rows(NAME));
    }

    @Test
    void rowsOfAnAbortedStatementAreGone() throws Exception {
        ConnectorInsertTableHandle insert = metadata.beginInsert(session, table(NAME), List.of(), RetryMode.NO_RETRIES);
        ConnectorPageSink sink = connector.getPageSinkProvider().createPageSink(transaction, session, insert, () -> 7);
        sink.appendPage(page(1, "one"));
        sink.abort();
        try (var left = Files.list(folder.resolve("t"))) {
            assertEquals(0, left.count());
        }
    }

    /** By a constraint's domains and by its predicate, which is all that Trino 476 gives a split manager (SplitSourceFactory). */
    @Test
    void foldersThatHoldNothingWantedAreNotRead() throws Exception {
        for (String year : List.of("2025", "2026")) {
            Files.createDirectories(folder.resolve("t/id=" + year));
            Files.writeString(folder.resolve("t/id=" + year + "/a.csv"), "one\n");
        }
        ConnectorTableHandle table = table(NAME);
        ColumnHandle id = metadata.getColumnHandles(session, table).get("id");
        Domain wanted = Domain.create(ValueSet.of(BigintType.BIGINT, 2026L), false);
        Constraint domains = new Constraint(TupleDomain.withColumnDomains(Map.of(id, wanted)));
        Constraint predicate = new Constraint(TupleDomain.all(), keys -> Long.valueOf(2026).equals(keys.get(id).getValue()), Set.of(id));
        for (Constraint constraint : List.of(domains, predicate)) {
            List<ConnectorSplit> splits = splits(table, constraint);
            assertEquals(List.of("local:///t/id=2026/a.csv"), splits.stream().map(split -> ((TextSplit) split).path()).toList());
        }
        String told = assertThrows(TrinoException.class, () -> metadata.beginInsert(session, table, List.of(), RetryMode.NO_RETRIES)).getMessage();
        assertTrue(told.matches("rows are only added to folders without KEY=VALUE folders, as local:///t/id=202[56]/a.csv is in"), told);
    }

    @Test
    void aLongFileIsSplitAndACompressedOneIsNot() throws Exception {
        for (String name : List.of("t/a.csv", "t/b.csv.gz")) {
            try (RandomAccessFile file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
                file.setLength(48 << 20);
            }
        }
        assertEquals(List.of(
            new TextSplit("local:///t/a.csv", 0, 32 << 20, false), new TextSplit("local:///t/a.csv", 32 << 20, 16 << 20, false),
            new TextSplit("local:///t/b.csv.gz", 0, 48 << 20, true)), splits(table(NAME), Constraint.alwaysTrue()));
    }

    /** Trino sends handles and splits to its workers as JSON. */
    @Test
    void handlesAndSplitsAreWholeAfterJson() throws Exception {
        ObjectMapper json = new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
        TextTableHandle table = new TextTableHandle(Layout.JSON, NAME);
        for (Object handle : List.of(table, new TextColumnHandle(3), new TextWriteHandle(table, "query_"), TextTransactionHandle.INSTANCE,
                new TextSplit("memory:///t/a", 1, 2, true))) {
            assertEquals(handle, json.readValue(json.writeValueAsString(handle), handle.getClass()));
        }
    }
}
