package dev.bdc.trino.text;

import com.google.inject.Inject;
import io.airlift.slice.Slice;
import io.trino.filesystem.FileEntry;
import io.trino.filesystem.Location;
import io.trino.filesystem.TrinoFileSystem;
import io.trino.spi.connector.ColumnHandle;
import io.trino.spi.connector.ColumnMetadata;
import io.trino.spi.connector.ConnectorInsertTableHandle;
import io.trino.spi.connector.ConnectorMetadata;
import io.trino.spi.connector.ConnectorOutputMetadata;
import io.trino.spi.connector.ConnectorOutputTableHandle;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.connector.ConnectorTableHandle;
import io.trino.spi.connector.ConnectorTableLayout;
import io.trino.spi.connector.ConnectorTableMetadata;
import io.trino.spi.connector.ConnectorTableVersion;
import io.trino.spi.connector.RetryMode;
import io.trino.spi.connector.SchemaTableName;
import io.trino.spi.statistics.ComputedStatistics;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Tables, which are what their names say, and rows that are added to them as further files, which are hidden until all are written. */
final class TextMetadata implements ConnectorMetadata {
    private final Layouts layouts;
    private final DataFiles files;

    @Inject
    TextMetadata(Layouts layouts, DataFiles files) {
        this.layouts = layouts;
        this.files = files;
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
        TextTableHandle table = new TextTableHandle(name.getSchemaName(), name.getTableName());
        Layout layout = layouts.of(table);
        if (layout.fresh()) {
            return null;
        }
        Location location = layout.location();
        try {
            if (files.isFolder(location)) {
                files.fileSystem().listFiles(location).hasNext(); // whether it may be read
                return table;
            }
            return files.isFile(location) ? table : null;
        } catch (IOException error) {
            throw Failures.failed(location.toString(), error);
        }
    }

    @Override
    public ConnectorTableMetadata getTableMetadata(ConnectorSession session, ConnectorTableHandle handle) {
        TextTableHandle table = (TextTableHandle) handle;
        Layout layout = layouts.of(table);
        List<ColumnMetadata> columns = new ArrayList<>();
        for (int at = 0; at < layout.names().size(); at++) {
            columns.add(new ColumnMetadata(layout.names().get(at), layout.types().get(at)));
        }
        return new ConnectorTableMetadata(new SchemaTableName(table.schema(), table.name()), columns);
    }

    @Override
    public Map<String, ColumnHandle> getColumnHandles(ConnectorSession session, ConnectorTableHandle handle) {
        Map<String, ColumnHandle> found = new LinkedHashMap<>();
        for (String name : layouts.of((TextTableHandle) handle).names()) {
            found.put(name, new TextColumnHandle(found.size()));
        }
        return found;
    }

    @Override
    public ColumnMetadata getColumnMetadata(ConnectorSession session, ConnectorTableHandle handle, ColumnHandle column) {
        Layout layout = layouts.of((TextTableHandle) handle);
        int place = ((TextColumnHandle) column).place();
        return new ColumnMetadata(layout.names().get(place), layout.types().get(place));
    }

    @Override
    public ConnectorInsertTableHandle beginInsert(ConnectorSession session, ConnectorTableHandle handle, List<ColumnHandle> columns, RetryMode retries) {
        TextWriteHandle write = write(session, (TextTableHandle) handle);
        Layout layout = layouts.of(write.table());
        Location location = layout.location();
        try {
            if (!files.isFolder(location)) { // in an object store a folder would be made of it, and hide it
                throw Failures.refused(location + " is one file, and only folders are written to");
            }
        } catch (IOException error) {
            throw Failures.failed(location.toString(), error);
        }
        for (FileEntry file : files.in(location)) {
            if (!RowReader.keys(layout, file.location().toString()).isEmpty()) {
                throw Failures.refused("rows are only added to folders without KEY=VALUE folders, as " + file.location() + " is in");
            }
        }
        return write;
    }

    @Override
    public Optional<ConnectorOutputMetadata> finishInsert(
            ConnectorSession session, ConnectorInsertTableHandle handle, List<ConnectorTableHandle> sources, Collection<Slice> fragments,
            Collection<ComputedStatistics> statistics) {
        return publish((TextWriteHandle) handle, fragments);
    }

    @Override
    public ConnectorOutputTableHandle beginCreateTable(
            ConnectorSession session, ConnectorTableMetadata made, Optional<ConnectorTableLayout> layout, RetryMode retries, boolean replace) {
        SchemaTableName name = made.getTable();
        TextWriteHandle write = write(session, new TextTableHandle(name.getSchemaName(), name.getTableName()));
        Location location = layouts.of(write.table()).location();
        try {
            if (files.isFolder(location) ? !files.in(location).isEmpty() : files.isFile(location)) {
                throw Failures.refused("there are files in " + location + " already");
            }
            files.fileSystem().createDirectory(location);
        } catch (IOException error) {
            throw Failures.failed(location.toString(), error);
        }
        return write;
    }

    @Override
    public Optional<ConnectorOutputMetadata> finishCreateTable(
            ConnectorSession session, ConnectorOutputTableHandle handle, Collection<Slice> fragments, Collection<ComputedStatistics> statistics) {
        return publish((TextWriteHandle) handle, fragments);
    }

    private TextWriteHandle write(ConnectorSession session, TextTableHandle table) {
        if (layouts.of(table).first() > 2) {
            throw Failures.refused("rows are written where FIRST_ROW is 1, or 2, which is after the columns' names");
        }
        return new TextWriteHandle(table, session.getQueryId() + "_");
    }

    /** Readers see the files when all are whole. Stores that can't rename have them under their own names from the beginning. */
    private Optional<ConnectorOutputMetadata> publish(TextWriteHandle write, Collection<Slice> names) {
        Location folder = layouts.of(write.table()).location();
        TrinoFileSystem fileSystem = files.fileSystem();
        try {
            for (Slice name : DataFiles.renames(folder) ? names : List.<Slice>of()) {
                fileSystem.renameFile(folder.appendPath(name.toStringUtf8()), folder.appendPath(name.toStringUtf8().substring(1)));
            }
        } catch (IOException error) {
            throw Failures.failed(folder.toString(), error);
        }
        return Optional.empty();
    }
}
