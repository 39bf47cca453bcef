-- Who may read an external table: null is everybody.
ALTER TABLE polybase.tables ADD COLUMN readers text[];

CREATE VIEW sys.database_permissions AS
SELECT 'OBJECT_OR_COLUMN' AS class_desc, object_id AS major_id, 'SL' AS type, 'SELECT' AS permission_name, 'GRANT' AS state_desc, r.grantee
FROM polybase.tables t CROSS JOIN LATERAL unnest(coalesce(t.readers, ARRAY['public'])) AS r (grantee) OFFSET 0;
GRANT SELECT ON sys.database_permissions TO PUBLIC;

-- The same definitions by psql and by programs: rows, which the federation follows within seconds; what can't be made says so in the
-- column error of sys.external_data_sources and sys.external_tables. Credentials are made by bdc sql alone: a password would be in
-- statement logs. Procedures have their caller's rights.
CREATE PROCEDURE polybase.create_external_data_source(
    name text, location text, credential text DEFAULT NULL, connection_options text DEFAULT NULL, pushdown boolean DEFAULT true
) LANGUAGE plpgsql AS $$
DECLARE of integer;
BEGIN
    IF credential IS NOT NULL THEN
        SELECT c.credential_id INTO of FROM polybase.credentials c WHERE lower(c.name) = lower(credential);
        IF of IS NULL THEN
            RAISE EXCEPTION 'there is no credential %', credential USING HINT = 'bdc sql makes one: CREATE DATABASE SCOPED CREDENTIAL';
        END IF;
    END IF;
    INSERT INTO polybase.sources (name, location, connection_options, credential_id, pushdown)
    VALUES (name, location, connection_options, of, pushdown);
END $$;

CREATE PROCEDURE polybase.drop_external_data_source(name text) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM polybase.sources s WHERE lower(s.name) = lower($1);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no external data source %', name;
    END IF;
END $$;

-- columns: each 'name type', such as ARRAY['id int', 'region nvarchar(20)'].
CREATE PROCEDURE polybase.create_external_table(name text, data_source text, location text, columns text[]) LANGUAGE plpgsql AS $$
DECLARE of integer; made integer; parts text[] := parse_ident(name, true);
BEGIN
    SELECT s.data_source_id INTO of FROM polybase.sources s WHERE lower(s.name) = lower(data_source);
    IF of IS NULL THEN
        RAISE EXCEPTION 'there is no external data source %', data_source USING HINT = 'CALL polybase.create_external_data_source(...)';
    ELSIF cardinality(parts) > 2 THEN
        RAISE EXCEPTION '% is no name of an external table', name USING HINT = 'it is [schema.]table; the schema is dbo where none is said';
    ELSIF cardinality(columns) IS DISTINCT FROM (
        SELECT count(*)::integer FROM unnest(columns) c WHERE trim(c) ~ '^\S+\s+\S' AND c IS NOT NULL
    ) OR cardinality(columns) = 0 THEN
        RAISE EXCEPTION 'columns are name and type each' USING HINT = 'ARRAY[''id int'', ''region nvarchar(20)'']';
    END IF;
    INSERT INTO polybase.tables (schema_name, name, data_source_id, location)
    VALUES (CASE WHEN cardinality(parts) = 2 THEN parts[1] ELSE 'dbo' END, parts[cardinality(parts)], of, location)
    RETURNING object_id INTO made;
    INSERT INTO polybase.columns (object_id, column_id, name, type)
    SELECT made, place, (regexp_match(trim(c), '^\S+'))[1], lower(trim(regexp_replace(trim(c), '^\S+', '')))
    FROM unnest(columns) WITH ORDINALITY AS u (c, place);
END $$;

CREATE PROCEDURE polybase.drop_external_table(name text) LANGUAGE plpgsql AS $$
DECLARE parts text[] := parse_ident(name, true);
BEGIN
    DELETE FROM polybase.tables t
    WHERE lower(t.name) = lower(parts[cardinality(parts)])
        AND lower(t.schema_name) = CASE WHEN cardinality(parts) = 2 THEN lower(parts[1]) ELSE 'dbo' END;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no external table %', name;
    END IF;
END $$;
