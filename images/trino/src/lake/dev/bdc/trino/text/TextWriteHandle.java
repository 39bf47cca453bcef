package dev.bdc.trino.text;

import io.trino.spi.connector.ConnectorInsertTableHandle;
import io.trino.spi.connector.ConnectorOutputTableHandle;

/** Rows that are being added to a table, to hidden files whose names begin with a prefix that the statement has alone. */
public record TextWriteHandle(TextTableHandle table, String prefix) implements ConnectorInsertTableHandle, ConnectorOutputTableHandle {}
