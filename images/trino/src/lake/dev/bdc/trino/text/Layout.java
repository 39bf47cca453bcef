package dev.bdc.trino.text;

import static io.trino.spi.type.SmallintType.SMALLINT;
import static io.trino.spi.type.TinyintType.TINYINT;
import static io.trino.spi.type.VarbinaryType.VARBINARY;

import io.trino.filesystem.Location;
import io.trino.spi.StandardErrorCode;
import io.trino.spi.TrinoException;
import io.trino.spi.type.Type;
import io.trino.spi.type.TypeManager;
import java.nio.charset.StandardCharsets;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the name of a table says: where its files are, which columns it has, and how they are written. bdc/sql/external/delimited_text.py
 * writes the options.
 *
 * <p>PATH?COLUMN=TYPE;...?OPTION=VALUE;..., a TableName. Options: terminator, quote, first, date (a pattern of java.time), defaults, utf16,
 * packed (files that are written are gzip), value or percentage (how many rows may be rejected), sample, rejected (a path), and new, which no
 * table is that is there.
 *
 * <p>Types are Trino's; tinyint is T-SQL's, which has no sign, 0 to 255, and is a smallint.
 *
 * @param tinyints the columns that are T-SQL's tinyint
 * @param quote what is around a field, or nothing
 * @param first the first row that is read, from 1
 * @param fresh whether it is the name of a table that is to be made
 * @param defaults whether an empty field is its type's default, not NULL
 */
record Layout(
        Location location, boolean json, List<String> names, List<Type> types, Set<Integer> tinyints, byte[] terminator, byte[] quote, long first,
        Optional<DateTimeFormatter> date, boolean defaults, boolean utf16, boolean packed, boolean fresh, Limit limit,
        Optional<Location> rejected) {
    static final String DELIMITED = "delimitedtext";
    static final String JSON = "json";

    /** How many rows may be rejected: `value`, or that many percent of all rows, looked at after each `sample` of them. */
    record Limit(double value, boolean percentage, long sample) {
        boolean none() {
            return value == 0;
        }
    }

    static Layout of(String root, String schema, String table, TypeManager types) {
        TableName name = TableName.of(table);
        if (name.parts().size() != 3) {
            throw new TrinoException(StandardErrorCode.INVALID_ARGUMENTS, "files of text have no columns of their own: define them");
        }
        List<String> names = new ArrayList<>();
        List<Type> columns = new ArrayList<>();
        Set<Integer> tinyints = new HashSet<>();
        for (Map.Entry<String, String> one : name.pairs(1)) {
            Type type = types.fromSqlType(one.getValue());
            if (type == TINYINT) {
                tinyints.add(columns.size());
            }
            names.add(one.getKey());
            columns.add(type == TINYINT ? SMALLINT : type);
        }
        Map<String, String> options = new HashMap<>();
        name.pairs(2).forEach(one -> options.put(one.getKey(), one.getValue()));
        boolean percentage = options.containsKey("percentage");
        double value = Double.parseDouble(options.getOrDefault(percentage ? "percentage" : "value", "0"));
        boolean json = schema.equals(JSON);
        return new Layout(
            Location.of(root + name.path()), json, names, columns, tinyints,
            bytes(json ? "" : options.getOrDefault("terminator", "|")), bytes(json ? "" : options.getOrDefault("quote", "")),
            Long.parseLong(options.getOrDefault("first", "1")), Optional.ofNullable(options.get("date")).map(Layout::formatter),
            options.containsKey("defaults"), options.containsKey("utf16"), options.containsKey("packed"), options.containsKey("new"),
            new Limit(value, percentage, Long.parseLong(options.getOrDefault("sample", "1000"))),
            Optional.ofNullable(options.get("rejected")).map(path -> Location.of(root + path)));
    }

    /** What reads a column. */
    ValueReader.Parser parser(int column) {
        if (json && types.get(column) == VARBINARY) {
            return ValueReader::base64;
        }
        return tinyints.contains(column) ? ValueReader::unsigned : ValueReader.of(types.get(column), date);
    }

    /** A column's type, as users are told. */
    String kind(int column) {
        return tinyints.contains(column) ? TINYINT.getDisplayName() : types.get(column).getDisplayName();
    }

    private static DateTimeFormatter formatter(String pattern) {
        return new DateTimeFormatterBuilder().parseCaseInsensitive().parseLenient().appendPattern(pattern).toFormatter(Locale.ENGLISH);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
