package dev.bdc.trino.jdbc;

import static io.trino.plugin.jdbc.PredicatePushdownController.DISABLE_PUSHDOWN;
import static io.trino.plugin.jdbc.StandardColumnMappings.bigintColumnMapping;
import static io.trino.plugin.jdbc.StandardColumnMappings.booleanColumnMapping;
import static io.trino.plugin.jdbc.StandardColumnMappings.dateColumnMappingUsingLocalDate;
import static io.trino.plugin.jdbc.StandardColumnMappings.decimalColumnMapping;
import static io.trino.plugin.jdbc.StandardColumnMappings.defaultCharColumnMapping;
import static io.trino.plugin.jdbc.StandardColumnMappings.defaultVarcharColumnMapping;
import static io.trino.plugin.jdbc.StandardColumnMappings.doubleColumnMapping;
import static io.trino.plugin.jdbc.StandardColumnMappings.integerColumnMapping;
import static io.trino.plugin.jdbc.StandardColumnMappings.realColumnMapping;
import static io.trino.plugin.jdbc.StandardColumnMappings.smallintColumnMapping;
import static io.trino.plugin.jdbc.StandardColumnMappings.timeColumnMapping;
import static io.trino.plugin.jdbc.StandardColumnMappings.timestampColumnMapping;
import static io.trino.plugin.jdbc.StandardColumnMappings.varbinaryColumnMapping;
import static io.trino.plugin.jdbc.TypeHandlingJdbcSessionProperties.getUnsupportedTypeHandling;
import static io.trino.plugin.jdbc.UnsupportedTypeHandling.CONVERT_TO_VARCHAR;
import static io.trino.spi.StandardErrorCode.NOT_SUPPORTED;
import static io.trino.spi.type.DecimalType.createDecimalType;
import static io.trino.spi.type.TimeType.createTimeType;
import static io.trino.spi.type.TimestampType.createTimestampType;
import static io.trino.spi.type.TimestampWithTimeZoneType.createTimestampWithTimeZoneType;

import com.google.inject.Inject;
import io.trino.plugin.base.aggregation.AggregateFunctionRewriter;
import io.trino.plugin.base.expression.ConnectorExpressionRewriter;
import io.trino.plugin.base.mapping.IdentifierMapping;
import io.trino.plugin.jdbc.BaseJdbcClient;
import io.trino.plugin.jdbc.BaseJdbcConfig;
import io.trino.plugin.jdbc.ColumnMapping;
import io.trino.plugin.jdbc.ConnectionFactory;
import io.trino.plugin.jdbc.JdbcExpression;
import io.trino.plugin.jdbc.JdbcTableHandle;
import io.trino.plugin.jdbc.JdbcTypeHandle;
import io.trino.plugin.jdbc.ObjectReadFunction;
import io.trino.plugin.jdbc.ObjectWriteFunction;
import io.trino.plugin.jdbc.QueryBuilder;
import io.trino.plugin.jdbc.WriteMapping;
import io.trino.plugin.jdbc.aggregation.ImplementCount;
import io.trino.plugin.jdbc.aggregation.ImplementCountAll;
import io.trino.plugin.jdbc.aggregation.ImplementMinMax;
import io.trino.plugin.jdbc.aggregation.ImplementSum;
import io.trino.plugin.jdbc.expression.JdbcConnectorExpressionRewriterBuilder;
import io.trino.plugin.jdbc.expression.ParameterizedExpression;
import io.trino.plugin.jdbc.logging.RemoteQueryModifier;
import io.trino.spi.TrinoException;
import io.trino.spi.connector.AggregateFunction;
import io.trino.spi.connector.ColumnHandle;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.type.DecimalType;
import io.trino.spi.type.Decimals;
import io.trino.spi.type.LongTimestampWithTimeZone;
import io.trino.spi.type.TimeZoneKey;
import io.trino.spi.type.Type;
import java.sql.Connection;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * A database of which nothing is known but that it speaks SQL and JDBC. It reads. What is handed to the source is what means the same
 * everywhere: comparisons of numbers and times, equality of texts (looked at again, as sources may disregard case or blanks), and counts,
 * sums, least and greatest of numbers and times.
 */
public final class GenericJdbcClient extends BaseJdbcClient {
    private static final int MICROSECONDS = 6;
    private static final int NANOSECONDS = 9;
    private static final int PICOS_OF_NANO = 1000;
    private static final int NANOS_OF_MICRO = 1000;
    private static final List<String> TABLES = List.of(
            "TABLE", "BASE TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "PARTITIONED TABLE", "ALIAS", "SYNONYM", "NICKNAME");
    /** Those whose FETCH FIRST is the standard's. */
    private static final Set<String> FETCH_FIRST = Set.of("db2", "derby", "h2", "hsqldb", "firebirdsql");

    private static final JdbcTypeHandle BIGINT = new JdbcTypeHandle(
            Types.BIGINT, Optional.of("bigint"), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

    private final String product;
    private final AggregateFunctionRewriter<JdbcExpression, ?> aggregates;

    @Inject
    public GenericJdbcClient(
            BaseJdbcConfig config, ConnectionFactory connections, QueryBuilder queries, IdentifierMapping names, RemoteQueryModifier modifier) {
        super("\"", connections, queries, config.getJdbcTypesMappedToVarchar(), names, modifier, false);
        product = config.getConnectionUrl().split(":")[1];
        ConnectorExpressionRewriter<ParameterizedExpression> expressions =
                JdbcConnectorExpressionRewriterBuilder.newBuilder().addStandardRules(this::quoted).build();
        aggregates = new AggregateFunctionRewriter<>(expressions, Set.of(
                new ImplementCountAll(BIGINT),
                new ImplementCount(BIGINT),
                new ImplementMinMax(false),
                new ImplementSum(GenericJdbcClient::decimal)));
    }

    @Override
    public Optional<JdbcExpression> implementAggregation(
            ConnectorSession session, AggregateFunction aggregate, Map<String, ColumnHandle> assignments) {
        return aggregates.rewrite(session, aggregate, assignments);
    }

    /** Sources may take texts for equal that aren't. */
    @Override
    public boolean supportsAggregationPushdown(
            ConnectorSession session,
            JdbcTableHandle table,
            List<AggregateFunction> functions,
            Map<String, ColumnHandle> assignments,
            List<List<ColumnHandle>> groups) {
        return preventTextualTypeAggregationPushdown(groups);
    }

    private static Optional<JdbcTypeHandle> decimal(DecimalType type) {
        return Optional.of(new JdbcTypeHandle(
                Types.DECIMAL, Optional.of("decimal"), Optional.of(type.getPrecision()), Optional.of(type.getScale()), Optional.empty(),
                Optional.empty()));
    }

    @Override
    protected Optional<List<String>> getTableTypes() {
        return Optional.of(TABLES);
    }

    @Override
    protected Optional<BiFunction<String, Long, String>> limitFunction() {
        return FETCH_FIRST.contains(product) ? Optional.of((sql, limit) -> sql + " FETCH FIRST " + limit + " ROWS ONLY") : Optional.empty();
    }

    @Override
    public boolean isLimitGuaranteed(ConnectorSession session) {
        return true;
    }

    @Override
    public Optional<ColumnMapping> toColumnMapping(ConnectorSession session, Connection connection, JdbcTypeHandle type) {
        Optional<ColumnMapping> forced = getForcedMappingToVarchar(type);
        if (forced.isPresent()) {
            return forced;
        }
        Optional<ColumnMapping> known = standard(type);
        if (known.isEmpty() && getUnsupportedTypeHandling(session) == CONVERT_TO_VARCHAR) {
            return mapToUnboundedVarchar(type);
        }
        return known;
    }

    private static Optional<ColumnMapping> standard(JdbcTypeHandle type) {
        if (type.jdbcTypeName().filter("uuid"::equalsIgnoreCase).isPresent()) {
            return Optional.empty(); // bytes to some drivers; as text it is one to everybody
        }
        int size = type.columnSize().orElse(0);
        int digits = type.decimalDigits().orElse(0);
        return switch (type.jdbcType()) {
            case Types.BIT, Types.BOOLEAN -> Optional.of(booleanColumnMapping());
            case Types.TINYINT, Types.SMALLINT -> Optional.of(smallintColumnMapping()); // a tinyint may be one without a sign
            case Types.INTEGER -> Optional.of(integerColumnMapping());
            case Types.BIGINT -> Optional.of(bigintColumnMapping());
            case Types.REAL -> Optional.of(realColumnMapping());
            case Types.FLOAT, Types.DOUBLE -> Optional.of(doubleColumnMapping());
            case Types.NUMERIC, Types.DECIMAL -> size > 0 && size <= Decimals.MAX_PRECISION && digits >= 0 && digits <= size
                    ? Optional.of(decimalColumnMapping(createDecimalType(size, digits)))
                    : Optional.empty();
            case Types.CHAR, Types.NCHAR -> Optional.of(defaultCharColumnMapping(Math.max(size, 1), false));
            case Types.VARCHAR, Types.NVARCHAR, Types.LONGVARCHAR, Types.LONGNVARCHAR, Types.CLOB, Types.NCLOB ->
                    Optional.of(defaultVarcharColumnMapping(size > 0 ? size : Integer.MAX_VALUE, false));
            case Types.BINARY, Types.VARBINARY, Types.LONGVARBINARY, Types.BLOB -> Optional.of(varbinaryColumnMapping());
            case Types.DATE -> Optional.of(dateColumnMappingUsingLocalDate());
            case Types.TIME -> Optional.of(timeColumnMapping(createTimeType(Math.clamp(digits, 0, NANOSECONDS))));
            case Types.TIMESTAMP -> Optional.of(timestampColumnMapping(createTimestampType(Math.clamp(digits, 0, NANOSECONDS))));
            case Types.TIMESTAMP_WITH_TIMEZONE -> Optional.of(instant());
            default -> Optional.empty();
        };
    }

    private static ColumnMapping instant() {
        return ColumnMapping.objectMapping(
                createTimestampWithTimeZoneType(MICROSECONDS),
                ObjectReadFunction.of(LongTimestampWithTimeZone.class, (row, index) -> {
                    OffsetDateTime time = row.getObject(index, OffsetDateTime.class);
                    int picos = time.getNano() / NANOS_OF_MICRO * NANOS_OF_MICRO * PICOS_OF_NANO;
                    return LongTimestampWithTimeZone.fromEpochSecondsAndFraction(time.toEpochSecond(), picos, TimeZoneKey.UTC_KEY);
                }),
                ObjectWriteFunction.of(LongTimestampWithTimeZone.class, (statement, index, value) -> {
                    throw new TrinoException(NOT_SUPPORTED, "times with a zone aren't handed to the source");
                }),
                DISABLE_PUSHDOWN);
    }

    @Override
    public WriteMapping toWriteMapping(ConnectorSession session, Type type) {
        throw new TrinoException(NOT_SUPPORTED, "sources of the generic JDBC connector are read only");
    }
}
