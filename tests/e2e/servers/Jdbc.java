import java.sql.*;
import java.time.*;
import java.util.*;

/** What a tool does through JDBC: it looks at the catalogs, asks with parameters, reads by batches, cancels. Argument: the URL. */
class Jdbc {
    public static void main(String[] arguments) throws SQLException {
        Properties login = new Properties();
        login.put("user", System.getenv("PGUSER"));
        login.put("password", System.getenv("PGPASSWORD"));
        try (Connection connection = DriverManager.getConnection(arguments[0], login)) {
            DatabaseMetaData about = connection.getMetaData();
            System.out.println(about.getDatabaseProductName() + " " + about.getDatabaseMajorVersion());
            print("schemas", about.getSchemas(null, "db%"), "TABLE_SCHEM");
            print("tables", about.getTables(null, "dbo", "fact%", null), "TABLE_NAME", "TABLE_TYPE");
            print("columns", about.getColumns(null, "dbo", "facts", "%"), "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE", "DECIMAL_DIGITS");
            print("keys", about.getPrimaryKeys(null, "dbo", "facts"), "COLUMN_NAME");
            print("indexes", about.getIndexInfo(null, "dbo", "facts", false, true), "INDEX_NAME");
            print("foreign keys", about.getImportedKeys(null, "dbo", "facts"), "FK_NAME");
            print("privileges", about.getTablePrivileges(null, "dbo", "facts"), "GRANTEE", "PRIVILEGE");
            print("functions", about.getFunctions(null, "nothing", "%"), "FUNCTION_NAME");
            about.getTypeInfo().close();

            String text = "SELECT id, price, day, zoned, mark, raw, ok, name FROM dbo.facts WHERE id = ? AND price > ? AND day >= ? AND name LIKE ?";
            try (PreparedStatement asked = connection.prepareStatement(text)) {
                for (int round = 0; round < 7; round++) { // from the fifth on the driver has it prepared on the server, and binary values
                    asked.setInt(1, 3);
                    asked.setBigDecimal(2, new java.math.BigDecimal("1.5"));
                    asked.setObject(3, LocalDate.of(2026, 2, 1));
                    asked.setString(4, "name%");
                    ResultSet rows = asked.executeQuery();
                    rows.next();
                    System.out.println(rows.getInt(1) + " " + rows.getBigDecimal(2) + " " + rows.getObject(3, LocalDate.class) + " "
                        + rows.getObject(4, OffsetDateTime.class).toInstant() + " " + rows.getObject(5, UUID.class) + " "
                        + HexFormat.of().formatHex(rows.getBytes(6)) + " " + rows.getBoolean(7) + " " + rows.getString(8));
                    System.out.println(rows.getMetaData().getColumnTypeName(2) + " " + rows.getMetaData().getTableName(2) + " " + rows.next());
                }
            }
            connection.setAutoCommit(false);
            connection.setReadOnly(true);
            try (Statement batches = connection.createStatement()) {
                batches.setFetchSize(10);
                ResultSet rows = batches.executeQuery("SELECT id FROM dbo.facts ORDER BY id");
                int count = 0;
                while (rows.next()) count++;
                System.out.println(count + " rows by tens");
            }
            connection.commit();
            connection.setAutoCommit(true);
            try (Statement late = connection.createStatement()) {
                late.setQueryTimeout(1);
                late.executeQuery("SELECT count(*) FROM tpch.sf100.lineitem WHERE comment LIKE '%never%'");
            } catch (SQLException error) {
                System.out.println(error.getSQLState() + " " + error.getMessage().lines().findFirst().get());
            }
            try (Statement wrong = connection.createStatement()) {
                wrong.executeQuery("SELECT nope FROM dbo.facts");
            } catch (SQLException error) {
                System.out.println(error.getSQLState() + " " + error.getMessage().lines().findFirst().get());
            }
            System.out.println(connection.isValid(5));
        }
    }

    static void print(String title, ResultSet rows, String... columns) throws SQLException {
        while (rows.next()) {
            List<String> values = new ArrayList<>();
            for (String column : columns) values.add(rows.getString(column));
            System.out.println(title + ": " + String.join(" ", values.stream().map(String::valueOf).toList()));
        }
        rows.close();
    }
}
