package dev.bdc.trino.text;

import com.google.inject.Injector;
import io.airlift.bootstrap.Bootstrap;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Tracer;
import io.trino.filesystem.manager.FileSystemModule;
import io.trino.plugin.base.CatalogNameModule;
import io.trino.plugin.base.jmx.ConnectorObjectNameGeneratorModule;
import io.trino.plugin.base.jmx.MBeanServerModule;
import io.trino.spi.NodeManager;
import io.trino.spi.connector.Connector;
import io.trino.spi.connector.ConnectorContext;
import io.trino.spi.connector.ConnectorFactory;
import io.trino.spi.type.TypeManager;
import java.util.Map;
import org.weakref.jmx.guice.MBeanModule;

/**
 * The connector text_files: files of text as tables, whose names say how they are written (Layout): delimited fields, or one JSON object a
 * line. Properties are those of Trino's file systems, and root (StoreProperties).
 */
public final class TextConnectorFactory implements ConnectorFactory {
    @Override
    public String getName() {
        return "text_files";
    }

    @Override
    public Connector create(String catalog, Map<String, String> properties, ConnectorContext context) {
        StoreProperties store = StoreProperties.of(properties);
        Injector injector = new Bootstrap(
            new CatalogNameModule(catalog), new MBeanModule(), new MBeanServerModule(),
            new ConnectorObjectNameGeneratorModule("dev.bdc.trino.text", "bdc.text"),
            new FileSystemModule(catalog, context.getNodeManager(), context.getOpenTelemetry(), false),
            new TextModule(store),
            binder -> {
                binder.bind(OpenTelemetry.class).toInstance(context.getOpenTelemetry());
                binder.bind(Tracer.class).toInstance(context.getTracer());
                binder.bind(NodeManager.class).toInstance(context.getNodeManager());
                binder.bind(TypeManager.class).toInstance(context.getTypeManager());
            }).doNotInitializeLogging().setRequiredConfigurationProperties(store.others()).initialize();
        return injector.getInstance(TextConnector.class);
    }
}
