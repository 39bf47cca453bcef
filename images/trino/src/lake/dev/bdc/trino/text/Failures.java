package dev.bdc.trino.text;

import io.trino.plugin.hive.HiveErrorCode;
import io.trino.spi.StandardErrorCode;
import io.trino.spi.TrinoException;
import java.io.IOException;

/** What is told of files that can't be read. */
public final class Failures {
    private Failures() {}

    /** What a user is to change. */
    public static TrinoException refused(String message) {
        return new TrinoException(StandardErrorCode.INVALID_ARGUMENTS, message);
    }

    /** What a file, or the store, has done. */
    public static TrinoException failed(String where, IOException error) {
        String text = firstLine(error);
        String told = text.contains(where) ? text : where + ": " + text;
        boolean denied = error.toString().contains("AccessControlException") || text.contains("Permission denied");
        return new TrinoException(denied ? StandardErrorCode.PERMISSION_DENIED : HiveErrorCode.HIVE_FILESYSTEM_ERROR, told, error);
    }

    public static String firstLine(Exception error) {
        String text = String.valueOf(error.getMessage() == null ? error : error.getMessage());
        return text.lines().findFirst().orElse(text);
    }
}
