package dev.bdc.trino.text;

import io.trino.spi.connector.ColumnHandle;

/** A column by its place. */
public record TextColumnHandle(int place) implements ColumnHandle {}
