package dev.bdc.trino.lake;

import static io.trino.spi.type.TimestampType.TIMESTAMP_MICROS;

import io.trino.orc.metadata.OrcMetadataWriter;
import io.trino.spi.type.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.apache.orc.OrcProto;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type.Repetition;
import org.apache.parquet.schema.Types;

/** What files that SQL writes say of their days and times, so that others read what was written. */
public final class Exports {
    private static final int TRINO = 4; // orc_proto.proto, Footer.writer

    private Exports() {}

    /**
     * A time of Parquet, in microseconds. Trino's is INT96, which Arrow counts in nanoseconds from 1970, and lets overflow: pyarrow 26 reads the
     * year 1 as 1754. Of no zone, as Trino's writer wants it and a DATETIME2 is: Spark finds a TIMESTAMP_NTZ, and reads it as a TIMESTAMP, too.
     */
    public static org.apache.parquet.schema.Type time(Type type, String name, List<String> parent, Repetition repetition, boolean decimals,
            boolean int96, BiConsumer<List<String>, Type> primitives) {
        if (!int96 || !type.equals(TIMESTAMP_MICROS)) {
            return null;
        }
        List<String> path = new ArrayList<>(parent);
        path.add(name);
        primitives.accept(List.copyOf(path), type);
        return Types.primitive(PrimitiveTypeName.INT64, repetition).as(LogicalTypeAnnotation.timestampType(false, TimeUnit.MICROS)).named(name);
    }

    /**
     * Who wrote an ORC file, and in which calendar, which Trino doesn't say. Its days before 15 October 1582 are of today's calendar, and
     * ORC's own reader, which Spark uses, takes those of a file that doesn't say for days of the Julian one.
     */
    public static void writer(OrcMetadataWriter writer, OrcProto.Footer.Builder footer) {
        footer.setWriter(TRINO).setCalendar(OrcProto.CalendarKind.PROLEPTIC_GREGORIAN);
    }
}
