package dev.bdc.trino.text;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Records of UTF-8 text, one after the other: fields between terminators of one or more characters, lines that end with \n, \r\n or \r. In
 * quotes, which open at a field's start, all that is text, and two quotes are one.
 */
final class Records implements Closeable {
    private static final int MAX_RECORD_BYTES = 64 << 20;
    private static final int INITIAL_BUFFER_BYTES = 1 << 20;
    private static final byte PLAIN = 0;
    private static final byte QUOTED = 1;
    private static final byte TWICE = 2; // in quotes, with quotes that are written twice
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    private final InputStream stream;
    private final byte[] terminator;
    private final byte[] quote;
    private byte[] buffer = new byte[INITIAL_BUFFER_BYTES];
    private int begin;
    private int following;
    private int end;
    private long before;
    private boolean ended;
    private long line;
    private int lines;

    private int count;
    private int[] from = new int[16];
    private int[] to = new int[16];
    private byte[] kinds = new byte[16];
    private String fault;

    Records(InputStream stream, byte[] terminator, byte[] quote) {
        this.stream = stream;
        this.terminator = terminator;
        this.quote = quote;
    }

    /** To the text's begin: a byte order mark isn't text. */
    void skipMark() throws IOException {
        if (matches(BYTE_ORDER_MARK, 0)) {
            following = BYTE_ORDER_MARK.length;
        }
    }

    /** To behind the next line's end, which may be none of ours. */
    void skipLine() throws IOException {
        begin = following;
        int at = 0;
        while (has(at) && !atEnd(at)) {
            at++;
        }
        endAt(at);
    }

    /** To the next record that begins before `limit` bytes of the stream; whether there is one. */
    boolean next(long limit) throws IOException {
        begin = following;
        if (before + begin >= limit || !has(0)) {
            return false;
        }
        line += 1 + lines;
        lines = 0;
        count = 0;
        fault = null;
        int at = 0;
        while (true) {
            at = matches(quote, at) ? quotedField(at) : plainField(at);
            if (!has(at) || atEnd(at)) {
                endAt(at);
                return true;
            }
            at += terminator.length;
        }
    }

    private void endAt(int at) throws IOException {
        int length = afterEnd(at); // which may move the record to the buffer's begin
        following = begin + length;
    }

    private int plainField(int start) throws IOException {
        int at = start;
        while (has(at) && !atEnd(at) && !matches(terminator, at)) {
            at++;
        }
        add(start, at, PLAIN);
        return at;
    }

    private int quotedField(int start) throws IOException {
        int at = start + quote.length;
        boolean twice = false;
        while (has(at)) {
            if (matches(quote, at)) {
                if (!matches(quote, at + quote.length)) {
                    break;
                }
                twice = true;
                at += 2 * quote.length;
            } else {
                lines += buffer[begin + at] == '\n' ? 1 : 0;
                at++;
            }
        }
        add(start + quote.length, at, twice ? TWICE : QUOTED);
        if (!has(at)) {
            fault = "a quote isn't closed";
            return at;
        }
        at += quote.length;
        while (has(at) && !atEnd(at) && !matches(terminator, at)) {
            fault = "there is text behind a closing quote";
            at++;
        }
        return at;
    }

    private void add(int start, int stop, byte how) {
        if (count == from.length) {
            from = Arrays.copyOf(from, 2 * count);
            to = Arrays.copyOf(to, 2 * count);
            kinds = Arrays.copyOf(kinds, 2 * count);
        }
        from[count] = start;
        to[count] = stop;
        kinds[count++] = how;
    }

    private boolean matches(byte[] what, int at) throws IOException {
        if (what.length == 0 || !has(at + what.length - 1)) {
            return false;
        }
        for (int of = 0; of < what.length; of++) {
            if (buffer[begin + at + of] != what[of]) {
                return false;
            }
        }
        return true;
    }

    private boolean atEnd(int at) {
        byte one = buffer[begin + at];
        return one == '\n' || one == '\r';
    }

    private int afterEnd(int at) throws IOException {
        if (!has(at)) {
            return at;
        }
        return buffer[begin + at] == '\r' && has(at + 1) && buffer[begin + at + 1] == '\n' ? at + 2 : at + 1;
    }

    private boolean has(int at) throws IOException {
        while (begin + at >= end) {
            if (ended || !more()) {
                return false;
            }
        }
        return true;
    }

    private boolean more() throws IOException {
        if (begin > 0) {
            System.arraycopy(buffer, begin, buffer, 0, end - begin);
            before += begin;
            end -= begin;
            begin = 0;
        }
        if (end == buffer.length) {
            if (end >= MAX_RECORD_BYTES) {
                throw new IOException("line " + line + " is longer than 64 MiB: are the terminator and the quotes right?");
            }
            buffer = Arrays.copyOf(buffer, 2 * end);
        }
        int read = stream.read(buffer, end, buffer.length - end);
        ended = read < 0;
        end += Math.max(read, 0);
        return !ended;
    }

    /** How many fields the record has. */
    int count() {
        return count;
    }

    /** Whether a field is nothing, without quotes. */
    boolean isEmpty(int field) {
        return kinds[field] == PLAIN && from[field] == to[field];
    }

    /** A field's bytes; they are valid until the next record. */
    void read(int field, Bytes into) {
        int length = to[field] - from[field];
        if (kinds[field] != TWICE) {
            into.set(buffer, begin + from[field], length);
            return;
        }
        byte[] once = new byte[length];
        int kept = 0;
        for (int at = 0; at < length; at++) {
            once[kept++] = buffer[begin + from[field] + at];
            if (ends(once, kept)) {
                at += quote.length;
            }
        }
        into.set(once, 0, kept);
    }

    private boolean ends(byte[] text, int length) {
        return length >= quote.length && Arrays.equals(text, length - quote.length, length, quote, 0, quote.length);
    }

    /** What is wrong with the record itself, or null. */
    String fault() {
        return fault;
    }

    /** The number of the record's first line, from 1, where the text was read from its begin. */
    long line() {
        return line;
    }

    /** The record as it is written, without its line's end. */
    byte[] raw() {
        int stop = following;
        while (stop > begin && (buffer[stop - 1] == '\n' || buffer[stop - 1] == '\r')) {
            stop--;
        }
        return Arrays.copyOfRange(buffer, begin, stop);
    }

    @Override
    public void close() throws IOException {
        stream.close();
    }
}
