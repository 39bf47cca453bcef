package dev.bdc.trino.lake;

import io.trino.metastore.HiveType;
import io.trino.metastore.type.ListTypeInfo;
import io.trino.metastore.type.MapTypeInfo;
import io.trino.metastore.type.StructTypeInfo;
import io.trino.metastore.type.TypeInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A type of Hive's as Trino's SQL writes it, with the names of fields as the file spells them: Trino 476 has them in lower case for all files
 * that it reads as Hive's (io.trino.plugin.hive.util.HiveTypeTranslator), and so would JSON that is made of them.
 */
final class Spelling {
    private static final Map<String, String> NAMES = Map.of(
        "string", "varchar", "int", "integer", "float", "real", "binary", "varbinary", "timestamp", "timestamp(6)",
        "timestamp with local time zone", "timestamp(6) with time zone");

    private Spelling() {}

    /** The type, where a name has capitals. */
    static Optional<String> of(HiveType type) {
        String written = written(type.getTypeInfo());
        return written.equals(written.toLowerCase(java.util.Locale.ROOT)) ? Optional.empty() : Optional.of(written);
    }

    private static String written(TypeInfo type) {
        return switch (type) {
            case ListTypeInfo list -> "array(" + written(list.getListElementTypeInfo()) + ")";
            case MapTypeInfo map -> "map(" + written(map.getMapKeyTypeInfo()) + ", " + written(map.getMapValueTypeInfo()) + ")";
            case StructTypeInfo struct -> {
                List<String> fields = new ArrayList<>();
                for (int at = 0; at < struct.getAllStructFieldNames().size(); at++) {
                    fields.add('"' + struct.getAllStructFieldNames().get(at) + "\" " + written(struct.getAllStructFieldTypeInfos().get(at)));
                }
                yield "row(" + String.join(", ", fields) + ")";
            }
            default -> NAMES.getOrDefault(type.getTypeName(), type.getTypeName());
        };
    }
}
