package dev.bdc.spark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import org.apache.spark.sql.connector.catalog.Identifier;

/**
 * A table of the master as Spark can have it. What Spark has no type for is text, as PostgreSQL writes it, and is text to the master, too,
 * when Spark leaves a comparison or an order to it. A domain is what it is of. Spark 4.2 itself reads a bit(8) as its digits in ASCII, a time as a
 * timestamp of milliseconds, an array in an array as Java's name of it, and no table that has a column of a domain.
 */
final class MasterColumns {
    private static final Set<String> NUMBERS = Set.of("bool", "int2", "int4", "int8", "float4", "float8", "oid");
    private static final Set<String> WORDS = Set.of("text", "varchar", "bpchar", "bytea");
    /** What is looked at in each element of an array, e: ArrayConverter of Spark's rounds, and takes infinity for a day. */
    private static final Map<String, String> CHECKED = Map.of(
        "numeric", "e IS NOT NULL AND coalesce(min_scale(e) > " + MasterDialect.SCALE + " OR abs(e) >= 1e18, true)",
        "date", "NOT isfinite(e) OR e < '1582-10-15'",
        "timestamp", "NOT isfinite(e) OR e < '1582-10-15'",
        "timestamptz", "NOT isfinite(e) OR e < '1582-10-15 00:00:00+00'");
    private static final Set<Integer> BY_BYTES = Set.of(0, 100, 950, 951); // none, the database's (C.UTF-8), C, POSIX
    private static final String ASKED = """
        WITH RECURSIVE known AS (
          SELECT a.attnum, a.attname, CAST(a.attndims AS integer) AS dimensions, CAST(a.attcollation AS integer) AS collation, a.atttypid AS type,
            a.atttypmod AS modifier, false AS domain
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
          WHERE n.nspname = ? AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped
          UNION ALL
          SELECT k.attnum, k.attname, greatest(k.dimensions, t.typndims), k.collation, t.typbasetype, t.typtypmod, true
          FROM known k JOIN pg_type t ON t.oid = k.type WHERE t.typtype = 'd')
        SELECT k.attname, k.dimensions, k.collation, k.domain, format_type(k.type, k.modifier) AS written,
          CASE WHEN t.typnamespace = CAST('pg_catalog' AS regnamespace) THEN t.typname ELSE '' END AS type,
          CASE WHEN e.typnamespace = CAST('pg_catalog' AS regnamespace) THEN e.typname WHEN e.oid IS NOT NULL THEN '' END AS element
        FROM known k JOIN pg_type t ON t.oid = k.type LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typlen = -1 AND t.typcategory = 'A'
        WHERE t.typtype <> 'd' ORDER BY k.attnum""";

    private MasterColumns() {
    }

    /** What Spark selects from instead of the table's name; nothing where there is no such table, or it has no columns. */
    static Optional<String> of(Connection connection, Identifier name) throws SQLException {
        if (name.namespace().length != 1) {
            return Optional.empty();
        }
        List<String> columns = new ArrayList<>();
        try (PreparedStatement asked = connection.prepareStatement(ASKED)) {
            asked.setString(1, name.namespace()[0]);
            asked.setString(2, name.name());
            try (ResultSet row = asked.executeQuery()) {
                while (row.next()) {
                    columns.add(selected(row));
                }
            }
        }
        String table = quoted(name.namespace()[0]) + "." + quoted(name.name());
        return columns.isEmpty() ? Optional.empty() : Optional.of("(SELECT " + String.join(", ", columns) + " FROM " + table + ") AS selected");
    }

    private static String selected(ResultSet column) throws SQLException {
        String name = quoted(column.getString("attname"));
        String type = column.getString("type");
        String element = column.getString("element");
        boolean domain = column.getBoolean("domain");
        String plain = domain ? "CAST(" + name + " AS " + column.getString("written") + ")" : name;
        String found;
        if (element != null) {
            found = array(name, plain, element, column.getInt("dimensions"), column.getString("written"));
        } else if (WORDS.contains(type)) {
            found = BY_BYTES.contains(column.getInt("collation")) ? plain : plain + " COLLATE \"default\"";
        } else {
            found = NUMBERS.contains(type) || CHECKED.containsKey(type) ? plain : "CAST(" + name + " AS text)";
        }
        return found.equals(name) ? name : found + " AS " + name;
    }

    private static String array(String name, String plain, String element, int dimensions, String written) {
        boolean known = NUMBERS.contains(element) || WORDS.contains(element) || CHECKED.containsKey(element);
        if (dimensions > 1) {
            return NUMBERS.contains(element) ? plain : "CAST(" + name + " AS text)";
        }
        String type = known ? written : "text[]";
        String value = known ? plain : "CAST(" + name + " AS text[])";
        String check = CHECKED.containsKey(element) ? " OR EXISTS (SELECT FROM unnest(" + plain + ") AS e WHERE " + CHECKED.get(element) + ")" : "";
        String refused = "concat(" + literal("the column " + name.substring(1, name.length() - 1).replace("\"\"", "\"") + " has ") + ", left(CAST("
            + name + " AS text), " + ExactRows.SHOWN + "), " + literal(", which is no array of " + element + " in Spark" + ExactRows.REMEDY) + ")";
        return "CASE WHEN array_ndims(" + plain + ") > 1" + check + " THEN CAST(" + refused + " AS " + type + ") ELSE " + value + " END";
    }

    private static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    private static String literal(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
