package dev.bdc.trino.lake;

import com.fasterxml.jackson.databind.JsonNode;
import io.trino.plugin.deltalake.DeltaLakeColumnMetadata;
import io.trino.plugin.deltalake.transactionlog.DeltaLakeSchemaSupport.ColumnMappingMode;
import io.trino.spi.StandardErrorCode;
import io.trino.spi.TrinoException;
import io.trino.spi.type.TypeManager;
import java.util.List;

/**
 * Columns whose type Spark has widened (PROTOCOL.md, Type Widening): older files have the narrower type.
 *
 * <p>Trino 476 leaves out each column that was widened to anything but a short or an integer, and says so in its debug log alone. Its reader of
 * Parquet can do more: all integers in any wider, and decimals in decimals. Where it can't, as with the statistics of a float that is a double,
 * the table is refused.
 */
public final class Widening {
    private static final List<String> INTEGERS = List.of("byte", "short", "integer", "long");

    private Widening() {}

    /** Refuse a column that can't be read; null, for Trino to go on, else. */
    public static DeltaLakeColumnMetadata checked(TypeManager types, JsonNode column, ColumnMappingMode mapping, List<String> partitions) {
        String name = column.get("name").asText();
        if (!partitions.contains(name)) { // whose values are text
            check(name, column);
        }
        return null;
    }

    /** A change by itself: all is said where its column is known. */
    public static void any(JsonNode change) {}

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
