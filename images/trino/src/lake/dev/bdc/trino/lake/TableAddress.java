package dev.bdc.trino.lake;

import dev.bdc.trino.text.TableName;
import io.trino.filesystem.Location;
import io.trino.metastore.Column;
import io.trino.metastore.HiveType;
import io.trino.plugin.hive.util.HiveTypeTranslator;
import io.trino.spi.type.TypeManager;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the name of a table says: a folder, and maybe its columns. bdc/sql/external/files.py writes it.
 *
 * <p>PATH[?COLUMN=TYPE;...?KEY=TYPE;...], a TableName: the path below the source's root; the columns of the files; the keys that folders are
 * named by, from the outermost. Types are Trino's.
 */
record TableAddress(Location location, Optional<Content> content) {
    /** The columns of the files, and the keys of the folders. */
    record Content(List<Column> columns, List<Column> keys) {}

    /** What follows the path of a folder that a table is to be made in: there is none of that name. */
    static final String NEW = "?new";

    static TableAddress of(String root, String table, TypeManager types) {
        TableName name = TableName.of(table);
        Location location = Location.of(root + name.path());
        if (name.parts().size() < 3) {
            return new TableAddress(location, Optional.empty());
        }
        return new TableAddress(location, Optional.of(new Content(columns(name.pairs(1), types), columns(name.pairs(2), types))));
    }

    static Column column(String name, HiveType type) {
        return new Column(name, type, Optional.empty(), Map.of());
    }

    private static List<Column> columns(List<Map.Entry<String, String>> typed, TypeManager types) {
        return typed.stream().map(column -> column(column.getKey(), HiveTypeTranslator.toHiveType(types.fromSqlType(column.getValue())))).toList();
    }
}
