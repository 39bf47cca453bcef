package dev.bdc.trino.postgresql;

import static io.trino.spi.StandardErrorCode.NUMERIC_VALUE_OUT_OF_RANGE;
import static io.trino.spi.type.DecimalType.createDecimalType;

import com.google.inject.Inject;
import io.trino.plugin.base.mapping.IdentifierMapping;
import io.trino.plugin.jdbc.BaseJdbcConfig;
import io.trino.plugin.jdbc.BooleanReadFunction;
import io.trino.plugin.jdbc.ColumnMapping;
import io.trino.plugin.jdbc.ConnectionFactory;
import io.trino.plugin.jdbc.DoubleReadFunction;
import io.trino.plugin.jdbc.JdbcStatisticsConfig;
import io.trino.plugin.jdbc.JdbcTypeHandle;
import io.trino.plugin.jdbc.LongReadFunction;
import io.trino.plugin.jdbc.ObjectReadFunction;
import io.trino.plugin.jdbc.QueryBuilder;
import io.trino.plugin.jdbc.ReadFunction;
import io.trino.plugin.jdbc.SliceReadFunction;
import io.trino.plugin.jdbc.StandardColumnMappings;
import io.trino.plugin.jdbc.logging.RemoteQueryModifier;
import io.trino.plugin.postgresql.PostgreSqlClient;
import io.trino.plugin.postgresql.PostgreSqlConfig;
import io.trino.spi.TrinoException;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.type.Decimals;
import io.trino.spi.type.TimestampType;
import io.trino.spi.type.TypeManager;
import java.math.RoundingMode;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.time.LocalDateTime;
import java.util.Optional;
import java.util.Set;

/**
 * Trino's client of PostgreSQL, less what it gets wrong (476, with the driver 42.7.6). A bit(8) is no boolean, a timetz no time, and a numeric[]
 * has fractions: they are text, as PostgreSQL writes it. A domain is what it is of, not text, which would be sorted as such. A numeric(5,-2),
 * whose scale the driver gives as 2046, and a numeric(3,5) don't hide their whole table. What a column's type can't have (NaN, more digits,
 * infinity, 24:00, a list of lists) fails with the column and the value.
 */
public final class WholePostgreSqlClient extends PostgreSqlClient {
    private static final Set<String> AS_TEXT = Set.of("bit", "timetz", "_numeric", "_bit", "_timetz", "_time", "_money");
    private static final int SCALES = 2048; // PostgreSQL keeps a scale in eleven bits, of which one is its sign
    private static final int SHOWN = 60;

    @Inject
    public WholePostgreSqlClient(
            BaseJdbcConfig config, PostgreSqlConfig own, JdbcStatisticsConfig statistics, ConnectionFactory connections, QueryBuilder queries,
            TypeManager types, IdentifierMapping names, RemoteQueryModifier modifier) {
        super(config, own, statistics, connections, queries, types, names, modifier);
    }

    @Override
    public Optional<ColumnMapping> toColumnMapping(ConnectorSession session, Connection connection, JdbcTypeHandle type) {
        return mapping(session, connection, type).map(WholePostgreSqlClient::named);
    }

    private Optional<ColumnMapping> mapping(ConnectorSession session, Connection connection, JdbcTypeHandle type) {
        String name = type.jdbcTypeName().orElse("");
        if (AS_TEXT.contains(name)) {
            return mapToUnboundedVarchar(type);
        }
        if (type.jdbcType() == Types.DISTINCT) {
            return toColumnMapping(session, connection, base(connection, type));
        }
        if (type.jdbcType() == Types.NUMERIC && type.columnSize().orElse(0) > 0) {
            int digits = type.requiredColumnSize();
            int scale = type.decimalDigits().orElse(0);
            int signed = scale >= SCALES / 2 ? scale - SCALES : scale;
            int whole = signed < 0 ? digits - signed : Math.max(digits, signed);
            if ((signed < 0 || signed > digits) && whole <= Decimals.MAX_PRECISION) {
                return Optional.of(StandardColumnMappings.decimalColumnMapping(createDecimalType(whole, Math.max(signed, 0)), RoundingMode.UNNECESSARY));
            }
        }
        Optional<ColumnMapping> found = super.toColumnMapping(session, connection, type);
        return switch (name) {
            case "time" -> found.map(WholePostgreSqlClient::withoutMidnight);
            case "timestamp" -> found.map(WholePostgreSqlClient::finite);
            default -> found;
        };
    }

    /** What a domain is of: the server says so of a query's column. */
    private static JdbcTypeHandle base(Connection connection, JdbcTypeHandle domain) {
        String name = domain.jdbcTypeName().orElseThrow();
        try (PreparedStatement written = connection.prepareStatement("SELECT format_type(CAST(CAST(? AS regtype) AS oid), NULL)")) {
            written.setString(1, name.startsWith("\"") ? name : '"' + name.replace("\"", "\"\"") + '"');
            try (ResultSet row = written.executeQuery()) {
                row.next();
                try (PreparedStatement asked = connection.prepareStatement("SELECT CAST(NULL AS " + row.getString(1) + ")")) {
                    ResultSetMetaData seen = asked.getMetaData();
                    return new JdbcTypeHandle(seen.getColumnType(1), Optional.of(seen.getColumnTypeName(1)), Optional.of(seen.getPrecision(1)),
                        Optional.of(seen.getScale(1)), Optional.empty(), domain.caseSensitivity());
                }
            }
        } catch (SQLException error) {
            throw new TrinoException(io.trino.plugin.jdbc.JdbcErrorCode.JDBC_ERROR, "the domain " + name + " can't be looked up", error);
        }
    }

    /** Trino reads 24:00 as a microsecond before, or as 0:00 of the same day. */
    private static ColumnMapping withoutMidnight(ColumnMapping mapping) {
        LongReadFunction read = (LongReadFunction) mapping.getReadFunction();
        LongReadFunction checked = (row, column) -> {
            if (row.getString(column).startsWith("24:")) {
                throw new ArithmeticException("there is no 24:00");
            }
            return read.readLong(row, column);
        };
        return ColumnMapping.mapping(mapping.getType(), checked, mapping.getWriteFunction(), mapping.getPredicatePushdownController());
    }

    /** Infinity would overflow to a time of the year 171978, or before. */
    private static ColumnMapping finite(ColumnMapping mapping) {
        LongReadFunction read = (LongReadFunction) mapping.getReadFunction();
        TimestampType type = (TimestampType) mapping.getType();
        return ColumnMapping.mapping(type, new LongReadFunction() {
            @Override
            public boolean isNull(ResultSet row, int column) throws SQLException {
                return read.isNull(row, column);
            }

            @Override
            public long readLong(ResultSet row, int column) throws SQLException {
                LocalDateTime time = row.getObject(column, LocalDateTime.class);
                if (time.equals(LocalDateTime.MAX) || time.equals(LocalDateTime.MIN)) { // the driver's infinity
                    throw new ArithmeticException("infinity");
                }
                return StandardColumnMappings.toTrinoTimestamp(type, time);
            }
        }, mapping.getWriteFunction(), mapping.getPredicatePushdownController());
    }

    /** A mapping whose errors name the column and the value. */
    private static ColumnMapping named(ColumnMapping mapping) {
        String type = mapping.getType().getDisplayName();
        ReadFunction read = switch (mapping.getReadFunction()) {
            case LongReadFunction one -> new NamedLong(one, type);
            case DoubleReadFunction one -> one;
            case BooleanReadFunction one -> one;
            case SliceReadFunction one -> one;
            case ObjectReadFunction one -> new NamedObject(one, type);
            default -> mapping.getReadFunction();
        };
        return ColumnMapping.mapping(mapping.getType(), read, mapping.getWriteFunction(), mapping.getPredicatePushdownController());
    }

    private record NamedLong(LongReadFunction read, String type) implements LongReadFunction {
        @Override
        public boolean isNull(ResultSet row, int column) throws SQLException {
            return asked(row, column, type, () -> read.isNull(row, column));
        }

        @Override
        public long readLong(ResultSet row, int column) throws SQLException {
            return asked(row, column, type, () -> type.equals("date") ? Math.toIntExact(read.readLong(row, column)) : read.readLong(row, column));
        }
    }

    private record NamedObject(ObjectReadFunction read, String type) implements ObjectReadFunction {
        @Override
        public Class<?> getJavaType() {
            return read.getJavaType();
        }

        @Override
        public boolean isNull(ResultSet row, int column) throws SQLException {
            return asked(row, column, type, () -> read.isNull(row, column));
        }

        @Override
        public Object readObject(ResultSet row, int column) throws SQLException {
            return asked(row, column, type, () -> read.readObject(row, column));
        }
    }

    private interface Question<T> {
        T ask() throws SQLException;
    }

    private static <T> T asked(ResultSet row, int column, String type, Question<T> question) throws SQLException {
        try {
            return question.ask();
        } catch (TrinoException told) {
            throw type.startsWith("array(") ? unfit(row, column, type, told) : told; // an element has no name
        } catch (RuntimeException misfit) {
            throw unfit(row, column, type, misfit);
        } catch (SQLException error) {
            String state = error.getSQLState();
            if (state != null && (state.startsWith("22") || state.startsWith("07"))) { // of the value, not of the connection
                throw unfit(row, column, type, error);
            }
            throw error;
        }
    }

    private static TrinoException unfit(ResultSet row, int column, String type, Exception cause) throws SQLException {
        String value = String.valueOf(row.getString(column));
        String shown = value.length() > SHOWN ? value.substring(0, SHOWN) + "..." : value;
        return new TrinoException(NUMERIC_VALUE_OUT_OF_RANGE,
            "the column " + row.getMetaData().getColumnLabel(column) + " has " + shown + ", which is no " + type + " here", cause);
    }
}
