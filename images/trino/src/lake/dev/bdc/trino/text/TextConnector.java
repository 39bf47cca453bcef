package dev.bdc.trino.text;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.inject.Inject;
import com.google.inject.Injector;
import io.airlift.bootstrap.Bootstrap;
import io.airlift.bootstrap.LifeCycleManager;
import io.airlift.slice.Slice;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Tracer;
import io.trino.filesystem.FileEntry;
import io.trino.filesystem.FileIterator;
import io.trino.filesystem.Location;
import io.trino.filesystem.TrinoFileSystem;
import io.trino.filesystem.TrinoFileSystemFactory;
import io.trino.filesystem.manager.FileSystemModule;
import io.trino.plugin.base.CatalogNameModule;
import io.trino.plugin.base.jmx.ConnectorObjectNameGeneratorModule;
import io.trino.plugin.base.jmx.MBeanServerModule;
import io.trino.spi.NodeManager;
import io.trino.spi.connector.ColumnHandle;
import io.trino.spi.connector.ColumnMetadata;
import io.trino.spi.connector.Connector;
import io.trino.spi.connector.ConnectorContext;
import io.trino.spi.connector.ConnectorMetadata;
import io.trino.spi.connector.ConnectorInsertTableHandle;
import io.trino.spi.connector.ConnectorOutputMetadata;
import io.trino.spi.connector.ConnectorOutputTableHandle;
import io.trino.spi.connector.ConnectorPageSink;
import io.trino.spi.connector.ConnectorPageSinkId;
import io.trino.spi.connector.ConnectorPageSinkProvider;
import io.trino.spi.connector.ConnectorPageSource;
import io.trino.spi.connector.ConnectorPageSourceProvider;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.connector.ConnectorSplit;
import io.trino.spi.connector.ConnectorSplitManager;
import io.trino.spi.connector.ConnectorSplitSource;
import io.trino.spi.connector.ConnectorTableHandle;
import io.trino.spi.connector.ConnectorTableLayout;
import io.trino.spi.connector.ConnectorTableMetadata;
import io.trino.spi.connector.ConnectorTableVersion;
import io.trino.spi.connector.ConnectorTransactionHandle;
import io.trino.spi.connector.Constraint;
import io.trino.spi.connector.DynamicFilter;
import io.trino.spi.connector.FixedSplitSource;
import io.trino.spi.connector.RetryMode;
import io.trino.spi.connector.SchemaTableName;
import io.trino.spi.predicate.Domain;
import io.trino.spi.security.ConnectorIdentity;
import io.trino.spi.statistics.ComputedStatistics;
import io.trino.spi.transaction.IsolationLevel;
import io.trino.spi.type.Type;
import io.trino.spi.type.TypeManager;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.weakref.jmx.guice.MBeanModule;

/**
 * Files of text as tables, whose names say how they are written (Layout): delimited fields, or one JSON object a line. Rows are added as
 * further files, which are hidden until all are written.
 */
public final class TextConnector
        implements Connector, ConnectorMetadata, ConnectorSplitManager, ConnectorPageSourceProvider, ConnectorPageSinkProvider {
    private static final long PART = 32 << 20;

    private final String root;
    private final TypeManager types;
    private final Rejects rejects = new Rejects();
    private final Cache<Table, Layout> layouts = CacheBuilder.newBuilder().maximumSize(100).build();
    private TrinoFileSystemFactory fileSystems;
    private LifeCycleManager life;

    private TextConnector(String root, TypeManager types) {
        this.root = root;
        this.types = types;
    }

    /** A connector for one store. `properties` are those of Trino's file systems. */
    public static Connector create(String catalog, String root, Map<String, String> properties, ConnectorContext context) {
        TextConnector made = new TextConnector(root, context.getTypeManager());
        Injector injector = new Bootstrap(
            new CatalogNameModule(catalog), new MBeanModule(), new MBeanServerModule(),
            new ConnectorObjectNameGeneratorModule("dev.bdc.trino.text", "bdc.text"),
            new FileSystemModule(catalog, context.getNodeManager(), context.getOpenTelemetry(), false),
            binder -> {
                binder.bind(OpenTelemetry.class).toInstance(context.getOpenTelemetry());
                binder.bind(Tracer.class).toInstance(context.getTracer());
                binder.bind(NodeManager.class).toInstance(context.getNodeManager());
                binder.requestInjection(made);
            }).doNotInitializeLogging().setRequiredConfigurationProperties(properties).initialize();
        made.life = injector.getInstance(LifeCycleManager.class);
        return made;
    }

    @Inject
    void setFileSystems(TrinoFileSystemFactory fileSystems) {
        this.fileSystems = fileSystems;
    }

    /** A table: nothing but its name. */
    public record Table(String schema, String name) implements ConnectorTableHandle {}

    /** A column by its place. */
    public record Column(int place) implements ColumnHandle {}

    /** Rows that are being added to a table, to hidden files of a name that the statement has alone. */
    public record Added(Table table, String prefix) implements ConnectorInsertTableHandle, ConnectorOutputTableHandle {}

    private enum Transaction implements ConnectorTransactionHandle {
        ONE
    }

    @Override
    public ConnectorTransactionHandle beginTransaction(IsolationLevel level, boolean readOnly, boolean autoCommit) {
        return Transaction.ONE;
    }

    @Override
    public ConnectorMetadata getMetadata(ConnectorSession session, ConnectorTransactionHandle transaction) {
        return this;
    }

    @Override
    public ConnectorSplitManager getSplitManager() {
        return this;
    }

    @Override
    public ConnectorPageSourceProvider getPageSourceProvider() {
        return this;
    }

    @Override
    public ConnectorPageSinkProvider getPageSinkProvider() {
        return this;
    }

    @Override
    public void shutdown() {
        life.stop();
    }

    @Override
    public List<String> listSchemaNames(ConnectorSession session) {
        return List.of(Layout.DELIMITED, Layout.JSON);
    }

    @Override
    public List<SchemaTableName> listTables(ConnectorSession session, Optional<String> schema) {
        return List.of();
    }

    @Override
    public ConnectorTableHandle getTableHandle(
            ConnectorSession session, SchemaTableName name, Optional<ConnectorTableVersion> begin, Optional<ConnectorTableVersion> end) {
        if (!listSchemaNames(session).contains(name.getSchemaName())) {
            return null;
        }
        Table table = new Table(name.getSchemaName(), name.getTableName());
        Location location = layout(table).location();
        if (layout(table).fresh()) {
            return null;
        }
        try {
            if (files().directoryExists(location).orElse(false)) {
                files().listFiles(location).hasNext(); // whether it may be read
                return table;
            }
            return files().newInputFile(location).exists() ? table : null;
        } catch (IOException error) {
            throw Failures.failed(location.toString(), error);
        }
    }

    @Override
    public ConnectorTableMetadata getTableMetadata(ConnectorSession session, ConnectorTableHandle handle) {
        Table table = (Table) handle;
        Layout layout = layout(table);
        List<ColumnMetadata> columns = new ArrayList<>();
        for (int at = 0; at < layout.names().size(); at++) {
            columns.add(new ColumnMetadata(layout.names().get(at), layout.types().get(at)));
        }
        return new ConnectorTableMetadata(new SchemaTableName(table.schema(), table.name()), columns);
    }

    @Override
    public Map<String, ColumnHandle> getColumnHandles(ConnectorSession session, ConnectorTableHandle handle) {
        Map<String, ColumnHandle> found = new LinkedHashMap<>();
        for (String name : layout((Table) handle).names()) {
            found.put(name, new Column(found.size()));
        }
        return found;
    }

    @Override
    public ColumnMetadata getColumnMetadata(ConnectorSession session, ConnectorTableHandle handle, ColumnHandle column) {
        Layout layout = layout((Table) handle);
        int place = ((Column) column).place();
        return new ColumnMetadata(layout.names().get(place), layout.types().get(place));
    }

    @Override
    public ConnectorSplitSource getSplits(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorTableHandle handle, DynamicFilter filter, Constraint wanted) {
        Table table = (Table) handle;
        Layout layout = layout(table);
        List<FileEntry> all = files(layout.location()).stream().sorted(Comparator.comparing(one -> one.location().toString())).toList();
        rejects.check(table.schema() + table.name(), layout, all, files(), session.getQueryId());
        List<Part> parts = new ArrayList<>();
        for (FileEntry file : all) {
            if (holds(layout, file, wanted)) {
                divide(layout, file, parts);
            }
        }
        return new FixedSplitSource(parts);
    }

    /** Whether what the file's folders are named by may be wanted. */
    private static boolean holds(Layout layout, FileEntry file, Constraint wanted) {
        Map<ColumnHandle, Domain> domains = wanted.getSummary().getDomains().orElse(null);
        if (domains == null) {
            return false;
        }
        Map<String, String> keys = Rows.keys(layout, file.location().toString());
        for (int at = 0; at < layout.names().size(); at++) {
            Domain domain = domains.get(new Column(at));
            String text = keys.get(layout.names().get(at));
            if (domain != null && text != null) {
                try {
                    if (!domain.includesNullableValue(Rows.key(layout, at, text))) {
                        return false;
                    }
                } catch (IllegalArgumentException | ArithmeticException | java.time.DateTimeException misfit) {
                    return true; // whoever reads it says so
                }
            }
        }
        return true;
    }

    private static void divide(Layout layout, FileEntry file, List<Part> parts) {
        String path = file.location().toString();
        if (layout.utf16() || layout.quote().length > 0 || !Part.compression(path).isEmpty()) {
            parts.add(new Part(path, 0, file.length(), true));
            return;
        }
        for (long start = 0; start < file.length(); start += PART) {
            parts.add(new Part(path, start, Math.min(PART, file.length() - start), false));
        }
    }

    private List<FileEntry> files(Location location) {
        List<FileEntry> found = new ArrayList<>();
        try {
            TrinoFileSystem files = files();
            if (!files.directoryExists(location).orElse(false)) {
                var file = files.newInputFile(location);
                return List.of(new FileEntry(location, file.length(), file.lastModified(), Optional.empty()));
            }
            FileIterator all = files.listFiles(location);
            while (all.hasNext()) {
                FileEntry one = all.next();
                String inside = one.location().path().substring(location.path().length());
                if (one.length() > 0 && !inside.matches("(.*/)?[_.].*")) {
                    found.add(one);
                }
            }
        } catch (IOException error) {
            throw Failures.failed(location.toString(), error);
        }
        return found;
    }

    @Override
    public ConnectorInsertTableHandle beginInsert(ConnectorSession session, ConnectorTableHandle handle, List<ColumnHandle> columns, RetryMode retries) {
        Added added = added(session, (Table) handle);
        Layout layout = layout(added.table());
        try {
            if (!files().directoryExists(layout.location()).orElse(false)) { // in an object store a folder would be made of it, and hide it
                throw Failures.refused(layout.location() + " is one file, and only folders are written to");
            }
        } catch (IOException error) {
            throw Failures.failed(layout.location().toString(), error);
        }
        for (FileEntry file : files(layout.location())) {
            if (!Rows.keys(layout, file.location().toString()).isEmpty()) {
                throw Failures.refused("rows are only added to folders without KEY=VALUE folders, as " + file.location() + " is in");
            }
        }
        return added;
    }

    @Override
    public Optional<ConnectorOutputMetadata> finishInsert(
            ConnectorSession session, ConnectorInsertTableHandle handle, List<ConnectorTableHandle> sources, Collection<Slice> fragments,
            Collection<ComputedStatistics> statistics) {
        return publish((Added) handle, fragments);
    }

    @Override
    public ConnectorOutputTableHandle beginCreateTable(
            ConnectorSession session, ConnectorTableMetadata made, Optional<ConnectorTableLayout> layout, RetryMode retries, boolean replace) {
        SchemaTableName name = made.getTable();
        Added added = added(session, new Table(name.getSchemaName(), name.getTableName()));
        Location location = layout(added.table()).location();
        try {
            boolean folder = files().directoryExists(location).orElse(false);
            if (folder ? !files(location).isEmpty() : files().newInputFile(location).exists()) {
                throw Failures.refused("there are files in " + location + " already");
            }
            files().createDirectory(location);
        } catch (IOException error) {
            throw Failures.failed(location.toString(), error);
        }
        return added;
    }

    @Override
    public Optional<ConnectorOutputMetadata> finishCreateTable(
            ConnectorSession session, ConnectorOutputTableHandle handle, Collection<Slice> fragments, Collection<ComputedStatistics> statistics) {
        return publish((Added) handle, fragments);
    }

    private Added added(ConnectorSession session, Table table) {
        if (layout(table).first() > 2) {
            throw Failures.refused("rows are written where FIRST_ROW is 1, or 2, which is after the columns' names");
        }
        return new Added(table, session.getQueryId() + "_");
    }

    /** Readers see the files when all are whole. Stores that can't rename have them under their own names from the beginning. */
    private Optional<ConnectorOutputMetadata> publish(Added added, Collection<Slice> names) {
        Location folder = layout(added.table()).location();
        try {
            for (Slice name : renames(folder) ? names : List.<Slice>of()) {
                files().renameFile(folder.appendPath(name.toStringUtf8()), folder.appendPath(name.toStringUtf8().substring(1)));
            }
        } catch (IOException error) {
            throw Failures.failed(folder.toString(), error);
        }
        return Optional.empty();
    }

    private static boolean renames(Location folder) {
        return folder.scheme().filter(one -> one.equals("s3") || one.startsWith("wasb")).isEmpty();
    }

    @Override
    public ConnectorPageSink createPageSink(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorInsertTableHandle handle, ConnectorPageSinkId sink) {
        return sink(session, (Added) handle, sink);
    }

    @Override
    public ConnectorPageSink createPageSink(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorOutputTableHandle handle, ConnectorPageSinkId sink) {
        return sink(session, (Added) handle, sink);
    }

    private TextSink sink(ConnectorSession session, Added added, ConnectorPageSinkId sink) {
        Layout layout = layout(added.table());
        String hidden = renames(layout.location()) ? "_" : "";
        String end = (layout.json() ? ".json" : ".csv") + (layout.packed() ? ".gz" : "");
        return new TextSink(layout, session, files(), layout.location().appendPath(hidden + added.prefix() + sink.getId() + end));
    }

    @Override
    public ConnectorPageSource createPageSource(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorSplit split, ConnectorTableHandle handle,
            List<ColumnHandle> columns, DynamicFilter filter) {
        Layout layout = layout((Table) handle);
        int[] places = columns.stream().mapToInt(one -> ((Column) one).place()).toArray();
        List<Type> kinds = columns.stream().map(one -> layout.types().get(((Column) one).place())).toList();
        return new TextPages(layout, (Part) split, files(), places, kinds);
    }

    private Layout layout(Table table) {
        Layout known = layouts.getIfPresent(table);
        if (known == null) { // a table of ten thousand columns is asked for each of them
            known = Layout.of(root, table.schema(), table.name(), types);
            layouts.put(table, known);
        }
        return known;
    }

    private TrinoFileSystem files() {
        return fileSystems.create(ConnectorIdentity.ofUser("bdc"));
    }
}
