package dev.bdc.trino.text;

import io.airlift.slice.Slice;
import io.airlift.slice.Slices;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Some bytes of an array. */
final class Bytes {
    byte[] array;
    int from;
    int length;

    void set(byte[] array, int from, int length) {
        this.array = array;
        this.from = from;
        this.length = length;
    }

    /** Without blanks around. */
    void trim() {
        while (length > 0 && array[from] <= ' ' && array[from] >= 0) {
            from++;
            length--;
        }
        while (length > 0 && array[from + length - 1] <= ' ' && array[from + length - 1] >= 0) {
            length--;
        }
    }

    Slice slice() {
        return Slices.wrappedBuffer(Arrays.copyOfRange(array, from, from + length));
    }

    @Override
    public String toString() {
        return new String(array, from, length, StandardCharsets.UTF_8);
    }
}
