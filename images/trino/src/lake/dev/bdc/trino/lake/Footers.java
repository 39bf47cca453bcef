package dev.bdc.trino.lake;

import io.trino.filesystem.TrinoInputFile;
import io.trino.metastore.Column;
import io.trino.metastore.HiveType;
import io.trino.orc.OrcDataSource;
import io.trino.orc.OrcDataSourceId;
import io.trino.orc.OrcColumn;
import io.trino.orc.OrcReader;
import io.trino.orc.OrcReaderOptions;
import io.trino.orc.metadata.OrcType;
import io.trino.parquet.ParquetDataSource;
import io.trino.parquet.ParquetReaderOptions;
import io.trino.parquet.metadata.ParquetMetadata;
import io.trino.parquet.reader.MetadataReader;
import io.trino.plugin.base.metrics.FileFormatDataSourceStats;
import io.trino.plugin.hive.orc.HdfsOrcDataSource;
import io.trino.plugin.hive.parquet.TrinoParquetDataSource;
import java.io.IOException;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.parquet.format.SchemaElement;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation.DateLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DecimalLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.EnumLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.IntLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.JsonLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.StringLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.Type;

/** The columns that Parquet and ORC files say they have, in Hive's types; those that have none in Trino's readers are left out. */
final class Footers {
    private Footers() {}

    static List<Column> parquet(TrinoInputFile file) throws IOException {
        try (ParquetDataSource source =
                new TrinoParquetDataSource(file, ParquetReaderOptions.defaultOptions(), new FileFormatDataSourceStats())) {
            List<Column> found = new ArrayList<>();
            ParquetMetadata footer = MetadataReader.readFooter(source, Optional.empty());
            Map<Type, String> names = new IdentityHashMap<>();
            GroupType schema = footer.getFileMetaData().getSchema();
            spell(schema, footer.getParquetMetadata().getSchema().iterator(), names);
            for (Type one : schema.getFields()) {
                add(found, one.getName(), of(one, names));
            }
            return found;
        }
    }

    /** Names as the file has them, one after another as they stand in it; Trino's own are in lower case. */
    private static void spell(Type type, Iterator<SchemaElement> elements, Map<Type, String> names) {
        names.put(type, elements.next().getName());
        if (!type.isPrimitive()) {
            type.asGroupType().getFields().forEach(one -> spell(one, elements, names));
        }
    }

    static List<Column> orc(TrinoInputFile file) throws IOException {
        OrcReaderOptions options = new OrcReaderOptions();
        OrcDataSourceId id = new OrcDataSourceId(file.location().toString());
        try (OrcDataSource source = new HdfsOrcDataSource(id, file.length(), options, file, new FileFormatDataSourceStats())) {
            Optional<OrcReader> reader = OrcReader.createOrcReader(source, options);
            List<Column> found = new ArrayList<>();
            for (OrcColumn one : reader.map(OrcReader::getRootColumn).map(OrcColumn::getNestedColumns).orElse(List.of())) {
                add(found, one.getColumnName(), of(one, reader.orElseThrow()));
            }
            return found;
        }
    }

    private static void add(List<Column> columns, String name, Optional<String> type) {
        type.map(HiveType::valueOf).ifPresent(known ->
            columns.add(TableAddress.column(name.toLowerCase(Locale.ROOT), known).withComment(Spelling.of(known))));
    }

    /** https://github.com/apache/parquet-format/blob/master/LogicalTypes.md */
    private static Optional<String> of(Type type, Map<Type, String> names) {
        return type.isPrimitive() ? of(type.asPrimitiveType()) : of(type.asGroupType(), names);
    }

    private static Optional<String> of(PrimitiveType type) {
        return switch (type.getLogicalTypeAnnotation()) {
            case DecimalLogicalTypeAnnotation number ->
                number.getPrecision() > 38 ? Optional.empty() : Optional.of("decimal(%d,%d)".formatted(number.getPrecision(), number.getScale()));
            case StringLogicalTypeAnnotation _, EnumLogicalTypeAnnotation _, JsonLogicalTypeAnnotation _ -> Optional.of("string");
            case DateLogicalTypeAnnotation _ -> Optional.of("date");
            case TimestampLogicalTypeAnnotation _ -> Optional.of("timestamp");
            case TimeLogicalTypeAnnotation _ -> Optional.empty();
            case IntLogicalTypeAnnotation number -> integer(number.isSigned() ? number.getBitWidth() : 2 * number.getBitWidth(), number.isSigned());
            case null, default -> switch (type.getPrimitiveTypeName()) {
                case INT32 -> Optional.of("int");
                case INT64 -> Optional.of("bigint");
                case INT96 -> Optional.of("timestamp");
                case FLOAT -> Optional.of("float");
                case DOUBLE -> Optional.of("double");
                case BOOLEAN -> Optional.of("boolean");
                case BINARY, FIXED_LEN_BYTE_ARRAY -> Optional.of("binary");
            };
        };
    }

    /** Unsigned numbers of 32 and 64 bits would be read as negative ones. */
    private static Optional<String> integer(int bits, boolean signed) {
        return switch (bits) {
            case 8 -> Optional.of("tinyint");
            case 16 -> Optional.of("smallint");
            case 32 -> Optional.of("int");
            case 64 -> signed ? Optional.of("bigint") : Optional.empty();
            default -> Optional.empty();
        };
    }

    private static Optional<String> of(GroupType type, Map<Type, String> names) {
        return switch (type.getLogicalTypeAnnotation()) {
            case ListLogicalTypeAnnotation _ -> element(type.getType(0), names).map("array<%s>"::formatted);
            case MapLogicalTypeAnnotation _ -> {
                GroupType pair = type.getType(0).asGroupType();
                Optional<String> value = pair.getFieldCount() < 2 ? Optional.empty() : of(pair.getType(1), names);
                yield of(pair.getType(0), names).flatMap(key -> value.map(one -> "map<%s,%s>".formatted(key, one)));
            }
            case null, default -> struct(type.getFields().stream().map(names::get).toList(),
                type.getFields().stream().map(one -> of(one, names)).toList());
        };
    }

    /** What a list is of; older writers have no group around it (LogicalTypes.md, "Backward-compatibility rules"). */
    private static Optional<String> element(Type repeated, Map<Type, String> names) {
        boolean wrapped = !repeated.isPrimitive() && repeated.asGroupType().getFieldCount() == 1
            && !repeated.getName().equals("array") && !repeated.getName().endsWith("_tuple");
        return of(wrapped ? repeated.asGroupType().getType(0) : repeated, names);
    }

    private static Optional<String> struct(List<String> names, List<Optional<String>> types) {
        if (names.stream().map(one -> one.toLowerCase(Locale.ROOT)).distinct().count() < names.size()) {
            return Optional.empty(); // Trino's readers would take one for the other
        }
        List<String> fields = new ArrayList<>();
        for (int at = 0; at < names.size(); at++) {
            if (types.get(at).isEmpty() || !names.get(at).matches("\\w+")) {
                return Optional.empty();
            }
            fields.add(names.get(at) + ":" + types.get(at).get());
        }
        return Optional.of(fields.stream().collect(Collectors.joining(",", "struct<", ">")));
    }

    /** https://orc.apache.org/specification/ORCv1/#type-information */
    private static Optional<String> of(OrcColumn column, OrcReader reader) {
        OrcType type = reader.getFooter().getTypes().get(column.getColumnId());
        List<OrcColumn> inner = column.getNestedColumns();
        return switch (type.getOrcTypeKind()) {
            case BOOLEAN -> Optional.of("boolean");
            case BYTE -> Optional.of("tinyint");
            case SHORT -> Optional.of("smallint");
            case INT -> Optional.of("int");
            case LONG -> Optional.of("bigint");
            case FLOAT -> Optional.of("float");
            case DOUBLE -> Optional.of("double");
            case STRING -> Optional.of("string");
            case VARCHAR -> Optional.of("varchar(%d)".formatted(type.getLength().orElseThrow()));
            case CHAR -> Optional.of("char(%d)".formatted(type.getLength().orElseThrow()));
            case BINARY -> Optional.of("binary");
            case DATE -> Optional.of("date");
            case TIMESTAMP -> Optional.of("timestamp");
            case TIMESTAMP_INSTANT -> Optional.of("timestamp with local time zone");
            case DECIMAL -> Optional.of("decimal(%d,%d)".formatted(type.getPrecision().orElseThrow(), type.getScale().orElseThrow()));
            case LIST -> of(inner.get(0), reader).map("array<%s>"::formatted);
            case MAP -> of(inner.get(0), reader).flatMap(key -> of(inner.get(1), reader).map(value -> "map<%s,%s>".formatted(key, value)));
            case STRUCT -> struct(type.getFieldNames(), inner.stream().map(one -> of(one, reader)).toList());
            default -> Optional.empty();
        };
    }
}
