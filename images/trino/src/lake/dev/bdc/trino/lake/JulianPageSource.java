package dev.bdc.trino.lake;

import static io.trino.spi.type.DateType.DATE;

import io.trino.spi.Page;
import io.trino.spi.block.ArrayBlockBuilder;
import io.trino.spi.block.Block;
import io.trino.spi.block.BlockBuilder;
import io.trino.spi.block.MapBlockBuilder;
import io.trino.spi.block.RowBlockBuilder;
import io.trino.spi.block.SqlMap;
import io.trino.spi.block.SqlRow;
import io.trino.spi.connector.ConnectorPageSource;
import io.trino.spi.connector.SourcePage;
import io.trino.spi.metrics.Metrics;
import io.trino.spi.type.ArrayType;
import io.trino.spi.type.DateTimeEncoding;
import io.trino.spi.type.LongTimestamp;
import io.trino.spi.type.LongTimestampWithTimeZone;
import io.trino.spi.type.MapType;
import io.trino.spi.type.RowType;
import io.trino.spi.type.TimestampType;
import io.trino.spi.type.TimestampWithTimeZoneType;
import io.trino.spi.type.Type;
import java.io.IOException;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.GregorianCalendar;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TimeZone;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.ObjLongConsumer;

/** Pages of a file whose days before 15 October 1582 are of the calendar of that time: what is 4 October there is 4 October here. */
final class JulianPageSource implements ConnectorPageSource {
    /** 15 October 1582, in days since 1970: from then on both calendars are the same. */
    static final int FIRST_DAY = (int) LocalDate.of(1582, 10, 15).toEpochDay();

    private static final long MILLISECONDS_PER_DAY = TimeUnit.DAYS.toMillis(1);
    private static final long MICROSECONDS_PER_DAY = TimeUnit.DAYS.toMicros(1);

    private final ConnectorPageSource source;
    private final List<Optional<Type>> dated;
    private final JulianFiles.Julian julian;

    /** `dated`: the types of the columns that have days in them. */
    JulianPageSource(ConnectorPageSource source, List<Optional<Type>> dated, JulianFiles.Julian julian) {
        this.source = source;
        this.dated = dated;
        this.julian = julian;
    }

    /** Whether a value of a type is of a day that both calendars have the same; false where that isn't known. */
    static boolean late(Type type, Object value) {
        return value instanceof Long number && (type == DATE ? number >= FIRST_DAY
            : type instanceof TimestampType && number >= FIRST_DAY * MICROSECONDS_PER_DAY);
    }

    /** The day of today's calendar that is written as a day is in that of its time; both in days since 1970. */
    static long sameDate(long day) {
        if (day >= FIRST_DAY) {
            return day;
        }
        GregorianCalendar calendar = new GregorianCalendar(TimeZone.getTimeZone("UTC"));
        calendar.setTimeInMillis(day * MILLISECONDS_PER_DAY);
        int year = calendar.get(GregorianCalendar.YEAR);
        LocalDate first = LocalDate.of(calendar.get(GregorianCalendar.ERA) == GregorianCalendar.BC ? 1 - year : year,
            calendar.get(GregorianCalendar.MONTH) + 1, 1);
        return first.toEpochDay() + calendar.get(GregorianCalendar.DAY_OF_MONTH) - 1; // 29 February 1000 is 1 March
    }

    private long sameTime(long time, long unitsOfDay) {
        long day = Math.floorDiv(time, unitsOfDay);
        return day >= FIRST_DAY || !julian.times() ? time : Math.addExact(time, (sameDate(day) - day) * unitsOfDay);
    }

    private Block same(Type type, Block block) {
        BlockBuilder into = type.createBlockBuilder(null, block.getPositionCount());
        for (int at = 0; at < block.getPositionCount(); at++) {
            write(type, block, at, into);
        }
        return into.build();
    }

    private void write(Type type, Block block, int at, BlockBuilder into) {
        if (block.isNull(at)) {
            into.appendNull();
            return;
        }
        switch (type) {
            case ArrayType list -> {
                Block elements = list.getObject(block, at);
                ((ArrayBlockBuilder) into).buildEntry(builder -> {
                    for (int one = 0; one < elements.getPositionCount(); one++) {
                        write(list.getElementType(), elements, one, builder);
                    }
                });
            }
            case MapType map -> {
                SqlMap pairs = map.getObject(block, at);
                ((MapBlockBuilder) into).buildEntry((keys, values) -> {
                    for (int one = pairs.getRawOffset(); one < pairs.getRawOffset() + pairs.getSize(); one++) {
                        write(map.getKeyType(), pairs.getRawKeyBlock(), one, keys);
                        write(map.getValueType(), pairs.getRawValueBlock(), one, values);
                    }
                });
            }
            case RowType row -> {
                SqlRow fields = row.getObject(block, at);
                ((RowBlockBuilder) into).buildEntry(builders -> {
                    for (int one = 0; one < fields.getFieldCount(); one++) {
                        write(row.getFields().get(one).getType(), fields.getRawFieldBlock(one), fields.getRawIndex(), builders.get(one));
                    }
                });
            }
            case TimestampType time when time.isShort() -> time.writeLong(into, sameTime(time.getLong(block, at), MICROSECONDS_PER_DAY));
            case TimestampType time -> {
                LongTimestamp value = (LongTimestamp) time.getObject(block, at);
                time.writeObject(into, new LongTimestamp(sameTime(value.getEpochMicros(), MICROSECONDS_PER_DAY), value.getPicosOfMicro()));
            }
            case TimestampWithTimeZoneType time when time.isShort() -> {
                long value = time.getLong(block, at);
                long milliseconds = sameTime(DateTimeEncoding.unpackMillisUtc(value), MILLISECONDS_PER_DAY);
                time.writeLong(into, DateTimeEncoding.packDateTimeWithZone(milliseconds, DateTimeEncoding.unpackZoneKey(value)));
            }
            case TimestampWithTimeZoneType time -> {
                LongTimestampWithTimeZone value = (LongTimestampWithTimeZone) time.getObject(block, at);
                time.writeObject(into, LongTimestampWithTimeZone.fromEpochMillisAndFraction(
                    sameTime(value.getEpochMillis(), MILLISECONDS_PER_DAY), value.getPicosOfMilli(), value.getTimeZoneKey()));
            }
            default -> {
                if (type == DATE && julian.days()) {
                    DATE.writeInt(into, (int) sameDate(DATE.getInt(block, at)));
                } else {
                    type.appendTo(block, at, into);
                }
            }
        }
    }

    @Override
    public SourcePage getNextSourcePage() {
        SourcePage page = source.getNextSourcePage();
        return page == null ? null : new Pages(page, new Block[dated.size()]);
    }

    @Override
    public long getCompletedBytes() {
        return source.getCompletedBytes();
    }

    @Override
    public OptionalLong getCompletedPositions() {
        return source.getCompletedPositions();
    }

    @Override
    public long getReadTimeNanos() {
        return source.getReadTimeNanos();
    }

    @Override
    public boolean isFinished() {
        return source.isFinished();
    }

    @Override
    public long getMemoryUsage() {
        return source.getMemoryUsage();
    }

    @Override
    public CompletableFuture<?> isBlocked() {
        return source.isBlocked();
    }

    @Override
    public Metrics getMetrics() {
        return source.getMetrics();
    }

    @Override
    public void close() throws IOException {
        source.close();
    }

    /** A page whose columns are read when they are asked for. */
    private final class Pages implements SourcePage {
        private final SourcePage page;
        private final Block[] known;

        Pages(SourcePage page, Block[] known) {
            this.page = page;
            this.known = known;
        }

        @Override
        public Block getBlock(int channel) {
            if (dated.get(channel).isEmpty()) {
                return page.getBlock(channel);
            }
            if (known[channel] == null) {
                known[channel] = same(dated.get(channel).get(), page.getBlock(channel));
            }
            return known[channel];
        }

        @Override
        public Page getPage() {
            Block[] blocks = new Block[getChannelCount()];
            for (int channel = 0; channel < blocks.length; channel++) {
                blocks[channel] = getBlock(channel);
            }
            return new Page(getPositionCount(), blocks);
        }

        @Override
        public void selectPositions(int[] positions, int offset, int size) {
            page.selectPositions(positions, offset, size);
            Arrays.fill(known, null);
        }

        @Override
        public int getPositionCount() {
            return page.getPositionCount();
        }

        @Override
        public long getSizeInBytes() {
            return page.getSizeInBytes();
        }

        @Override
        public long getRetainedSizeInBytes() {
            return page.getRetainedSizeInBytes();
        }

        @Override
        public void retainedBytesForEachPart(ObjLongConsumer<Object> consumer) {
            page.retainedBytesForEachPart(consumer);
        }

        @Override
        public int getChannelCount() {
            return page.getChannelCount();
        }
    }
}
