package dev.bdc.trino.text;

import com.google.inject.Inject;
import io.trino.spi.connector.ColumnHandle;
import io.trino.spi.connector.ConnectorPageSource;
import io.trino.spi.connector.ConnectorPageSourceProvider;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.connector.ConnectorSplit;
import io.trino.spi.connector.ConnectorTableHandle;
import io.trino.spi.connector.ConnectorTransactionHandle;
import io.trino.spi.connector.DynamicFilter;
import io.trino.spi.type.Type;
import java.util.List;

/** Readers of splits. */
final class TextPageSourceProvider implements ConnectorPageSourceProvider {
    private final Layouts layouts;
    private final DataFiles files;

    @Inject
    TextPageSourceProvider(Layouts layouts, DataFiles files) {
        this.layouts = layouts;
        this.files = files;
    }

    @Override
    public ConnectorPageSource createPageSource(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorSplit split, ConnectorTableHandle handle,
            List<ColumnHandle> columns, DynamicFilter filter) {
        Layout layout = layouts.of((TextTableHandle) handle);
        int[] places = columns.stream().mapToInt(column -> ((TextColumnHandle) column).place()).toArray();
        List<Type> types = columns.stream().map(column -> layout.types().get(((TextColumnHandle) column).place())).toList();
        return new TextPageSource(layout, (TextSplit) split, files.fileSystem(), places, types);
    }
}
