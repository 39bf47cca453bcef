package dev.bdc.trino.lake;

import com.google.inject.Inject;
import dev.bdc.trino.text.Failures;
import io.trino.filesystem.FileEntry;
import io.trino.filesystem.FileIterator;
import io.trino.filesystem.Location;
import io.trino.filesystem.TrinoFileSystem;
import io.trino.filesystem.TrinoFileSystemFactory;
import io.trino.filesystem.TrinoInputFile;
import io.trino.metastore.Column;
import io.trino.metastore.Database;
import io.trino.metastore.HiveMetastore;
import io.trino.metastore.HiveType;
import io.trino.metastore.Partition;
import io.trino.metastore.Partitions;
import io.trino.metastore.Storage;
import io.trino.metastore.StorageFormat;
import io.trino.metastore.Table;
import io.trino.plugin.hive.HiveStorageFormat;
import io.trino.spi.StandardErrorCode;
import io.trino.spi.TrinoException;
import io.trino.spi.security.ConnectorIdentity;
import io.trino.spi.security.PrincipalType;
import io.trino.spi.type.TypeManager;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A metastore without a memory: each folder is a table, as a TableAddress names it, in the schema parquet, orc or delta.
 *
 * <p>Its columns are those that the address says, or else those that the newest of its files has; its partitions are the folders that there
 * are now. Names that begin with _ or . are skipped.
 */
final class FolderMetastore {
    static final String DELTA = "delta";
    private static final Map<String, HiveStorageFormat> FORMATS = Map.of("parquet", HiveStorageFormat.PARQUET, "orc", HiveStorageFormat.ORC);
    private static final String ONE_FILE = "one file";

    private final String root;
    private final TypeManager types;
    private TrinoFileSystemFactory fileSystems;

    FolderMetastore(String root, TypeManager types) {
        this.root = root;
        this.types = types;
    }

    @Inject
    void setFileSystems(TrinoFileSystemFactory fileSystems) {
        this.fileSystems = fileSystems;
    }

    /** What is public here, as the metastore that Trino asks; all else is refused. */
    HiveMetastore metastore() {
        Map<String, Method> known = new HashMap<>();
        for (Method one : FolderMetastore.class.getDeclaredMethods()) {
            if (Modifier.isPublic(one.getModifiers())) {
                known.put(one.getName(), one);
            }
        }
        InvocationHandler handler = (proxy, method, arguments) -> {
            if (known.get(method.getName()) instanceof Method own) {
                try {
                    return own.invoke(this, arguments);
                } catch (InvocationTargetException error) {
                    throw error.getCause();
                }
            }
            if (method.isDefault()) {
                return InvocationHandler.invokeDefault(proxy, method, arguments);
            }
            if (method.getDeclaringClass() == Object.class) {
                return method.invoke(this, arguments);
            }
            throw new TrinoException(StandardErrorCode.NOT_SUPPORTED, "folders of files don't know " + method.getName());
        };
        return (HiveMetastore) Proxy.newProxyInstance(FolderMetastore.class.getClassLoader(), new Class<?>[] {HiveMetastore.class}, handler);
    }

    public List<String> getAllDatabases() {
        List<String> names = new ArrayList<>(FORMATS.keySet());
        names.add(DELTA);
        return names;
    }

    public Optional<Database> getDatabase(String name) {
        return getAllDatabases().contains(name)
            ? Optional.of(Database.builder().setDatabaseName(name).setOwnerName(Optional.of("bdc")).setOwnerType(Optional.of(PrincipalType.USER)).build())
            : Optional.empty();
    }

    /** None are listed; but the root is asked for, so that a store that doesn't answer is noticed. */
    public List<?> getTables(String format) {
        Location location = Location.of(root + "/");
        try {
            files().directoryExists(location);
            return List.of();
        } catch (IOException error) {
            throw Failures.failed(location.toString(), error);
        }
    }

    public List<?> getTableNamesWithParameters(String format, String key, Set<?> values) {
        return List.of();
    }

    public Map<?, ?> getTableColumnStatistics(String format, String table, Set<?> columns) {
        return Map.of();
    }

    public Map<?, ?> getPartitionColumnStatistics(String format, String table, Set<?> partitions, Set<?> columns) {
        return Map.of();
    }

    public List<?> getAllFunctions(String format) {
        return List.of();
    }

    public List<?> getFunctions(String format, String name) {
        return List.of();
    }

    /** Files that were written are there: nothing is to be remembered of them. */
    public void addPartitions(String format, String table, List<?> partitions) {}

    public void alterPartition(String format, String table, Object partition) {}

    public void createTable(Table table, Object privileges) {}

    public void replaceTable(String format, String table, Object after, Object privileges, Map<?, ?> context) {}

    public void updateTableStatistics(String format, String table, Object write, Object mode, Object statistics) {}

    public void updatePartitionStatistics(Object table, Object mode, Map<?, ?> statistics) {}

    /** The folder as a table; none where there is no such folder. A file is the table of its folder, and its columns' comments say so. */
    public Optional<Table> getTable(String format, String name) {
        if (name.endsWith(TableAddress.NEW)) {
            return Optional.empty();
        }
        TableAddress address = TableAddress.of(root, name, types);
        try {
            if (format.equals(DELTA)) {
                return delta(name, address.location());
            }
            if (!FORMATS.containsKey(format)) {
                return Optional.empty();
            }
            if (address.content().isPresent()) {
                return Optional.of(table(format, name, address.location(), address.content().get()));
            }
            return seen(format, address.location()).map(content -> table(format, name, address.location(), content));
        } catch (IOException error) {
            throw Failures.failed(address.location().toString(), error);
        }
    }

    public Optional<List<String>> getPartitionNamesByFilter(String format, String name, List<String> keys, Object wanted) {
        Location location = TableAddress.of(root, name, types).location();
        try {
            Map<String, Location> level = new TreeMap<>(Map.of("", location));
            for (String key : keys) {
                level = below(level, key);
            }
            if (level.isEmpty() && !files().directoryExists(location).orElse(false)) {
                throw new FileNotFoundException("there is no such folder");
            }
            return Optional.of(List.copyOf(level.keySet()));
        } catch (IOException error) {
            throw Failures.failed(location.toString(), error);
        }
    }

    public Map<String, Optional<Partition>> getPartitionsByNames(Table table, List<String> names) {
        Map<String, Optional<Partition>> found = new LinkedHashMap<>();
        for (String name : names) {
            found.put(name, Optional.of(partition(table, Partitions.toPartitionValues(name), name)));
        }
        return found;
    }

    public Optional<Partition> getPartition(Table table, List<String> values) {
        List<String> keys = table.getPartitionColumns().stream().map(Column::getName).toList();
        return getPartitionNamesByFilter(table.getDatabaseName(), table.getTableName(), keys, null).orElseThrow().stream()
            .filter(name -> Partitions.toPartitionValues(name).equals(values)).findFirst().map(name -> partition(table, values, name));
    }

    private static Partition partition(Table table, List<String> values, String name) {
        Storage storage = table.getStorage();
        return Partition.builder().setDatabaseName(table.getDatabaseName()).setTableName(table.getTableName())
            .setColumns(table.getDataColumns()).setValues(values)
            .withStorage(to -> to.setStorageFormat(storage.getStorageFormat()).setLocation(storage.getLocation() + "/" + name)).build();
    }

    /** The folders KEY=VALUE in those of a level, by the names that the partition has. */
    private Map<String, Location> below(Map<String, Location> level, String key) throws IOException {
        Map<String, Location> found = new TreeMap<>();
        for (Map.Entry<String, Location> one : level.entrySet()) {
            for (Location folder : files().listDirectories(one.getValue())) {
                String name = lastPart(folder);
                if (hidden(name)) {
                    continue;
                }
                if (!name.toLowerCase(Locale.ROOT).startsWith(key + "=")) {
                    throw Failures.refused("the folder " + folder + " isn't named by " + key + ", as its siblings are: " + key + "=...");
                }
                found.put(one.getKey().isEmpty() ? name : one.getKey() + "/" + name, folder);
            }
        }
        return found;
    }

    private Optional<Table> delta(String name, Location location) throws IOException {
        if (!files().directoryExists(location).orElse(false)) {
            if (exists(files().newInputFile(location))) {
                throw Failures.refused(location + " isn't a Delta table: it is a file");
            }
            return Optional.empty();
        }
        if (!files().directoryExists(location.appendPath("_delta_log")).orElse(false)) {
            throw Failures.refused(location + " isn't a Delta table: it has no _delta_log");
        }
        Map<String, String> path = Map.of("path", location.toString());
        return Optional.of(base(DELTA, name).setParameters(Map.of("spark.sql.sources.provider", DELTA, "EXTERNAL", "TRUE"))
            .withStorage(to -> to.setStorageFormat(StorageFormat.create("", "", "")).setLocation(location.toString()).setSerdeParameters(path))
            .setDataColumns(List.of()).build());
    }

    private static Table table(String format, String name, Location location, TableAddress.Content content) {
        return base(format, name).setParameters(Map.of("EXTERNAL", "TRUE"))
            .withStorage(to -> to.setStorageFormat(FORMATS.get(format).toStorageFormat()).setLocation(location.toString()))
            .setDataColumns(content.columns()).setPartitionColumns(content.keys()).build();
    }

    private static Table.Builder base(String format, String name) {
        return Table.builder().setDatabaseName(format).setTableName(name).setOwner(Optional.of("bdc")).setTableType("EXTERNAL_TABLE")
            .setWriteId(OptionalLong.empty());
    }

    /** What the folder has in it now; no columns where it has no file. */
    private Optional<TableAddress.Content> seen(String format, Location location) throws IOException {
        if (!files().directoryExists(location).orElse(false)) {
            return Optional.of(files().newInputFile(location)).filter(FolderMetastore::exists).map(file -> commented(columns(format, file)));
        }
        List<FileEntry> there = visible(location);
        Optional<FileEntry> newest = there.stream().filter(one -> one.length() > 0).max(Comparator.comparing(FileEntry::lastModified));
        if (newest.isEmpty()) {
            boolean folder = files().directoryExists(location).orElse(false);
            return folder ? Optional.of(new TableAddress.Content(List.of(), List.of())) : Optional.empty();
        }
        List<Column> keys = keys(location, there);
        Set<String> taken = keys.stream().map(Column::getName).collect(Collectors.toSet());
        List<Column> columns = columns(format, files().newInputFile(newest.get().location()));
        return Optional.of(new TableAddress.Content(columns.stream().filter(one -> !taken.contains(one.getName())).toList(), keys));
    }

    private static boolean exists(TrinoInputFile file) {
        try {
            return file.exists();
        } catch (IOException error) {
            throw Failures.failed(file.location().toString(), error);
        }
    }

    private static TableAddress.Content commented(List<Column> columns) {
        return new TableAddress.Content(columns.stream()
            .map(one -> one.withComment(Optional.of(one.getComment().map(said -> ONE_FILE + " " + said).orElse(ONE_FILE)))).toList(), List.of());
    }

    private static List<Column> columns(String format, TrinoInputFile file) {
        try {
            return format.equals("orc") ? Footers.orc(file) : Footers.parquet(file);
        } catch (FileNotFoundException gone) {
            throw Failures.failed(file.location().toString(), gone);
        } catch (IOException | RuntimeException error) {
            throw Failures.refused(file.location() + " can't be read as " + format + ": " + Failures.firstLine(error));
        }
    }

    private List<FileEntry> visible(Location location) throws IOException {
        List<FileEntry> found = new ArrayList<>();
        FileIterator all = files().listFiles(location);
        while (all.hasNext()) {
            FileEntry one = all.next();
            if (inside(location, one).stream().noneMatch(FolderMetastore::hidden)) {
                found.add(one);
            }
        }
        return found;
    }

    /** The keys that folders are named by, in each file's path in the same order; none where files are in folders of other names. */
    private static List<Column> keys(Location location, List<FileEntry> files) {
        Map<String, Set<String>> values = new LinkedHashMap<>();
        List<String> names = null;
        for (FileEntry file : files) {
            List<String> parts = inside(location, file);
            List<String> folders = parts.subList(0, parts.size() - 1);
            List<String> mine = folders.stream().map(one -> one.contains("=") ? one.substring(0, one.indexOf('=')).toLowerCase(Locale.ROOT) : "").toList();
            if (mine.contains("") || (names != null && !names.equals(mine))) {
                return List.of();
            }
            names = mine;
            for (String folder : folders) {
                int sign = folder.indexOf('=');
                values.computeIfAbsent(mine.get(folders.indexOf(folder)), _ -> new LinkedHashSet<>()).add(folder.substring(sign + 1));
            }
        }
        return values.entrySet().stream().map(one -> TableAddress.column(one.getKey(), HiveType.valueOf(kind(one.getValue())))).toList();
    }

    private static String kind(Set<String> values) {
        List<String> said = values.stream().filter(one -> !one.equals(Partitions.HIVE_DEFAULT_DYNAMIC_PARTITION)).toList();
        if (said.isEmpty()) {
            return "string";
        }
        if (said.stream().allMatch(one -> one.matches("-?\\d{1,18}"))) {
            return "bigint";
        }
        return said.stream().allMatch(one -> one.matches("\\d{4}-\\d\\d-\\d\\d")) ? "date" : "string";
    }

    private static List<String> inside(Location location, FileEntry file) {
        String path = file.location().path().substring(location.path().length());
        return List.of(path.replaceAll("^/+", "").split("/"));
    }

    private static boolean hidden(String name) {
        return name.startsWith("_") || name.startsWith(".");
    }

    private static String lastPart(Location folder) {
        String[] parts = folder.path().split("/");
        return parts[parts.length - 1];
    }

    TrinoInputFile file(String path) {
        return files().newInputFile(Location.of(path));
    }

    private TrinoFileSystem files() {
        return fileSystems.create(ConnectorIdentity.ofUser("bdc"));
    }
}
