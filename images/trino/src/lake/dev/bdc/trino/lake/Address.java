package dev.bdc.trino.lake;

import io.trino.filesystem.Location;
import io.trino.metastore.Column;
import io.trino.metastore.HiveType;
import io.trino.plugin.hive.util.HiveTypeTranslator;
import io.trino.spi.type.TypeManager;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the name of a table says: a folder, and maybe its columns. bdc/sql/external/files.py writes it.
 *
 * <p>PATH[?COLUMN=TYPE;...?KEY=TYPE;...]: the path below the source's root; the columns of the files; the keys that folders are named by,
 * from the outermost. Names of Trino's are in lower case, so that of path and names all is percent-encoded that isn't one of a-z 0-9 _ . - /
 * Types are Trino's.
 */
record Address(Location location, Optional<Content> content) {
    /** The columns of the files, and the keys of the folders. */
    record Content(List<Column> columns, List<Column> keys) {}

    /** What follows the path of a folder that a table is to be made in: there is none of that name. */
    static final String NEW = "?new";

    static Address of(String root, String table, TypeManager types) {
        String[] parts = table.split("\\?", -1);
        Location location = Location.of(root + decoded(parts[0]));
        if (parts.length < 3) {
            return new Address(location, Optional.empty());
        }
        return new Address(location, Optional.of(new Content(columns(parts[1], types), columns(parts[2], types))));
    }

    static Column column(String name, HiveType type) {
        return new Column(name, type, Optional.empty(), Map.of());
    }

    private static List<Column> columns(String text, TypeManager types) {
        List<Column> found = new ArrayList<>();
        for (String one : text.isEmpty() ? new String[0] : text.split(";")) {
            int sign = one.indexOf('=');
            HiveType type = HiveTypeTranslator.toHiveType(types.fromSqlType(decoded(one.substring(sign + 1))));
            found.add(column(decoded(one.substring(0, sign)), type));
        }
        return List.copyOf(found);
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
}
