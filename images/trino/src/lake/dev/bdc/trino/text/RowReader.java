package dev.bdc.trino.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.trino.filesystem.Location;
import io.trino.filesystem.TrinoFileSystem;
import io.trino.filesystem.TrinoInputStream;
import io.trino.metastore.Partitions;
import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.SequenceInputStream;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;

/** The rows of a split of a file: each has a value for each of a table's columns, or a reason for which it is rejected. */
final class RowReader implements Closeable {
    private static final ObjectMapper JSON = new ObjectMapper()
        .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final int SHOWN_CHARACTERS = 60;
    private static final int GZIP_BUFFER_BYTES = 1 << 16;
    private static final int RECODED_CHARACTERS = 1 << 15;

    private final Layout layout;
    private final TextSplit split;
    private final Records records;
    private final ValueReader.Parser[] parsers;
    private final Object[] defaults;
    private final Object[] values;
    private final int[] fields; // the column of each field
    private final Map<String, Integer> columns = new HashMap<>(); // of JSON's names
    private final Bytes field = new Bytes();
    private String reason;

    RowReader(Layout layout, TextSplit split, TrinoFileSystem files) throws IOException {
        this.layout = layout;
        this.split = split;
        int width = layout.types().size();
        parsers = new ValueReader.Parser[width];
        defaults = new Object[width];
        values = new Object[width];
        Map<String, String> keys = keys(layout, split.path());
        List<Integer> own = new ArrayList<>();
        for (int at = 0; at < width; at++) {
            parsers[at] = layout.parser(at);
            defaults[at] = layout.defaults() ? ValueReader.initial(layout.types().get(at)) : null;
            String name = layout.names().get(at);
            if (keys.containsKey(name)) {
                values[at] = key(at, keys.get(name));
            } else {
                columns.put(name, at);
                own.add(at);
            }
        }
        fields = own.stream().mapToInt(Integer::intValue).toArray();
        records = new Records(open(files), layout.terminator(), layout.quote());
        if (split.start() > 0) {
            records.skipLine(); // which begins before, and is another split's
            return;
        }
        records.skipMark();
        for (long row = 1; row < layout.first(); row++) {
            if (!next(Long.MAX_VALUE)) {
                break;
            }
        }
    }

    /** The columns that a file's folders have: KEY=VALUE. */
    static Map<String, String> keys(Layout layout, String path) {
        Map<String, String> found = new HashMap<>();
        String inside = Location.of(path).path().substring(layout.location().path().length());
        String[] parts = inside.split("/");
        for (int at = 0; at < parts.length - 1; at++) {
            int sign = parts[at].indexOf('=');
            if (sign > 0) {
                String value = Partitions.unescapePathName(parts[at].substring(sign + 1));
                found.put(parts[at].substring(0, sign).toLowerCase(Locale.ROOT), value);
            }
        }
        return found;
    }

    /** The value that a folder's name gives a column. */
    static Object key(Layout layout, int column, String text) {
        if (text.equals(Partitions.HIVE_DEFAULT_DYNAMIC_PARTITION)) {
            return null;
        }
        Bytes bytes = new Bytes();
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        bytes.set(encoded, 0, encoded.length);
        return layout.parser(column).parse(bytes);
    }

    private Object key(int column, String text) {
        try {
            return key(layout, column, text);
        } catch (IllegalArgumentException | ArithmeticException | DateTimeException misfit) {
            throw Failures.refused(split.path() + ": " + layout.names().get(column) + "=" + text + " is no " + layout.kind(column));
        }
    }

    private InputStream open(TrinoFileSystem files) throws IOException {
        TrinoInputStream stream = files.newInputFile(Location.of(split.path())).newStream();
        if (split.start() > 0) {
            stream.seek(split.start() - 1);
            return stream;
        }
        InputStream plain = inflated(split.path(), stream);
        return layout.utf16() ? recoded(plain) : plain;
    }

    private static InputStream inflated(String path, InputStream stream) throws IOException {
        return switch (TextSplit.compression(path)) {
            case "gz" -> new GZIPInputStream(stream, GZIP_BUFFER_BYTES);
            case "deflate" -> new InflaterInputStream(stream);
            default -> stream;
        };
    }

    /** UTF-16 as UTF-8; what has no byte order mark is little-endian, as Windows has it. */
    private static InputStream recoded(InputStream stream) throws IOException {
        byte[] mark = stream.readNBytes(2);
        boolean big = mark.length == 2 && mark[0] == (byte) 0xFE && mark[1] == (byte) 0xFF;
        boolean little = mark.length == 2 && mark[0] == (byte) 0xFF && mark[1] == (byte) 0xFE;
        Charset charset = big ? StandardCharsets.UTF_16BE : StandardCharsets.UTF_16LE;
        InputStream rest = big || little ? stream : new SequenceInputStream(new ByteArrayInputStream(mark), stream);
        Reader reader = new InputStreamReader(rest, charset);
        return new InputStream() {
            private final char[] characters = new char[RECODED_CHARACTERS];
            private byte[] ready = new byte[0];
            private int at;
            private char high; // a half of a character whose other half is still to be read

            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
            }

            @Override
            public int read(byte[] into, int from, int length) throws IOException {
                while (at == ready.length) {
                    int kept = high == 0 ? 0 : 1;
                    characters[0] = high;
                    int read = reader.read(characters, kept, characters.length - kept);
                    if (read < 0) {
                        return -1;
                    }
                    int count = kept + read;
                    high = Character.isHighSurrogate(characters[count - 1]) ? characters[count - 1] : 0;
                    var encoded = StandardCharsets.UTF_8.encode(CharBuffer.wrap(characters, 0, high == 0 ? count : count - 1));
                    ready = new byte[encoded.remaining()];
                    encoded.get(ready);
                    at = 0;
                }
                int copied = Math.min(length, ready.length - at);
                System.arraycopy(ready, at, into, from, copied);
                at += copied;
                return copied;
            }

            @Override
            public void close() throws IOException {
                reader.close();
            }
        };
    }

    /** To the next row; whether there is one. */
    boolean next() throws IOException {
        long limit = split.whole() ? Long.MAX_VALUE : split.length() + (split.start() > 0 ? 1 : 0);
        do {
            if (!next(limit)) {
                return false;
            }
        } while (records.count() == 1 && records.isEmpty(0) && fields.length != 1); // an empty line
        reason = records.fault();
        if (reason == null) {
            reason = layout.json() ? object() : delimited();
        }
        return true;
    }

    private boolean next(long limit) throws IOException {
        try {
            return records.next(limit);
        } catch (EOFException | java.util.zip.ZipException broken) {
            throw new IOException("the file is cut off or broken: " + broken.getMessage(), broken);
        }
    }

    private String delimited() {
        if (records.count() != fields.length) {
            return "it has " + records.count() + " fields, and not " + fields.length;
        }
        for (int at = 0; at < fields.length; at++) {
            int column = fields[at];
            if (records.isEmpty(at)) {
                values[column] = defaults[column];
            } else {
                records.read(at, field);
                String misfit = take(column);
                if (misfit != null) {
                    return misfit;
                }
            }
        }
        return null;
    }

    /** One line is one object; its names may be in any case, and those that aren't there are NULL. */
    private String object() {
        JsonNode found;
        try {
            found = JSON.readTree(records.raw());
        } catch (JsonProcessingException broken) {
            return "it is no JSON: " + broken.getOriginalMessage();
        } catch (IOException broken) {
            return "it is no JSON";
        }
        if (!found.isObject()) {
            return "it is no JSON object";
        }
        for (int column : fields) {
            values[column] = defaults[column];
        }
        for (Map.Entry<String, JsonNode> one : found.properties()) {
            Integer column = columns.get(one.getKey().toLowerCase(Locale.ROOT));
            if (column != null && !one.getValue().isNull()) {
                String text = one.getValue().isTextual() ? one.getValue().textValue() : one.getValue().toString();
                byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
                field.set(encoded, 0, encoded.length);
                String misfit = take(column);
                if (misfit != null) {
                    return misfit;
                }
            }
        }
        return null;
    }

    /** Makes the field a column's value, or says why it is none. */
    private String take(int column) {
        if (ValueReader.trimmed(layout.types().get(column))) {
            field.trim();
            if (field.length == 0) {
                values[column] = defaults[column];
                return null;
            }
        }
        try {
            values[column] = parsers[column].parse(field);
            return null;
        } catch (IllegalArgumentException | ArithmeticException | DateTimeException misfit) {
            String text = field.toString();
            String shown = text.length() > SHOWN_CHARACTERS ? text.substring(0, SHOWN_CHARACTERS) + "..." : text;
            return "the column " + layout.names().get(column) + ": '" + shown + "' is no " + layout.kind(column);
        }
    }

    /** Why the row is rejected, or null. */
    String reason() {
        return reason;
    }

    /** The values of an accepted row, as io.trino.spi.type.TypeUtils writes them. */
    Object[] values() {
        return values;
    }

    byte[] raw() {
        return records.raw();
    }

    /** Where the row is. */
    String where() {
        return split.path() + (split.start() > 0 ? ", behind byte " + split.start() : ", line " + records.line());
    }

    @Override
    public void close() throws IOException {
        records.close();
    }
}
