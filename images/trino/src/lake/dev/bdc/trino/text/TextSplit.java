package dev.bdc.trino.text;

import io.trino.spi.connector.ConnectorSplit;

/** A part of a file, as Trino hands it out: the records that begin in it. `whole` is a file that can't be divided. */
public record TextSplit(String path, long start, long length, boolean whole) implements ConnectorSplit {
    static String compression(String path) {
        return path.endsWith(".gz") ? "gz" : path.endsWith(".deflate") ? "deflate" : "";
    }

    @Override
    public long getRetainedSizeInBytes() {
        return 64 + 2L * path.length();
    }
}
