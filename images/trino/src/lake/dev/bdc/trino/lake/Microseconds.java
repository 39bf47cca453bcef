package dev.bdc.trino.lake;

import static io.trino.spi.type.TimeZoneKey.UTC_KEY;
import static io.trino.spi.type.TimestampWithTimeZoneType.TIMESTAMP_TZ_MICROS;
import static io.trino.spi.type.TimestampWithTimeZoneType.TIMESTAMP_TZ_MILLIS;
import static io.trino.spi.type.Timestamps.MICROSECONDS_PER_MILLISECOND;
import static io.trino.spi.type.Timestamps.PICOSECONDS_PER_MICROSECOND;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableMap;
import io.trino.memory.context.AggregatedMemoryContext;
import io.trino.metastore.HiveType;
import io.trino.metastore.type.TypeInfo;
import io.trino.parquet.PrimitiveField;
import io.trino.parquet.reader.ColumnChunk;
import io.trino.parquet.reader.ColumnReader;
import io.trino.parquet.reader.ColumnReaderFactory;
import io.trino.parquet.reader.FilteredRowRanges;
import io.trino.parquet.reader.PageReader;
import io.trino.plugin.deltalake.DeltaLakeColumnHandle;
import io.trino.plugin.deltalake.DeltaLakeColumnMetadata;
import io.trino.plugin.deltalake.DeltaLakeErrorCode;
import io.trino.plugin.deltalake.DeltaLakeMetadata;
import io.trino.plugin.deltalake.transactionlog.AddFileEntry;
import io.trino.plugin.deltalake.transactionlog.DeltaLakeSchemaSupport;
import io.trino.plugin.deltalake.transactionlog.DeltaLakeSchemaSupport.ColumnMappingMode;
import io.trino.plugin.deltalake.transactionlog.TransactionLogParser;
import io.trino.plugin.deltalake.transactionlog.checkpoint.CheckpointEntryIterator;
import io.trino.plugin.deltalake.transactionlog.checkpoint.CheckpointWriter;
import io.trino.plugin.deltalake.transactionlog.statistics.DeltaLakeJsonFileStatistics;
import io.trino.plugin.deltalake.transactionlog.statistics.DeltaLakeParquetFileStatistics;
import io.trino.spi.TrinoException;
import io.trino.spi.block.Block;
import io.trino.spi.block.BlockBuilder;
import io.trino.spi.block.RowBlockBuilder;
import io.trino.spi.block.SqlRow;
import io.trino.spi.type.DateTimeEncoding;
import io.trino.spi.type.LongTimestampWithTimeZone;
import io.trino.spi.type.RowType;
import io.trino.spi.type.TimestampType;
import io.trino.spi.type.TimestampWithTimeZoneType;
import io.trino.spi.type.Type;
import io.trino.spi.type.TypeManager;
import io.trino.spi.type.TypeOperators;
import io.trino.spi.type.TypeUtils;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.apache.parquet.column.statistics.LongStatistics;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;

/**
 * Delta's TIMESTAMP has microseconds (PROTOCOL.md, Primitive Types), and so it has here.
 *
 * <p>For Trino 476 it is timestamp(3) with time zone, which cuts what it reads, and what it writes again: each UPDATE, DELETE, MERGE and
 * `optimize` took the last three digits of all rows of the files that it rewrote. Here it is timestamp(6) with time zone. A value is no
 * longer one long with its zone but a LongTimestampWithTimeZone, so that all who make or take one are mended: the file mends says which.
 *
 * <p>Statistics of the log stay in milliseconds, as Delta has them: the greatest of a file is cut, so that it counts as the last
 * microsecond of its millisecond.
 */
public final class Microseconds {
    private static final DateTimeFormatter OF_PARTITIONS = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSS");

    /** A year of five digits is nothing that Spark reads; it, too, takes the greatest as the last of its millisecond. */
    private static final Instant LAST = Instant.parse("9999-12-31T23:59:59.999Z");

    private Microseconds() {}

    // ---- the type

    /** Of the schema's types. */
    public static Type typed(TypeManager types, JsonNode node, boolean physical, Type theirs) {
        return theirs.equals(TIMESTAMP_TZ_MILLIS) ? TIMESTAMP_TZ_MICROS : theirs;
    }

    /** A column that is to be made. */
    public static Type made(DeltaLakeMetadata metadata, Type asked, Type theirs) {
        return asked instanceof TimestampWithTimeZoneType ? TIMESTAMP_TZ_MICROS : theirs;
    }

    /** Whether a column can be of a type. */
    public static void check(Type type) {
        DeltaLakeSchemaSupport.serializeColumnType(ColumnMappingMode.NONE, new AtomicInteger(), type);
        if (type instanceof TimestampType time && time.getPrecision() != 6 || type instanceof TimestampWithTimeZoneType zoned && zoned.getPrecision() > 6) {
            throw new TrinoException(DeltaLakeErrorCode.DELTA_LAKE_INVALID_SCHEMA, "Unsupported type: " + type);
        }
    }

    /** The type for the metastore. */
    public static TypeInfo inMetastore(Type type) {
        return type.equals(TIMESTAMP_TZ_MICROS) ? HiveType.HIVE_TIMESTAMP.getTypeInfo() : null;
    }

    // ---- data files

    /** In memory, what is written to a file. */
    public static Type inFiles(TypeOperators operators, Type type) {
        return type.equals(TIMESTAMP_TZ_MICROS) ? type : null;
    }

    /** What makes it of a column: nothing. */
    public static Optional<Function<Block, Block>> coercer(Type type) {
        return type.equals(TIMESTAMP_TZ_MICROS) ? Optional.empty() : null;
    }

    /** In a file, as Spark writes it. */
    public static org.apache.parquet.schema.Type inParquet(String delta, TypeManager types, org.apache.parquet.schema.Type.Repetition repetition,
            String name, OptionalInt id, List<String> parent, ImmutableMap.Builder<List<String>, Type> primitives) {
        if (!delta.equals("timestamp")) {
            return null;
        }
        var type = Types.primitive(PrimitiveTypeName.INT64, repetition).as(LogicalTypeAnnotation.timestampType(true, TimeUnit.MICROS));
        id.ifPresent(type::id);
        List<String> path = new ArrayList<>(parent);
        path.add(name);
        primitives.put(List.copyOf(path), TIMESTAMP_TZ_MICROS);
        return type.named(name);
    }

    /** The least value of a file, for the log. */
    public static Optional<Object> least(Type type, Statistics<?> statistics) {
        return unit(type, statistics).map(unit -> json(instant(unit, ((LongStatistics) statistics).getMin()).truncatedTo(ChronoUnit.MILLIS)))
            .orElse(null);
    }

    /** The greatest value of a file, for the log. */
    public static Optional<Object> greatest(Type type, Statistics<?> statistics) {
        return unit(type, statistics).map(unit -> json(above(instant(unit, ((LongStatistics) statistics).getMax())))).orElse(null);
    }

    private static Instant above(Instant instant) {
        Instant above = instant.plusNanos(999_999).truncatedTo(ChronoUnit.MILLIS);
        return above.isAfter(LAST) ? LAST : above;
    }

    private static Optional<TimeUnit> unit(Type type, Statistics<?> statistics) {
        return type.equals(TIMESTAMP_TZ_MICROS) && statistics instanceof LongStatistics longs && longs.hasNonNullValue()
            && longs.type().getLogicalTypeAnnotation() instanceof TimestampLogicalTypeAnnotation timestamp
            ? Optional.of(timestamp.getUnit()) : Optional.empty();
    }

    private static Instant instant(TimeUnit unit, long value) {
        return Instant.EPOCH.plus(value, unit == TimeUnit.MILLIS ? ChronoUnit.MILLIS : unit == TimeUnit.MICROS ? ChronoUnit.MICROS : ChronoUnit.NANOS);
    }

    private static Optional<Object> json(Instant instant) {
        return Optional.of(DateTimeFormatter.ISO_INSTANT.format(instant));
    }

    /** A column of a file that Trino 476 wrote before, in milliseconds; the reader has no way to this type. */
    public static ColumnReader reading(ColumnReaderFactory readers, PrimitiveField field, AggregatedMemoryContext memory) {
        PrimitiveType type = field.getDescriptor().getPrimitiveType();
        if (!field.getType().equals(TIMESTAMP_TZ_MICROS) || type.getPrimitiveTypeName() != PrimitiveTypeName.INT64
                || !(type.getLogicalTypeAnnotation() instanceof TimestampLogicalTypeAnnotation timestamp) || timestamp.getUnit() != TimeUnit.MILLIS) {
            return null;
        }
        PrimitiveField millis = new PrimitiveField(TIMESTAMP_TZ_MILLIS, field.isRequired(), field.getDescriptor(), field.getId());
        return new InMilliseconds(readers.create(millis, memory));
    }

    private record InMilliseconds(ColumnReader millis) implements ColumnReader {
        @Override
        public boolean hasPageReader() {
            return millis.hasPageReader();
        }

        @Override
        public void setPageReader(PageReader reader, Optional<FilteredRowRanges> rows) {
            millis.setPageReader(reader, rows);
        }

        @Override
        public void prepareNextRead(int rows) {
            millis.prepareNextRead(rows);
        }

        @Override
        public ColumnChunk readPrimitive() {
            ColumnChunk read = millis.readPrimitive();
            return new ColumnChunk(inMicroseconds(read.getBlock()), read.getDefinitionLevels(), read.getRepetitionLevels());
        }

        private static Block inMicroseconds(Block block) {
            BlockBuilder builder = TIMESTAMP_TZ_MICROS.createFixedSizeBlockBuilder(block.getPositionCount());
            for (int at = 0; at < block.getPositionCount(); at++) {
                if (block.isNull(at)) {
                    builder.appendNull();
                } else {
                    TIMESTAMP_TZ_MICROS.writeObject(builder, widened(TIMESTAMP_TZ_MILLIS.getLong(block, at)));
                }
            }
            return builder.build();
        }
    }

    // ---- statistics

    /** A value of the log's; none before 1900, as Trino has it. */
    public static Optional<Object> ofLog(DeltaLakeJsonFileStatistics statistics, DeltaLakeColumnHandle column, String text) {
        if (!column.isBaseColumn() || !column.baseType().equals(TIMESTAMP_TZ_MICROS)) {
            return null;
        }
        try {
            return Optional.of(value(ZonedDateTime.parse(text, TransactionLogParser.JSON_STATISTICS_TIMESTAMP_FORMATTER).toInstant()))
                .filter(value -> Math.floorDiv(value.getEpochMillis(), 86_400_000L) >= TransactionLogParser.START_OF_MODERN_ERA_EPOCH_DAY)
                .map(value -> value);
        } catch (DateTimeParseException unknown) {
            return Optional.empty();
        }
    }

    /** The greatest value of a file, of which the log has the millisecond. */
    public static Optional<Object> greatestOfLog(DeltaLakeJsonFileStatistics statistics, DeltaLakeColumnHandle column, Optional<Object> theirs) {
        return theirs.map(Microseconds::last);
    }

    /** The greatest value of a file, of which the checkpoint has the millisecond. */
    public static Optional<Object> greatestOfCheckpoint(DeltaLakeParquetFileStatistics statistics, DeltaLakeColumnHandle column, Optional<Object> theirs) {
        return theirs.map(Microseconds::last);
    }

    private static Object last(Object value) {
        return value instanceof LongTimestampWithTimeZone time
            ? LongTimestampWithTimeZone.fromEpochMillisAndFraction(time.getEpochMillis(), 999 * PICOSECONDS_PER_MICROSECOND, UTC_KEY) : value;
    }

    /** The least or greatest values of a checkpoint. */
    public static Map<String, Object> ofCheckpoint(CheckpointEntryIterator entries, SqlRow row, List<DeltaLakeColumnMetadata> columns,
            Map<String, Object> theirs) {
        Map<String, Object> values = new HashMap<>(theirs);
        for (DeltaLakeColumnMetadata column : columns) {
            if (column.physicalColumnType().equals(TIMESTAMP_TZ_MICROS)) {
                values.computeIfPresent(column.physicalName(), (name, value) -> widened((Long) value));
            }
        }
        return values;
    }

    /** The least or greatest values for a checkpoint. */
    public static Optional<Map<String, Object>> statisticsForCheckpoint(CheckpointWriter writer, RowType types, Optional<Map<String, Object>> values, boolean json) {
        return json ? null : values.map(all -> {
            Map<String, Object> written = new HashMap<>();
            all.forEach((name, value) -> written.put(name, value instanceof LongTimestampWithTimeZone time ? (Object) micros(time) : value));
            return written;
        });
    }

    /** A value for the log. */
    public static Object forLog(Type type, Object value) {
        return value instanceof LongTimestampWithTimeZone time ? DateTimeFormatter.ISO_INSTANT.format(instant(time)) : null;
    }

    // ---- partitions

    /** A value as the log has it, with six digits in any case, as Spark writes it. */
    public static String ofPartition(Type type, Block block, int position) {
        if (!type.equals(TIMESTAMP_TZ_MICROS) || block.isNull(position)) {
            return null;
        }
        Instant instant = instant((LongTimestampWithTimeZone) TIMESTAMP_TZ_MICROS.getObject(block, position));
        return LocalDateTime.ofInstant(instant, ZoneOffset.UTC).format(OF_PARTITIONS);
    }

    /** The values of a file's partition, for a checkpoint: Trino's own wrote its packed long as if it were one of microseconds. */
    public static void partitionsForCheckpoint(CheckpointWriter writer, BlockBuilder builder, RowType entry, AddFileEntry file,
            List<DeltaLakeColumnHandle> columns, List<RowType.Field> fields, int field) {
        ((RowBlockBuilder) builder).buildEntry(builders -> {
            for (int at = 0; at < fields.size(); at++) {
                String text = file.getPartitionValues().get(fields.get(at).getName().orElseThrow());
                Object value = TransactionLogParser.deserializePartitionValue(columns.get(at), Optional.ofNullable(text));
                TypeUtils.writeNativeValue(fields.get(at).getType(), builders.get(at), value instanceof LongTimestampWithTimeZone time ? micros(time) : value);
            }
        });
    }

    static LongTimestampWithTimeZone partition(String text) {
        try {
            return value(LocalDateTime.parse(text, TransactionLogParser.PARTITION_TIMESTAMP_FORMATTER).toInstant(ZoneOffset.UTC));
        } catch (DateTimeParseException zoned) {
            return value(ZonedDateTime.parse(text, DateTimeFormatter.ISO_ZONED_DATE_TIME).toInstant());
        }
    }

    // ---- instants

    private static LongTimestampWithTimeZone value(Instant instant) {
        long millis = instant.toEpochMilli();
        int micros = instant.getNano() / 1_000 % MICROSECONDS_PER_MILLISECOND;
        return LongTimestampWithTimeZone.fromEpochMillisAndFraction(millis, micros * PICOSECONDS_PER_MICROSECOND, UTC_KEY);
    }

    private static LongTimestampWithTimeZone widened(long packed) {
        return LongTimestampWithTimeZone.fromEpochMillisAndFraction(DateTimeEncoding.unpackMillisUtc(packed), 0, UTC_KEY);
    }

    private static Instant instant(LongTimestampWithTimeZone value) {
        return Instant.ofEpochMilli(value.getEpochMillis()).plusNanos(value.getPicosOfMilli() / 1_000);
    }

    private static long micros(LongTimestampWithTimeZone value) {
        return Math.addExact(Math.multiplyExact(value.getEpochMillis(), (long) MICROSECONDS_PER_MILLISECOND),
            value.getPicosOfMilli() / PICOSECONDS_PER_MICROSECOND);
    }
}
