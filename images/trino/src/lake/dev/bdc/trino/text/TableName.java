package dev.bdc.trino.text;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The name of a table of files: a path, and lists of NAME=VALUE, as in PATH?NAME=VALUE;...?NAME=VALUE;... bdc/sql/external/files.py writes it.
 *
 * <p>Names of Trino's are in lower case, so that all is percent-encoded that isn't one of a-z 0-9 _ . - /
 *
 * @param parts what is between question marks, encoded
 */
public record TableName(List<String> parts) {
    public static TableName of(String text) {
        return new TableName(List.of(text.split("\\?", -1)));
    }

    public String path() {
        return decoded(parts.getFirst());
    }

    /** The names and values of a part, in order. */
    public List<Map.Entry<String, String>> pairs(int part) {
        String text = parts.get(part);
        List<Map.Entry<String, String>> found = new ArrayList<>();
        for (String pair : text.isEmpty() ? new String[0] : text.split(";")) {
            int sign = pair.indexOf('=');
            found.add(Map.entry(decoded(pair.substring(0, sign)), decoded(pair.substring(sign + 1))));
        }
        return found;
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
}
