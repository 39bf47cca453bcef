package dev.bdc.trino.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TableNameTest {
    @Test
    void whatIsPercentEncodedIsDecodedAfterTheNameIsTakenApart() {
        TableName name = TableName.of("/sales%3f%3b/%c3%9cber%20all?%41=varchar%28%3d%3b%29;b=bigint?");
        assertEquals("/sales?;/Über all", name.path());
        assertEquals(List.of(Map.entry("A", "varchar(=;)"), Map.entry("b", "bigint")), name.pairs(1));
        assertEquals(List.of(), name.pairs(2));
    }

    @Test
    void aPathAloneIsAName() {
        TableName name = TableName.of("/sales/2026");
        assertEquals("/sales/2026", name.path());
        assertEquals(1, name.parts().size());
    }
}
