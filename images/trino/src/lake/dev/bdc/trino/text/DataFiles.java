package dev.bdc.trino.text;

import com.google.inject.Inject;
import io.trino.filesystem.FileEntry;
import io.trino.filesystem.FileIterator;
import io.trino.filesystem.Location;
import io.trino.filesystem.TrinoFileSystem;
import io.trino.filesystem.TrinoFileSystemFactory;
import io.trino.filesystem.TrinoInputFile;
import io.trino.spi.security.ConnectorIdentity;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The files of a store. */
final class DataFiles {
    private final TrinoFileSystemFactory fileSystems;

    @Inject
    DataFiles(TrinoFileSystemFactory fileSystems) {
        this.fileSystems = fileSystems;
    }

    TrinoFileSystem fileSystem() {
        return fileSystems.create(ConnectorIdentity.ofUser("bdc"));
    }

    /** Whether the store renames files. In others written files have their own names from the beginning. */
    static boolean renames(Location folder) {
        return folder.scheme().filter(scheme -> scheme.equals("s3") || scheme.startsWith("wasb")).isEmpty();
    }

    boolean isFolder(Location location) throws IOException {
        return fileSystem().directoryExists(location).orElse(false);
    }

    boolean isFile(Location location) throws IOException {
        return fileSystem().newInputFile(location).exists();
    }

    /** The files that a table has at a location, a folder or one file. What is empty, or hidden by _ or ., is none. */
    List<FileEntry> in(Location location) {
        List<FileEntry> found = new ArrayList<>();
        try {
            if (!isFolder(location)) {
                TrinoInputFile file = fileSystem().newInputFile(location);
                return List.of(new FileEntry(location, file.length(), file.lastModified(), Optional.empty()));
            }
            FileIterator all = fileSystem().listFiles(location);
            while (all.hasNext()) {
                FileEntry file = all.next();
                String inside = file.location().path().substring(location.path().length());
                if (file.length() > 0 && !inside.matches("(.*/)?[_.].*")) {
                    found.add(file);
                }
            }
        } catch (IOException error) {
            throw Failures.failed(location.toString(), error);
        }
        return found;
    }
}
