package dev.bdc.trino.text;

import static java.util.Objects.requireNonNull;

import java.util.HashMap;
import java.util.Map;

/**
 * The properties of a catalog of files.
 *
 * @param root what is before each path
 * @param others Trino's own
 */
public record StoreProperties(String root, Map<String, String> others) {
    private static final String ROOT = "root";

    public static StoreProperties of(Map<String, String> properties) {
        Map<String, String> others = new HashMap<>(properties);
        return new StoreProperties(requireNonNull(others.remove(ROOT), "a catalog of files needs " + ROOT), others);
    }
}
