package dev.bdc.trino.text;

import com.google.inject.Binder;
import com.google.inject.Module;
import com.google.inject.Scopes;

/** What the connector of one store is made of. */
record TextModule(StoreProperties store) implements Module {
    @Override
    public void configure(Binder binder) {
        binder.bind(StoreProperties.class).toInstance(store);
        binder.bind(Layouts.class).in(Scopes.SINGLETON);
        binder.bind(DataFiles.class).in(Scopes.SINGLETON);
        binder.bind(Rejects.class).in(Scopes.SINGLETON);
        binder.bind(TextMetadata.class).in(Scopes.SINGLETON);
        binder.bind(TextSplitManager.class).in(Scopes.SINGLETON);
        binder.bind(TextPageSourceProvider.class).in(Scopes.SINGLETON);
        binder.bind(TextPageSinkProvider.class).in(Scopes.SINGLETON);
        binder.bind(TextConnector.class).in(Scopes.SINGLETON);
    }
}
