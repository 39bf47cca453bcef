package dev.bdc.trino.jdbc;

import static io.trino.spi.StandardErrorCode.CONFIGURATION_INVALID;

import io.trino.spi.TrinoException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * JDBC drivers, whose jars users put into a folder of HDFS, since most databases' may not be handed on. Each server copies them when a
 * catalog is made; a jar that is put there later is found by the next catalog, with no restart.
 */
final class Drivers {
    private static final List<String> HADOOP = List.of("/etc/hadoop/core-site.xml", "/etc/hadoop/hdfs-site.xml");

    /** HDFS' client tries for minutes; who waits here holds a statement, so it gives up within seconds. */
    private static final Map<String, String> SOON = Map.of(
            "ipc.client.connect.timeout", "5000",
            "ipc.client.connect.max.retries", "1",
            "ipc.client.connect.max.retries.on.timeouts", "1",
            "ipc.client.rpc-timeout.ms", "10000",
            "dfs.client.failover.max.attempts", "3",
            "dfs.client.retry.policy.enabled", "false");

    private Drivers() {}

    /** The driver that takes `url`. */
    static synchronized Driver find(String folder, String url) {
        List<String> names = new ArrayList<>();
        try {
            // Whatever a driver loads later it finds here, too: the loader stays open as long as the driver is used.
            ClassLoader loader = new URLClassLoader(copies(folder, names), Drivers.class.getClassLoader());
            for (Driver driver : ServiceLoader.load(Driver.class, loader)) {
                if (driver.getClass().getClassLoader() == loader && driver.acceptsURL(url)) {
                    return driver;
                }
            }
        } catch (IOException | SQLException | ServiceConfigurationError error) {
            throw new TrinoException(CONFIGURATION_INVALID, "the JDBC drivers in " + folder + " can't be loaded: " + error.getMessage(), error);
        }
        String kind = url.replaceFirst("^(jdbc:[^:]+:).*", "$1");
        String there = names.isEmpty() ? "it has none" : "it has " + String.join(", ", names);
        throw new TrinoException(CONFIGURATION_INVALID, "no JDBC driver in " + folder + " takes " + kind + "... (" + there + ")");
    }

    private static URL[] copies(String folder, List<String> names) throws IOException {
        Configuration hadoop = new Configuration(true);
        HADOOP.forEach(file -> hadoop.addResource(new Path("file://" + file)));
        SOON.forEach(hadoop::set);
        hadoop.set("fs.hdfs.impl", "org.apache.hadoop.hdfs.DistributedFileSystem");
        hadoop.set("fs.file.impl", "org.apache.hadoop.fs.LocalFileSystem");
        java.nio.file.Path copies = Files.createDirectories(java.nio.file.Path.of(System.getProperty("java.io.tmpdir"), "jdbc-drivers"));
        List<URL> found = new ArrayList<>();
        Path from = new Path(folder);
        for (FileStatus jar : jars(from.getFileSystem(hadoop), from)) {
            String name = jar.getPath().getName();
            java.nio.file.Path copy = copies.resolve(jar.getModificationTime() + "-" + jar.getLen() + "-" + name);
            if (!Files.exists(copy)) {
                java.nio.file.Path part = Files.createTempFile(copies, "part-", "");
                try (var stream = from.getFileSystem(hadoop).open(jar.getPath())) {
                    Files.copy(stream, part, StandardCopyOption.REPLACE_EXISTING);
                    Files.move(part, copy, StandardCopyOption.ATOMIC_MOVE);
                } finally {
                    Files.deleteIfExists(part);
                }
            }
            names.add(name);
            found.add(copy.toUri().toURL());
        }
        return found.toArray(URL[]::new);
    }

    private static List<FileStatus> jars(FileSystem files, Path folder) throws IOException {
        try {
            return List.of(files.listStatus(folder, path -> path.getName().endsWith(".jar")));
        } catch (FileNotFoundException none) {
            return List.of();
        }
    }
}
