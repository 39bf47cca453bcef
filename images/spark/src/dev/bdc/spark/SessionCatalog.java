package dev.bdc.spark;

import java.util.List;
import java.util.Map;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.NoSuchDatabaseException;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.delta.catalog.DeltaCatalog;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The catalog of names without a catalog: Delta's, the lake. A table that isn't there is looked for in the catalogs that the option
 * `others` lists, so that `dbo.orders` (external) and `public.customers` (the master) have here the names that SQL knows them by.
 * Reading only: what Spark makes, changes or drops without a catalog's name is the lake's.
 */
public class SessionCatalog extends DeltaCatalog {
    private static final Logger LOG = LoggerFactory.getLogger(SessionCatalog.class);
    /** The schema that names of one part mean, where it isn't called as Spark's own. */
    private static final Map<String, String> SCHEMA_OF_ONE_PART = Map.of("external", "dbo", "master", "public");

    private List<String> others = List.of();

    @Override
    public void initialize(String name, CaseInsensitiveStringMap options) {
        super.initialize(name, options);
        String listed = options.getOrDefault("others", "").strip();
        others = listed.isEmpty() ? List.of() : List.of(listed.split("\\s*,\\s*"));
    }

    @Override
    public Table loadTable(Identifier name) {
        try {
            return super.loadTable(name);
        } catch (Exception missing) {
            if (isMissing(missing) && name.namespace().length == 1) {
                Table found = elsewhere(name);
                if (found != null) {
                    return found;
                }
            }
            throw SessionCatalog.<RuntimeException>raise(missing);
        }
    }

    /** Where the lake has the schema, a catalog that can't be asked is passed by: making tables there must not depend on it. */
    private Table elsewhere(Identifier name) {
        boolean inLake = super.namespaceExists(name.namespace());
        for (String other : others) {
            try {
                TableCatalog catalog = (TableCatalog) SparkSession.active().sessionState().catalogManager().catalog(other);
                Identifier there = named(other, name);
                if (catalog.tableExists(there)) {
                    return catalog.loadTable(there);
                }
            } catch (Exception failed) {
                if (!inLake) {
                    throw new IllegalStateException(
                            name + " isn't in the lake, and the catalog " + other + " can't be asked for it: " + cause(failed), failed);
                }
                LOG.warn("{} isn't in the lake, and the catalog {} can't be asked for it", name, other, failed);
            }
        }
        return null;
    }

    private static String cause(Throwable error) {
        return error.getCause() == null ? String.valueOf(error.getMessage()) : cause(error.getCause());
    }

    private Identifier named(String catalog, Identifier name) {
        String schema = name.namespace()[0];
        boolean onePart = schema.equals(defaultNamespace()[0]);
        return Identifier.of(new String[] {onePart ? SCHEMA_OF_ONE_PART.getOrDefault(catalog, schema) : schema}, name.name());
    }

    private static boolean isMissing(Exception error) {
        return error instanceof NoSuchTableException || error instanceof NoSuchDatabaseException || error instanceof NoSuchNamespaceException;
    }

    /** Scala declares no checked exceptions, and throws them. */
    @SuppressWarnings("unchecked")
    private static <E extends Throwable> RuntimeException raise(Throwable error) throws E {
        throw (E) error;
    }
}
