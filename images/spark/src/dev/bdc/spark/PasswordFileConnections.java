package dev.bdc.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.Properties;

import org.apache.spark.sql.jdbc.JdbcConnectionProvider;
import scala.collection.immutable.Map;

/**
 * Connections whose password stands in the file that PGPASSFILE names, as the master's driver takes it from there by itself: the user that
 * a URL names has one password in the cluster. So it is in no setting, which Spark shows and hands on.
 */
public class PasswordFileConnections extends JdbcConnectionProvider {
    static final String NAME = "password-file";
    private static final String FILE = "PGPASSFILE";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public boolean canHandle(Driver driver, Map<String, String> options) {
        return options.get("url").exists(url -> url.startsWith("jdbc:trino:"));
    }

    @Override
    public Connection getConnection(Driver driver, Map<String, String> options) {
        return connect(driver, options.apply("url"));
    }

    static Connection connect(Driver driver, String url) {
        try {
            Properties properties = new Properties();
            properties.setProperty("password", password());
            return driver.connect(url, properties);
        } catch (SQLException error) {
            throw new IllegalStateException("the federation can't be asked: " + error.getMessage(), error);
        }
    }

    @Override
    public boolean modifiesSecurityContext(Driver driver, Map<String, String> options) {
        return false;
    }

    /** The last field of the file's only line: https://www.postgresql.org/docs/current/libpq-pgpass.html. */
    private static String password() {
        String file = System.getenv(FILE);
        if (file == null) {
            throw new IllegalStateException(FILE + " isn't set, so there is no password for the federation");
        }
        try {
            String line = Files.readString(Path.of(file)).strip();
            return line.substring(line.lastIndexOf(':') + 1);
        } catch (IOException error) {
            throw new IllegalStateException("the password for the federation can't be read from " + file, error);
        }
    }
}
