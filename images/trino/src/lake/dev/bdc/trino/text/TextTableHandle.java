package dev.bdc.trino.text;

import io.trino.spi.connector.ConnectorTableHandle;

/** A table: nothing but its name, which says all (Layout). */
public record TextTableHandle(String schema, String name) implements ConnectorTableHandle {}
