package dev.bdc.trino.lake;

import com.google.inject.Binder;
import com.google.inject.Inject;
import com.google.inject.Key;
import com.google.inject.Scopes;
import com.google.inject.multibindings.MapBinder;
import dev.bdc.trino.text.StoreProperties;
import dev.bdc.trino.text.TextConnectorFactory;
import io.airlift.configuration.AbstractConfigurationAwareModule;
import io.trino.filesystem.Location;
import io.trino.filesystem.TrinoFileSystem;
import io.trino.filesystem.TrinoFileSystemFactory;
import io.trino.metastore.HiveMetastoreFactory;
import io.trino.metastore.RawHiveMetastoreFactory;
import io.trino.plugin.deltalake.AllowDeltaLakeManagedTableRename;
import io.trino.plugin.deltalake.DeltaLakeConnectorFactory;
import io.trino.plugin.deltalake.MaxTableParameterLength;
import io.trino.plugin.deltalake.metastore.DeltaLakeTableOperationsProvider;
import io.trino.plugin.deltalake.metastore.file.DeltaLakeFileMetastoreTableOperationsProvider;
import io.trino.plugin.deltalake.transactionlog.writer.TransactionConflictException;
import io.trino.plugin.deltalake.transactionlog.writer.TransactionLogSynchronizer;
import io.trino.plugin.hive.HiveConnectorFactory;
import io.trino.plugin.hive.metastore.CachingHiveMetastoreModule;
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

/**
 * The connectors delta_hdfs: Trino's delta_lake, which also commits to tables on HDFS, and writes rows in order; files: its hive, for which
 * folders are tables; delta_files: its delta_lake, for which they are; and text_files, for which those of text are. Properties are Trino's,
 * and for files root (StoreProperties).
 */
public final class LakePlugin implements Plugin {
    @Override
    public Iterable<ConnectorFactory> getConnectorFactories() {
        return List.of(
            new Factory("delta_hdfs", (catalog, properties, context) ->
                SortingPageSinkProvider.over(
                    DeltaLakeConnectorFactory.createConnector(catalog, properties, context, Optional.empty(), LakePlugin::onHdfs), context)),
            new Factory("delta_files", (catalog, properties, context) -> {
                StoreProperties store = StoreProperties.of(properties);
                return DeltaLakeConnectorFactory.createConnector(catalog, store.others(), context,
                    Optional.of(new Metastore(new FolderMetastore(store.root(), context.getTypeManager()))), LakePlugin::onHdfs);
            }),
            new Factory("files", (catalog, properties, context) -> {
                StoreProperties store = StoreProperties.of(properties);
                FolderMetastore folders = new FolderMetastore(store.root(), context.getTypeManager());
                return JulianPageSourceProvider.over(HiveConnectorFactory.createConnector(catalog, store.others(), context,
                    binder -> binder.requestInjection(folders), Optional.of(folders.metastore()), Optional.empty()), folders);
            }),
            new TextConnectorFactory());
    }

    private interface Maker {
        Connector create(String catalog, Map<String, String> properties, ConnectorContext context);
    }

    private record Factory(String name, Maker maker) implements ConnectorFactory {
        @Override
        public String getName() {
            return name;
        }

        @Override
        public Connector create(String catalog, Map<String, String> properties, ConnectorContext context) {
            return maker.create(catalog, properties, context);
        }
    }

    private static void onHdfs(Binder binder) {
        MapBinder.newMapBinder(binder, String.class, TransactionLogSynchronizer.class)
            .addBinding("hdfs").to(HdfsSynchronizer.class).in(Scopes.SINGLETON);
    }

    /** What Delta's connector needs of a metastore: folders, and no renaming. */
    private static final class Metastore extends AbstractConfigurationAwareModule {
        private final FolderMetastore folders;

        Metastore(FolderMetastore folders) {
            this.folders = folders;
        }

        @Override
        protected void setup(Binder binder) {
            binder.requestInjection(folders);
            binder.bind(Key.get(HiveMetastoreFactory.class, RawHiveMetastoreFactory.class)).toInstance(HiveMetastoreFactory.ofInstance(folders.metastore()));
            binder.bind(DeltaLakeTableOperationsProvider.class).to(DeltaLakeFileMetastoreTableOperationsProvider.class).in(Scopes.SINGLETON);
            binder.bind(Key.get(boolean.class, AllowDeltaLakeManagedTableRename.class)).toInstance(false);
            binder.bind(Key.get(int.class, MaxTableParameterLength.class)).toInstance(Integer.MAX_VALUE);
            install(new CachingHiveMetastoreModule());
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
