package dev.bdc.trino.text;

import com.google.inject.Inject;
import io.airlift.bootstrap.LifeCycleManager;
import io.trino.spi.connector.Connector;
import io.trino.spi.connector.ConnectorMetadata;
import io.trino.spi.connector.ConnectorPageSinkProvider;
import io.trino.spi.connector.ConnectorPageSourceProvider;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.connector.ConnectorSplitManager;
import io.trino.spi.connector.ConnectorTransactionHandle;
import io.trino.spi.transaction.IsolationLevel;

/** The connector of one store. */
final class TextConnector implements Connector {
    private final LifeCycleManager life;
    private final TextMetadata metadata;
    private final TextSplitManager splits;
    private final TextPageSourceProvider sources;
    private final TextPageSinkProvider sinks;

    @Inject
    TextConnector(
            LifeCycleManager life, TextMetadata metadata, TextSplitManager splits, TextPageSourceProvider sources, TextPageSinkProvider sinks) {
        this.life = life;
        this.metadata = metadata;
        this.splits = splits;
        this.sources = sources;
        this.sinks = sinks;
    }

    @Override
    public ConnectorTransactionHandle beginTransaction(IsolationLevel level, boolean readOnly, boolean autoCommit) {
        return TextTransactionHandle.INSTANCE;
    }

    @Override
    public ConnectorMetadata getMetadata(ConnectorSession session, ConnectorTransactionHandle transaction) {
        return metadata;
    }

    @Override
    public ConnectorSplitManager getSplitManager() {
        return splits;
    }

    @Override
    public ConnectorPageSourceProvider getPageSourceProvider() {
        return sources;
    }

    @Override
    public ConnectorPageSinkProvider getPageSinkProvider() {
        return sinks;
    }

    @Override
    public void shutdown() {
        life.stop();
    }
}
