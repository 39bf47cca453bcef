package dev.bdc.trino.lake;

import io.trino.plugin.deltalake.DeltaLakeColumnHandle;
import io.trino.plugin.deltalake.DeltaLakeInsertTableHandle;
import io.trino.plugin.deltalake.DeltaLakeOutputTableHandle;
import io.trino.plugin.deltalake.procedure.DeltaLakeTableExecuteHandle;
import io.trino.plugin.deltalake.procedure.DeltaTableOptimizeHandle;
import io.trino.spi.PageIndexerFactory;
import io.trino.spi.PageSorter;
import io.trino.spi.connector.Connector;
import io.trino.spi.connector.ConnectorContext;
import io.trino.spi.connector.ConnectorInsertTableHandle;
import io.trino.spi.connector.ConnectorMergeSink;
import io.trino.spi.connector.ConnectorMergeTableHandle;
import io.trino.spi.connector.ConnectorOutputTableHandle;
import io.trino.spi.connector.ConnectorPageSink;
import io.trino.spi.connector.ConnectorPageSinkId;
import io.trino.spi.connector.ConnectorPageSinkProvider;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.connector.ConnectorTableExecuteHandle;
import io.trino.spi.connector.ConnectorTransactionHandle;
import io.trino.spi.type.Type;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;

/** What INSERT, CREATE TABLE AS and `optimize` write to Delta tables passes a SortingPageSink. UPDATE, DELETE and MERGE write as they read. */
record SortingPageSinkProvider(ConnectorPageSinkProvider sinks, PageSorter sorter, PageIndexerFactory indexers) implements ConnectorPageSinkProvider {
    /** A connector of Delta tables, with these sinks. */
    static Connector over(Connector connector, ConnectorContext context) {
        ConnectorPageSinkProvider ordered = new SortingPageSinkProvider(connector.getPageSinkProvider(), context.getPageSorter(), context.getPageIndexerFactory());
        return (Connector) Proxy.newProxyInstance(SortingPageSinkProvider.class.getClassLoader(), new Class<?>[] {Connector.class}, (proxy, method, arguments) -> {
            if (method.getName().equals("getPageSinkProvider")) {
                return ordered;
            }
            try {
                return method.invoke(connector, arguments);
            } catch (InvocationTargetException failed) {
                throw failed.getCause();
            }
        });
    }

    @Override
    public ConnectorPageSink createPageSink(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorOutputTableHandle handle, ConnectorPageSinkId id) {
        return ordered(sinks.createPageSink(transaction, session, handle, id), session, ((DeltaLakeOutputTableHandle) handle).inputColumns());
    }

    @Override
    public ConnectorPageSink createPageSink(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorInsertTableHandle handle, ConnectorPageSinkId id) {
        return ordered(sinks.createPageSink(transaction, session, handle, id), session, ((DeltaLakeInsertTableHandle) handle).inputColumns());
    }

    @Override
    public ConnectorPageSink createPageSink(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorTableExecuteHandle handle, ConnectorPageSinkId id) {
        ConnectorPageSink sink = sinks.createPageSink(transaction, session, handle, id);
        return ((DeltaLakeTableExecuteHandle) handle).procedureHandle() instanceof DeltaTableOptimizeHandle optimize
            ? ordered(sink, session, optimize.getTableColumns()) : sink;
    }

    @Override
    public ConnectorMergeSink createMergeSink(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorMergeTableHandle handle, ConnectorPageSinkId id) {
        return sinks.createMergeSink(transaction, session, handle, id);
    }

    private ConnectorPageSink ordered(ConnectorPageSink sink, ConnectorSession session, List<DeltaLakeColumnHandle> columns) {
        List<Type> types = columns.stream().map(DeltaLakeColumnHandle::baseType).toList();
        return new SortingPageSink(sink, new RowOrder(sorter, indexers, session, types), types);
    }
}
