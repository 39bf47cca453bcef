package dev.bdc.trino.lake;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.trino.filesystem.Location;
import io.trino.metastore.Column;
import io.trino.type.InternalTypeManager;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TableAddressTest {
    private static TableAddress address(String name) {
        return TableAddress.of("hdfs://cluster", name, InternalTypeManager.TESTING_TYPE_MANAGER);
    }

    private static List<String> shown(List<Column> columns) {
        return columns.stream().map(column -> column.getName() + " " + column.getType()).toList();
    }

    @Test
    void aPathAloneIsAFolderWhoseColumnsAreInItsFiles() {
        assertEquals(new TableAddress(Location.of("hdfs://cluster/lake/Übersicht"), Optional.empty()), address("/lake/%c3%9cbersicht"));
        assertEquals(Optional.empty(), address("/lake" + TableAddress.NEW).content());
    }

    @Test
    void columnsAndKeysAreInTheOrderOfTheName() {
        TableAddress address = address("/lake?b=decimal%2810%2c2%29;a=varchar;c=array%28row%28x%20bigint%29%29?year=bigint;day=date");
        TableAddress.Content content = address.content().orElseThrow();
        assertEquals(Location.of("hdfs://cluster/lake"), address.location());
        assertEquals(List.of("b decimal(10,2)", "a string", "c array<struct<x:bigint>>"), shown(content.columns()));
        assertEquals(List.of("year bigint", "day date"), shown(content.keys()));
    }

    @Test
    void thereMayBeNoKeysAndNoColumns() {
        assertEquals(new TableAddress.Content(List.of(), List.of()), address("/lake??").content().orElseThrow());
    }

    @Test
    void aTypeThatHiveHasNotIsRefused() {
        assertThrows(RuntimeException.class, () -> address("/lake?a=json?"));
    }
}
