package dev.bdc.spark;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.sql.Connection;
import java.sql.Date;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

import org.apache.spark.sql.catalyst.util.DateTimeUtils;
import org.apache.spark.sql.types.DecimalType;

/**
 * A connection to PostgreSQL whose rows have numbers and times that Spark takes as they are: it rounds a decimal, has infinity as a day of its own
 * and shifts days that the calendar of java.sql lacks (5 to 14 October 1582). What Spark's type can't be fails with the column and the value.
 */
final class ExactRows {
    static final int SHOWN = 60;
    static final String REMEDY = "; a view in the master that casts it, such as to text, can be read";
    private static final long MICROS = 1_000_000;
    private static final LocalDate REFORM = LocalDate.of(1582, 10, 15);

    private ExactRows() {
    }

    static Connection of(Connection plain) {
        return over(Connection.class, plain, (method, given) ->
            method.equals("prepareStatement") && given instanceof PreparedStatement statement ? statement(statement) : given);
    }

    private static PreparedStatement statement(PreparedStatement plain) {
        return over(PreparedStatement.class, plain, (method, given) -> method.equals("executeQuery") ? rows((ResultSet) given) : given);
    }

    private static ResultSet rows(ResultSet rows) throws SQLException {
        return proxy(ResultSet.class, new Rows(rows));
    }

    /** What is known of the columns is asked once, not for each value. */
    private static final class Rows implements InvocationHandler {
        private final ResultSet rows;
        private final String[] labels;
        private final boolean[] instants;

        Rows(ResultSet rows) throws SQLException {
            this.rows = rows;
            ResultSetMetaData columns = rows.getMetaData();
            labels = new String[columns.getColumnCount() + 1];
            instants = new boolean[labels.length];
            for (int column = 1; column < labels.length; column++) {
                labels[column] = columns.getColumnLabel(column);
                instants[column] = columns.getColumnTypeName(column).equals("timestamptz");
            }
        }

        @Override
        public Object invoke(Object self, Method method, Object[] arguments) throws Throwable {
            boolean numbered = arguments != null && arguments.length == 1 && arguments[0] instanceof Integer;
            return switch (numbered ? method.getName() : "") {
                case "getBigDecimal" -> number((Integer) arguments[0]);
                case "getDate" -> asked((Integer) arguments[0], "date", ExactRows::day);
                case "getTimestamp" -> time((Integer) arguments[0]);
                default -> ExactRows.invoke(method, rows, arguments);
            };
        }

        private BigDecimal number(int column) throws SQLException {
            BigDecimal found = asked(column, "decimal", ResultSet::getBigDecimal);
            return found == null ? null : new Exact(found, labels[column]);
        }

        private Timestamp time(int column) throws SQLException {
            return instants[column] ? asked(column, "timestamp", ExactRows::instant) : asked(column, "timestamp_ntz", ExactRows::local);
        }

        private <T> T asked(int column, String type, Question<T> question) throws SQLException {
            Exception cause;
            try {
                return question.ask(rows, column);
            } catch (RuntimeException misfit) {
                cause = misfit;
            } catch (SQLException error) {
                String state = error.getSQLState();
                if (state == null || !state.startsWith("22") && !state.startsWith("07")) { // of the connection, not of the value
                    throw error;
                }
                cause = error;
            }
            throw new SQLException(unfit(labels[column], rows.getString(column), type), "22003", cause);
        }
    }

    private interface Question<T> {
        T ask(ResultSet rows, int column) throws SQLException;
    }

    private static Date day(ResultSet rows, int column) throws SQLException {
        LocalDate day = rows.getObject(column, LocalDate.class);
        if (day == null) {
            return null;
        }
        int days = Math.toIntExact(day.toEpochDay()); // infinity is the driver's LocalDate.MAX, which has more
        Date date = DateTimeUtils.toJavaDate(days);
        return same(date, day.isAfter(REFORM) || DateTimeUtils.fromJavaDate(date) == days);
    }

    private static Timestamp instant(ResultSet rows, int column) throws SQLException {
        OffsetDateTime time = rows.getObject(column, OffsetDateTime.class);
        if (time == null) {
            return null;
        }
        long micros = Math.addExact(Math.multiplyExact(time.toEpochSecond(), MICROS), time.getNano() / 1000);
        Timestamp found = DateTimeUtils.toJavaTimestamp(micros);
        return same(found, time.toLocalDate().isAfter(REFORM) || DateTimeUtils.fromJavaTimestamp(found) == micros);
    }

    private static Timestamp local(ResultSet rows, int column) throws SQLException {
        LocalDateTime time = rows.getObject(column, LocalDateTime.class);
        if (time == null) {
            return null;
        }
        Math.multiplyExact(time.toEpochSecond(ZoneOffset.UTC), MICROS); // as many as Spark has
        Timestamp found = Timestamp.valueOf(time);
        return same(found, found.toLocalDateTime().equals(time));
    }

    private static <T> T same(T value, boolean read) {
        if (!read) {
            throw new ArithmeticException("Spark would read another day");
        }
        return value;
    }

    /** A number that isn't rounded. It has more digits behind the point than Spark's decimals, as Spark keeps one that has as many as it is. */
    private static final class Exact extends BigDecimal {
        private static final long serialVersionUID = 1;
        private final String column;

        Exact(BigDecimal number, String column) {
            this(number.setScale(Math.max(number.scale(), DecimalType.MAX_SCALE() + 1)), number, column);
        }

        private Exact(BigDecimal wide, BigDecimal number, String column) {
            super(wide.unscaledValue(), wide.scale());
            this.column = column;
        }

        @Override
        public BigDecimal setScale(int scale, RoundingMode mode) {
            BigDecimal found;
            try {
                found = new BigDecimal(unscaledValue(), scale()).setScale(scale, RoundingMode.UNNECESSARY);
            } catch (ArithmeticException rounded) {
                throw refused(scale);
            }
            if (found.precision() > DecimalType.MAX_PRECISION()) {
                throw refused(scale);
            }
            return found;
        }

        private ArithmeticException refused(int scale) {
            String type = "decimal(" + DecimalType.MAX_PRECISION() + "," + scale + ")";
            return new ArithmeticException(unfit(column, stripTrailingZeros().toPlainString(), type));
        }
    }

    private static String unfit(String column, String value, String type) {
        String shown = value.length() > SHOWN ? value.substring(0, SHOWN) + "..." : value;
        return "the column " + column + " has " + shown + ", which is no " + type + " in Spark" + REMEDY;
    }

    private interface Given {
        Object of(String method, Object given) throws SQLException;
    }

    private static <T> T over(Class<T> type, T plain, Given given) {
        return proxy(type, (self, method, arguments) -> given.of(method.getName(), invoke(method, plain, arguments)));
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(ExactRows.class.getClassLoader(), new Class<?>[] {type}, handler));
    }

    private static Object invoke(Method method, Object plain, Object[] arguments) throws Throwable {
        try {
            return method.invoke(plain, arguments);
        } catch (InvocationTargetException thrown) {
            throw thrown.getCause();
        }
    }
}
