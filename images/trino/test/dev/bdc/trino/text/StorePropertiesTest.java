package dev.bdc.trino.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import org.junit.jupiter.api.Test;

class StorePropertiesTest {
    @Test
    void theRootIsOursAndTheOthersAreTrinos() {
        StoreProperties store = StoreProperties.of(Map.of("root", "s3://lake", "fs.native-s3.enabled", "true"));
        assertEquals(new StoreProperties("s3://lake", Map.of("fs.native-s3.enabled", "true")), store);
    }

    @Test
    void withoutARootThereIsNoCatalog() {
        Exception error = assertThrows(NullPointerException.class, () -> StoreProperties.of(Map.of()));
        assertEquals("a catalog of files needs root", error.getMessage());
    }
}
