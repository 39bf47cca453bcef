-- External data sources and tables, as they were defined; the views of sys have the columns of SQL Server's.
-- https://learn.microsoft.com/sql/relational-databases/system-catalog-views/external-tables-catalog-views
-- Rows are the administrator's and the federation's alone: who moves a source elsewhere gets its password sent there. Row security keeps
-- out the roles that may read and write all data. No password is in any row: secret_key names a key of the Secret external-credentials.

CREATE TABLE polybase.credentials (
    credential_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    identity text NOT NULL,
    secret_key text UNIQUE,
    create_date timestamptz NOT NULL DEFAULT now(),
    modify_date timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX ON polybase.credentials (lower(name));

CREATE TABLE polybase.sources (
    data_source_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    location text NOT NULL,
    connection_options text,
    credential_id integer REFERENCES polybase.credentials,
    pushdown boolean NOT NULL DEFAULT true,
    type text CHECK (type IN ('HADOOP', 'BLOB_STORAGE')),
    resource_manager_location text
);
CREATE UNIQUE INDEX ON polybase.sources (lower(name));

CREATE TABLE polybase.formats (
    file_format_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    format_type text NOT NULL,
    field_terminator text,
    string_delimiter text,
    first_row integer,
    date_format text,
    use_type_default boolean,
    encoding text,
    data_compression text
);
CREATE UNIQUE INDEX ON polybase.formats (lower(name));

CREATE TABLE polybase.tables (
    object_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schema_name text NOT NULL CHECK (schema_name <> ''),
    name text NOT NULL CHECK (name <> ''),
    data_source_id integer NOT NULL REFERENCES polybase.sources,
    file_format_id integer REFERENCES polybase.formats,
    location text NOT NULL,
    reject_type text CHECK (reject_type IN ('VALUE', 'PERCENTAGE')),
    reject_value numeric(38, 4),
    reject_sample_value numeric(38),
    rejected_row_location text,
    distribution text CHECK (distribution IN ('ROUND_ROBIN', 'REPLICATED')),
    create_date timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX ON polybase.tables (lower(schema_name), lower(name));

CREATE TABLE polybase.columns (
    object_id integer NOT NULL REFERENCES polybase.tables ON DELETE CASCADE,
    column_id integer NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    collation_name text,
    is_nullable boolean NOT NULL DEFAULT true,
    PRIMARY KEY (object_id, column_id)
);

-- What the reconciler found: no row, and all is well.
CREATE TABLE polybase.source_errors (
    data_source_id integer PRIMARY KEY REFERENCES polybase.sources ON DELETE CASCADE,
    error text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE polybase.table_errors (
    object_id integer PRIMARY KEY REFERENCES polybase.tables ON DELETE CASCADE,
    error text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);

-- Whoever changes a definition wakes the reconciler.
CREATE FUNCTION polybase.changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('polybase', ''); RETURN NULL; END $$;

DO $$
DECLARE of text;
BEGIN
    FOREACH of IN ARRAY ARRAY['credentials', 'sources', 'formats', 'tables', 'columns', 'source_errors', 'table_errors'] LOOP
        EXECUTE format('ALTER TABLE polybase.%I ENABLE ROW LEVEL SECURITY', of);
        EXECUTE format('CREATE POLICY federation ON polybase.%I TO bdc, trino USING (true) WITH CHECK (true)', of);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON polybase.%I TO bdc, trino', of);
    END LOOP;
    FOREACH of IN ARRAY ARRAY['credentials', 'sources', 'formats', 'tables', 'columns'] LOOP
        EXECUTE format('CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON polybase.%I EXECUTE FUNCTION polybase.changed()', of);
    END LOOP;
END $$;
GRANT USAGE ON SCHEMA polybase TO bdc, trino;

-- Views of one table could be written through; OFFSET makes them such as can't. (Roles that may write all data may write views, too.)
CREATE SCHEMA sys;
GRANT USAGE ON SCHEMA sys TO PUBLIC;

CREATE VIEW sys.database_scoped_credentials AS
SELECT name, credential_id, identity AS credential_identity, create_date, modify_date FROM polybase.credentials OFFSET 0;

CREATE VIEW sys.external_data_sources AS
SELECT s.data_source_id, s.name, s.location,
    CASE s.type WHEN 'HADOOP' THEN 'HADOOP' WHEN 'BLOB_STORAGE' THEN 'BLOB_STORAGE' ELSE 'EXTERNAL_GENERICS' END AS type_desc,
    CASE s.type WHEN 'HADOOP' THEN 0 WHEN 'BLOB_STORAGE' THEN 5 ELSE 6 END AS type,
    s.resource_manager_location, s.credential_id, s.connection_options,
    CASE WHEN s.pushdown THEN 'ON' ELSE 'OFF' END AS pushdown, e.error, e.since AS error_since
FROM polybase.sources s LEFT JOIN polybase.source_errors e USING (data_source_id);

CREATE VIEW sys.external_file_formats AS
SELECT file_format_id, name, format_type, field_terminator, string_delimiter, date_format, use_type_default, encoding, data_compression, first_row
FROM polybase.formats OFFSET 0;

CREATE VIEW sys.external_tables AS
SELECT t.name, t.object_id, t.schema_name, t.data_source_id, t.file_format_id, t.location, t.reject_type, t.reject_value,
    t.reject_sample_value, t.rejected_row_location, t.distribution AS distribution_desc, t.create_date, e.error, e.since AS error_since
FROM polybase.tables t LEFT JOIN polybase.table_errors e USING (object_id);

CREATE VIEW sys.external_table_columns AS
SELECT object_id, column_id, name, type AS type_name, collation_name, is_nullable FROM polybase.columns OFFSET 0;

GRANT SELECT ON ALL TABLES IN SCHEMA sys TO PUBLIC;
