package dev.bdc.trino.text;

import io.trino.spi.connector.ConnectorTransactionHandle;

/** There are no transactions. */
public enum TextTransactionHandle implements ConnectorTransactionHandle {
    INSTANCE
}
