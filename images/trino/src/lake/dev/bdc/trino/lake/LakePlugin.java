package dev.bdc.trino.lake;

import com.google.inject.Binder;
import com.google.inject.Inject;
import com.google.inject.Scopes;
import com.google.inject.multibindings.MapBinder;
import io.trino.filesystem.Location;
import io.trino.filesystem.TrinoFileSystem;
import io.trino.filesystem.TrinoFileSystemFactory;
import io.trino.plugin.deltalake.DeltaLakeConnectorFactory;
import io.trino.plugin.deltalake.transactionlog.writer.TransactionConflictException;
import io.trino.plugin.deltalake.transactionlog.writer.TransactionLogSynchronizer;
import io.trino.spi.Plugin;
import io.trino.spi.connector.Connector;
import io.trino.spi.connector.ConnectorContext;
import io.trino.spi.connector.ConnectorFactory;
import io.trino.spi.connector.ConnectorSession;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** The connector delta_hdfs: Trino's delta_lake, which also commits to tables on HDFS. Its properties are the same. */
public final class LakePlugin implements Plugin {
    @Override
    public Iterable<ConnectorFactory> getConnectorFactories() {
        return List.of(new Factory());
    }

    private static final class Factory implements ConnectorFactory {
        @Override
        public String getName() {
            return "delta_hdfs";
        }

        @Override
        public Connector create(String catalog, Map<String, String> properties, ConnectorContext context) {
            return DeltaLakeConnectorFactory.createConnector(catalog, properties, context, Optional.empty(), Factory::bind);
        }

        private static void bind(Binder binder) {
            MapBinder.newMapBinder(binder, String.class, TransactionLogSynchronizer.class)
                .addBinding("hdfs").to(HdfsSynchronizer.class).in(Scopes.SINGLETON);
        }
    }

    /**
     * A version of a table is one file of its log, which must come whole and only once. It is written beside its place and renamed: HDFS
     * renames at once, and never over a file that is there. Spark's commits go the same way (io.delta.storage.HDFSLogStore), so that both may
     * write to one table.
     */
    static final class HdfsSynchronizer implements TransactionLogSynchronizer {
        private final TrinoFileSystemFactory fileSystems;

        @Inject
        HdfsSynchronizer(TrinoFileSystemFactory fileSystems) {
            this.fileSystems = fileSystems;
        }

        @Override
        public void write(ConnectorSession session, String cluster, Location version, byte[] contents) {
            TrinoFileSystem files = fileSystems.create(session);
            Location beside = version.sibling("." + version.fileName() + "." + UUID.randomUUID() + ".tmp");
            try {
                files.newOutputFile(beside).createOrOverwrite(contents);
                files.renameFile(beside, version);
            } catch (IOException error) {
                forget(files, beside, error);
                Optional<byte[]> there = read(files, version, error);
                if (there.isEmpty()) {
                    throw new UncheckedIOException(error);
                }
                if (!Arrays.equals(there.get(), contents)) { // else it was renamed, and only the answer was lost
                    throw new TransactionConflictException("another writer was first with " + version.fileName(), error);
                }
            }
        }

        private static Optional<byte[]> read(TrinoFileSystem files, Location version, IOException error) {
            try (InputStream stream = files.newInputFile(version).newStream()) {
                return Optional.of(stream.readAllBytes());
            } catch (IOException unknown) {
                error.addSuppressed(unknown);
                return Optional.empty();
            }
        }

        private static void forget(TrinoFileSystem files, Location beside, IOException error) {
            try {
                if (files.newInputFile(beside).exists()) {
                    files.deleteFile(beside);
                }
            } catch (IOException left) {
                error.addSuppressed(left); // a file that nobody reads; VACUUM removes it
            }
        }

        @Override
        public boolean isUnsafe() {
            return false;
        }
    }
}
