package dev.bdc.trino.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.airlift.slice.Slice;
import io.airlift.slice.Slices;
import io.trino.filesystem.Location;
import io.trino.filesystem.TrinoFileSystem;
import io.trino.spi.Page;
import io.trino.spi.connector.ConnectorPageSink;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.type.SqlVarbinary;
import io.trino.spi.type.Type;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.zip.GZIPOutputStream;

/** Writes rows to one file, as its layout says, so that they are read as they were. The file's name is what it hands to who publishes it. */
final class TextPageSink implements ConnectorPageSink {
    private static final JsonFactory JSON = new JsonFactory();
    private static final char BYTE_ORDER_MARK = '\ufeff';
    private static final int GZIP_BUFFER_BYTES = 1 << 16;
    private static final int SHOWN_CHARACTERS = 80;

    private final Layout layout;
    private final ConnectorSession session;
    private final TrinoFileSystem files;
    private final Location file;
    private final String terminator;
    private final String quote;
    private Writer writer;
    private boolean made;
    private long bytes;

    TextPageSink(Layout layout, ConnectorSession session, TrinoFileSystem files, Location file) {
        this.layout = layout;
        this.session = session;
        this.files = files;
        this.file = file;
        this.terminator = new String(layout.terminator(), StandardCharsets.UTF_8);
        this.quote = new String(layout.quote(), StandardCharsets.UTF_8);
    }

    @Override
    public CompletableFuture<?> appendPage(Page page) {
        try {
            if (writer == null) {
                open();
            }
            for (int row = 0; row < page.getPositionCount(); row++) {
                String line = layout.json() ? object(page, row) : delimited(page, row);
                writer.write(line);
                writer.write('\n');
                bytes += line.length() + 1;
            }
        } catch (IOException error) {
            throw Failures.failed(file.toString(), error);
        }
        return NOT_BLOCKED;
    }

    private void open() throws IOException {
        made = true; // a query that fails interrupts this thread: the file may be there, and its stream not
        OutputStream stream = files.newOutputFile(file).create();
        Charset charset = layout.utf16() ? StandardCharsets.UTF_16LE : StandardCharsets.UTF_8;
        writer = new OutputStreamWriter(layout.packed() ? new GZIPOutputStream(stream, GZIP_BUFFER_BYTES) : stream, charset);
        if (layout.utf16()) {
            writer.write(BYTE_ORDER_MARK);
        }
        if (layout.first() == 2) {
            writer.write(String.join(terminator, layout.names().stream().map(this::quoted).toList()) + "\n");
        }
    }

    private String delimited(Page page, int row) {
        StringBuilder line = new StringBuilder();
        for (int at = 0; at < layout.names().size(); at++) {
            String text = text(at, page, row);
            line.append(at == 0 ? "" : terminator).append(text == null ? "" : quoted(text));
        }
        return line.toString();
    }

    /** A field; an empty string has quotes, where there are some, as what is nothing is NULL. */
    private String quoted(String text) {
        boolean plain = !text.contains(terminator) && text.indexOf('\n') < 0 && text.indexOf('\r') < 0;
        if (quote.isEmpty()) {
            if (!plain) {
                throw Failures.refused("a value has the field's or the line's end in it, and the file format no STRING_DELIMITER: " + shortened(text));
            }
            return text;
        }
        return plain && !text.isEmpty() && !text.contains(quote) ? text : quote + text.replace(quote, quote + quote) + quote;
    }

    private static String shortened(String text) {
        return text.length() > SHOWN_CHARACTERS ? text.substring(0, SHOWN_CHARACTERS) + "..." : text;
    }

    private String object(Page page, int row) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator line = JSON.createGenerator(text)) {
            line.writeStartObject();
            for (int at = 0; at < layout.names().size(); at++) {
                line.writeFieldName(layout.names().get(at));
                String value = text(at, page, row);
                if (value == null) {
                    line.writeNull();
                } else if (ValueWriter.bare(layout.types().get(at), value)) {
                    line.writeRawValue(value);
                } else {
                    line.writeString(value);
                }
            }
            line.writeEndObject();
        }
        return text.toString();
    }

    private String text(int at, Page page, int row) {
        Type type = layout.types().get(at);
        if (page.getBlock(at).isNull(row)) {
            return null;
        }
        Object value = type.getObjectValue(session, page.getBlock(at), row);
        return layout.json() && value instanceof SqlVarbinary bytes ? Base64.getEncoder().encodeToString(bytes.getBytes()) : ValueWriter.of(type, value, layout.date());
    }

    @Override
    public long getCompletedBytes() {
        return bytes;
    }

    @Override
    public CompletableFuture<Collection<Slice>> finish() {
        if (writer == null) {
            return CompletableFuture.completedFuture(List.of());
        }
        try {
            writer.close();
        } catch (IOException error) {
            throw Failures.failed(file.toString(), error);
        }
        return CompletableFuture.completedFuture(List.of(Slices.utf8Slice(file.fileName())));
    }

    @Override
    public void abort() {
        if (!made) {
            return;
        }
        try {
            if (writer != null) {
                writer.close();
            }
        } catch (IOException broken) {
            // it is removed
        }
        try {
            files.deleteFile(file);
        } catch (IOException left) {
            // a name that readers skip
        }
    }
}
