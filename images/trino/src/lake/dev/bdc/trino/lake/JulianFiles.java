package dev.bdc.trino.lake;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import io.airlift.slice.Slice;
import io.trino.filesystem.TrinoInputFile;
import io.trino.memory.context.AggregatedMemoryContext;
import io.trino.orc.OrcDataSource;
import io.trino.orc.OrcDataSourceId;
import io.trino.orc.OrcDecompressor;
import io.trino.orc.OrcReaderOptions;
import io.trino.orc.metadata.CompressionKind;
import io.trino.orc.stream.OrcChunkLoader;
import io.trino.orc.stream.OrcInputStream;
import io.trino.parquet.ParquetDataSource;
import io.trino.parquet.ParquetReaderOptions;
import io.trino.parquet.reader.MetadataReader;
import io.trino.plugin.base.metrics.FileFormatDataSourceStats;
import io.trino.plugin.hive.orc.HdfsOrcDataSource;
import io.trino.plugin.hive.parquet.TrinoParquetDataSource;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.orc.OrcProto;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;

/**
 * Which files count days before 15 October 1582 in the calendar of that time, as they say themselves.
 *
 * <p>ORC: the footer's calendar; without one it is ORC's Java library before 1.5.7, which has that calendar, or another writer, none of which
 * has it (https://orc.apache.org/specification/ORCv1/#file-metadata). Spark 4.2 writes ORC so, always: 1582-10-10, a day that the calendar
 * has not, is 1582-10-15 in the file. Parquet: Spark's own marks, which it writes with spark.sql.parquet.datetimeRebaseModeInWrite and
 * int96RebaseModeInWrite LEGACY, or its version, before 3.0 (INT96: 3.1).
 */
final class JulianFiles {
    private static final String VERSION = "org.apache.spark.version";
    private static final String DAYS = "org.apache.spark.legacyDateTime";
    private static final String INT96 = "org.apache.spark.legacyINT96";
    private static final int JAVA = 0;
    private static final int TAIL_BYTES = 1 << 8;
    private static final int DEFAULT_COMPRESSION_BLOCK_BYTES = 256 * 1024;
    private static final Cache<String, Julian> SEEN = CacheBuilder.newBuilder().maximumSize(50_000).expireAfterAccess(1, TimeUnit.HOURS).build();

    private JulianFiles() {}

    /** What of a file is of that calendar. */
    record Julian(boolean days, boolean times) {
        boolean none() {
            return !days && !times;
        }
    }

    /** What of a file of a format, which was changed at that time, is of that calendar. */
    static Julian of(String format, TrinoInputFile file, long modified) throws IOException {
        String key = file.location() + "?" + modified;
        Julian seen = SEEN.getIfPresent(key);
        if (seen == null) {
            seen = format.equals("orc") ? orc(file) : parquet(file);
            SEEN.put(key, seen);
        }
        return seen;
    }

    private static Julian orc(TrinoInputFile file) throws IOException {
        OrcDataSourceId id = new OrcDataSourceId(file.location().toString());
        try (OrcDataSource source = new HdfsOrcDataSource(id, file.length(), new OrcReaderOptions(), file, new FileFormatDataSourceStats())) {
            OrcProto.Footer footer = footer(source);
            boolean julian = switch (footer.hasCalendar() ? footer.getCalendar() : OrcProto.CalendarKind.UNKNOWN_CALENDAR) {
                case JULIAN_GREGORIAN -> true;
                case PROLEPTIC_GREGORIAN -> false;
                case UNKNOWN_CALENDAR -> !footer.hasWriter() || footer.getWriter() == JAVA;
            };
            return julian && early(footer) ? new Julian(true, true) : new Julian(false, false);
        }
    }

    /** Trino's own Footer has no calendar. https://orc.apache.org/specification/ORCv1/#file-tail */
    private static OrcProto.Footer footer(OrcDataSource source) throws IOException {
        Slice tail = source.readTail((int) Math.min(TAIL_BYTES, source.getEstimatedSize()));
        int length = tail.getUnsignedByte(tail.length() - 1);
        OrcProto.PostScript script = OrcProto.PostScript.parseFrom(tail.getBytes(tail.length() - 1 - length, length));
        int size = Math.toIntExact(script.getFooterLength());
        Slice footer = source.readFully(source.getEstimatedSize() - 1 - length - size, size);
        int chunk = script.hasCompressionBlockSize() ? Math.toIntExact(script.getCompressionBlockSize()) : DEFAULT_COMPRESSION_BLOCK_BYTES;
        Optional<OrcDecompressor> packed =
            OrcDecompressor.createOrcDecompressor(source.getId(), CompressionKind.valueOf(script.getCompression().name()), chunk);
        try (OrcInputStream stream = new OrcInputStream(
                OrcChunkLoader.create(source.getId(), footer, packed, AggregatedMemoryContext.newSimpleAggregatedMemoryContext()))) {
            return OrcProto.Footer.parseFrom(stream);
        }
    }

    /** Whether its statistics leave it open that there are such days. */
    private static boolean early(OrcProto.Footer footer) {
        for (int at = 0; at < footer.getTypesCount(); at++) {
            OrcProto.ColumnStatistics of = at < footer.getStatisticsCount() ? footer.getStatistics(at) : OrcProto.ColumnStatistics.getDefaultInstance();
            boolean none = of.hasNumberOfValues() && of.getNumberOfValues() == 0;
            boolean late = switch (footer.getTypes(at).getKind()) {
                case DATE -> none || of.getDateStatistics().hasMinimum() && of.getDateStatistics().getMinimum() >= JulianPageSource.FIRST_DAY;
                case TIMESTAMP, TIMESTAMP_INSTANT -> none || of.getTimestampStatistics().hasMinimumUtc()
                    && of.getTimestampStatistics().getMinimumUtc() >= TimeUnit.DAYS.toMillis(JulianPageSource.FIRST_DAY + 1);
                default -> true;
            };
            if (!late) {
                return true;
            }
        }
        return false;
    }

    private static Julian parquet(TrinoInputFile file) throws IOException {
        try (ParquetDataSource source =
                new TrinoParquetDataSource(file, ParquetReaderOptions.defaultOptions(), new FileFormatDataSourceStats())) {
            var footer = MetadataReader.readFooter(source, Optional.empty()).getFileMetaData();
            Map<String, String> said = footer.getKeyValueMetaData();
            boolean days = said.containsKey(DAYS) || before(said, "3.0.");
            return new Julian(days, hasInt96(footer.getSchema()) ? said.containsKey(INT96) || before(said, "3.1.") : days);
        }
    }

    /** Versions are compared as text, as Spark does. */
    private static boolean before(Map<String, String> said, String version) {
        return said.containsKey(VERSION) && said.get(VERSION).compareTo(version) < 0;
    }

    private static boolean hasInt96(MessageType schema) {
        return schema.getColumns().stream().anyMatch(one -> one.getPrimitiveType().getPrimitiveTypeName() == PrimitiveTypeName.INT96);
    }
}
