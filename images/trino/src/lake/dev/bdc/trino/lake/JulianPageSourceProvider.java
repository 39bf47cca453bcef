package dev.bdc.trino.lake;

import static io.trino.spi.type.DateType.DATE;

import dev.bdc.trino.text.Failures;
import io.trino.plugin.hive.HiveColumnHandle;
import io.trino.plugin.hive.HiveSplit;
import io.trino.plugin.hive.HiveTableHandle;
import io.trino.spi.connector.ColumnHandle;
import io.trino.spi.connector.Connector;
import io.trino.spi.connector.ConnectorPageSource;
import io.trino.spi.connector.ConnectorPageSourceProvider;
import io.trino.spi.connector.ConnectorPageSourceProviderFactory;
import io.trino.spi.connector.ConnectorSession;
import io.trino.spi.connector.ConnectorSplit;
import io.trino.spi.connector.ConnectorTableHandle;
import io.trino.spi.connector.ConnectorTransactionHandle;
import io.trino.spi.connector.DynamicFilter;
import io.trino.spi.predicate.Domain;
import io.trino.spi.predicate.TupleDomain;
import io.trino.spi.type.TimestampType;
import io.trino.spi.type.TimestampWithTimeZoneType;
import io.trino.spi.type.Type;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Reads days before 15 October 1582 as they were written. Some writers of ORC and Parquet count them in the calendar of that time (Julian),
 * and say so in the file; Trino 476 reads all in today's (Gregorian, which it prolongs), up to ten days off.
 *
 * <p>What is asked of such a column is only handed to the file where it is of later days, which both calendars have the same.
 */
record JulianPageSourceProvider(ConnectorPageSourceProvider sources, FolderMetastore folders) implements ConnectorPageSourceProvider {
    private static final JulianFiles.Julian NOTHING = new JulianFiles.Julian(false, false);

    /** A connector of folders, with these sources. */
    static Connector over(Connector connector, FolderMetastore folders) {
        ConnectorPageSourceProvider sources = new JulianPageSourceProvider(connector.getPageSourceProvider(), folders);
        return (Connector) Proxy.newProxyInstance(JulianPageSourceProvider.class.getClassLoader(), new Class<?>[] {Connector.class}, (proxy, method, arguments) -> {
            if (method.getName().equals("getPageSourceProvider")) {
                return sources;
            }
            if (method.getName().equals("getPageSourceProviderFactory")) { // whom Trino asks
                return (ConnectorPageSourceProviderFactory) () -> sources;
            }
            try {
                return method.invoke(connector, arguments);
            } catch (InvocationTargetException failed) {
                throw failed.getCause();
            }
        });
    }

    @Override
    public ConnectorPageSource createPageSource(
            ConnectorTransactionHandle transaction, ConnectorSession session, ConnectorSplit split, ConnectorTableHandle handle,
            List<ColumnHandle> columns, DynamicFilter filter) {
        HiveTableHandle table = (HiveTableHandle) handle;
        boolean dated = columns.stream().anyMatch(JulianPageSourceProvider::dated)
            || table.getCompactEffectivePredicate().getDomains().stream().flatMap(one -> one.keySet().stream()).anyMatch(JulianPageSourceProvider::dated)
            || filter.getColumnsCovered().stream().anyMatch(JulianPageSourceProvider::dated);
        JulianFiles.Julian julian = dated ? julian(table.getSchemaName(), (HiveSplit) split) : NOTHING;
        if (julian.none()) {
            return sources.createPageSource(transaction, session, split, handle, columns, filter);
        }
        ConnectorPageSource source = sources.createPageSource(transaction, session, split, relaxed(table), columns, new Relaxed(filter));
        return new JulianPageSource(source, columns.stream().map(one -> dated(one) ? Optional.of(((HiveColumnHandle) one).getType()) : Optional.<Type>empty()).toList(), julian);
    }

    private JulianFiles.Julian julian(String format, HiveSplit split) {
        try {
            return JulianFiles.of(format, folders.file(split.getPath()), split.getFileModifiedTime());
        } catch (IOException error) {
            throw Failures.failed(split.getPath(), error);
        }
    }

    /** Whether a column is of a file and has days in it. */
    private static boolean dated(ColumnHandle column) {
        return column instanceof HiveColumnHandle one && !one.isPartitionKey() && !one.isHidden() && dated(one.getType());
    }

    private static boolean dated(Type type) {
        return type == DATE || type instanceof TimestampType || type instanceof TimestampWithTimeZoneType
            || type.getTypeParameters().stream().anyMatch(JulianPageSourceProvider::dated);
    }

    private static HiveTableHandle relaxed(HiveTableHandle table) {
        return new HiveTableHandle(
            table.getSchemaName(), table.getTableName(), table.getTableParameters(), table.getPartitionColumns(), table.getDataColumns(),
            table.getPartitionNames(), table.getPartitions(), table.getCompactEffectivePredicate().filter(JulianPageSourceProvider::same),
            table.getEnforcedConstraint(), table.getTablePartitioning(), table.getBucketFilter(), table.getAnalyzePartitionValues(),
            table.getConstraintColumns(), table.getProjectedColumns(), table.getTransaction(), table.isRecordScannedFiles(),
            table.getMaxScannedFileSize());
    }

    /** Whether a condition means the same in both calendars: it is of no column with days, or of days from 15 October 1582 on. */
    private static boolean same(ColumnHandle column, Domain domain) {
        if (!dated(column)) {
            return true;
        }
        if (!domain.getType().isOrderable() || domain.getValues().isAll()) {
            return false;
        }
        if (domain.getValues().isNone()) {
            return true;
        }
        return domain.getValues().getRanges().getSpan().getLowValue().filter(low -> JulianPageSource.late(domain.getType(), low)).isPresent();
    }

    /** A dynamic filter as far as it means the same in both calendars. */
    private record Relaxed(DynamicFilter filter) implements DynamicFilter {
        @Override
        public Set<ColumnHandle> getColumnsCovered() {
            return filter.getColumnsCovered();
        }

        @Override
        public CompletableFuture<?> isBlocked() {
            return filter.isBlocked();
        }

        @Override
        public boolean isComplete() {
            return filter.isComplete();
        }

        @Override
        public boolean isAwaitable() {
            return filter.isAwaitable();
        }

        @Override
        public TupleDomain<ColumnHandle> getCurrentPredicate() {
            return filter.getCurrentPredicate().filter(JulianPageSourceProvider::same);
        }
    }
}
