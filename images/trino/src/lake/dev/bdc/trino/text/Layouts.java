package dev.bdc.trino.text;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import com.google.inject.Inject;
import io.trino.spi.type.TypeManager;

/** The layouts of a store's tables. The last ones are remembered: a table of ten thousand columns is asked for each of them. */
final class Layouts {
    private final StoreProperties store;
    private final TypeManager types;
    private final Cache<TextTableHandle, Layout> known = CacheBuilder.newBuilder().maximumSize(100).build();

    @Inject
    Layouts(StoreProperties store, TypeManager types) {
        this.store = store;
        this.types = types;
    }

    Layout of(TextTableHandle table) {
        Layout layout = known.getIfPresent(table);
        if (layout == null) {
            layout = Layout.of(store.root(), table.schema(), table.name(), types);
            known.put(table, layout);
        }
        return layout;
    }
}
