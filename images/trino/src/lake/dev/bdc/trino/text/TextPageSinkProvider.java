package dev.bdc.trino.text;

import com.google.inject.Inject;
import io.trino.spi.connector.ConnectorInsertTableHandle;
import io.trino.spi.connector.ConnectorOutputTableHandle;
import io.trino.spi.connector.ConnectorPageSink;
import io.trino.spi.connector.ConnectorPageSinkId;
import io.trino.spi.connector.ConnectorPageSinkProvider;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.connector.ConnectorTransactionHandle;

/** Writers of files, each of its own. */
final class TextPageSinkProvider implements ConnectorPageSinkProvider {
    private final Layouts layouts;
    private final DataFiles files;

    @Inject
    TextPageSinkProvider(Layouts layouts, DataFiles files) {
        this.layouts = layouts;
        this.files = files;
    }

    @Override
    public ConnectorPageSink createPageSink(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorInsertTableHandle handle, ConnectorPageSinkId sink) {
        return sink(session, (TextWriteHandle) handle, sink);
    }

    @Override
    public ConnectorPageSink createPageSink(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorOutputTableHandle handle, ConnectorPageSinkId sink) {
        return sink(session, (TextWriteHandle) handle, sink);
    }

    private TextPageSink sink(ConnectorSession session, TextWriteHandle write, ConnectorPageSinkId sink) {
        Layout layout = layouts.of(write.table());
        String hidden = DataFiles.renames(layout.location()) ? "_" : "";
        String end = (layout.json() ? ".json" : ".csv") + (layout.packed() ? ".gz" : "");
        return new TextPageSink(layout, session, files.fileSystem(), layout.location().appendPath(hidden + write.prefix() + sink.getId() + end));
    }
}
