package dev.bdc.trino.lake;

import com.fasterxml.jackson.databind.JsonNode;
import io.trino.plugin.deltalake.DeltaLakeColumnMetadata;
import io.trino.plugin.deltalake.transactionlog.DeltaLakeSchemaSupport.ColumnMappingMode;
import io.trino.spi.StandardErrorCode;
import io.trino.spi.TrinoException;
import io.trino.spi.type.TypeManager;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Which columns of Delta tables can be read. A table with another is refused, by the column's name and with what to do.
 *
 * <p>VARIANT and VOID: Trino 476 takes a VARIANT for JSON and fails in each of its files ("Error opening Hive split"), and knows no VOID
 * ("Unknown type").
 *
 * <p>A type that Spark has widened (PROTOCOL.md, Type Widening), of which older files have the narrower one. Trino 476 leaves out each column that
 * was widened to anything but a short or an integer, and says so in its debug log alone. Its reader of Parquet can do more: all integers in any
 * wider, and decimals in decimals. Where it can't, as with the statistics of a float that is a double, the table is refused.
 */
public final class Columns {
    private static final Map<String, String> REMEDIES = Map.of(
        "variant", "Keep its text, to_json of it in Spark, in another table.", "void", "Write the table again in Spark, with a type for it.");
    private static final List<String> INTEGERS = List.of("byte", "short", "integer", "long");

    private Columns() {}

    /** Refuse a column that can't be read; null, for Trino to go on, else. */
    public static DeltaLakeColumnMetadata checked(TypeManager types, JsonNode column, ColumnMappingMode mapping, List<String> partitions) {
        String name = column.get("name").asText();
        typed(name, column.get("type"));
        if (!partitions.contains(name)) { // whose values are text
            check(name, column);
        }
        return null;
    }

    /** A change by itself: all is said where its column is known. */
    public static void any(JsonNode change) {}

    private static void typed(String column, JsonNode type) {
        if (type.isTextual()) {
            if (REMEDIES.containsKey(type.asText())) {
                throw new TrinoException(StandardErrorCode.NOT_SUPPORTED, "Column '%s' is, or has in it, a %s, which SQL can't read. %s".formatted(
                    column, type.asText().toUpperCase(Locale.ROOT), REMEDIES.get(type.asText())));
            }
            return;
        }
        for (String part : List.of("elementType", "keyType", "valueType")) {
            if (type.has(part)) {
                typed(column, type.get(part));
            }
        }
        if (type.has("fields")) {
            type.get("fields").forEach(field -> typed(column, field.get("type")));
        }
    }

    private static void check(String column, JsonNode node) {
        if (node.isArray()) {
            node.forEach(part -> check(column, part));
        } else if (node.isObject()) {
            node.properties().forEach(part -> {
                if (part.getKey().equals("delta.typeChanges")) {
                    part.getValue().forEach(change -> check(column, change.get("fromType").asText(), change.get("toType").asText()));
                } else {
                    check(column, part.getValue());
                }
            });
        }
    }

    private static void check(String column, String from, String to) {
        boolean readable = INTEGERS.contains(from) && INTEGERS.indexOf(to) > INTEGERS.indexOf(from)
            || from.startsWith("decimal") && to.startsWith("decimal");
        if (!readable) {
            throw new TrinoException(StandardErrorCode.NOT_SUPPORTED, ("Column '%s' was widened from %s to %s, and SQL can't read the files that were"
                + " written before. Run ALTER TABLE ... DROP FEATURE typeWidening in Spark, which writes them again.").formatted(column, from, to));
        }
    }
}
