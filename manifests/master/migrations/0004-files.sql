-- The cluster's own HDFS, as every Big Data Cluster had it; and the procedures know files and their formats.
INSERT INTO polybase.sources (name, location) VALUES ('SqlStoragePool', 'sqlhdfs://controller-svc/default') ON CONFLICT DO NOTHING;

CREATE PROCEDURE polybase.create_external_file_format(name text, format_type text) LANGUAGE plpgsql AS $$
BEGIN
    IF upper(format_type) NOT IN ('PARQUET', 'ORC', 'DELTA') THEN
        RAISE EXCEPTION 'there is no format %', format_type USING HINT = 'there are PARQUET, ORC, DELTA';
    END IF;
    INSERT INTO polybase.formats (name, format_type) VALUES (name, upper(format_type));
END $$;

CREATE PROCEDURE polybase.drop_external_file_format(name text) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM polybase.formats f WHERE lower(f.name) = lower($1);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no external file format %', name;
    END IF;
END $$;

CREATE PROCEDURE polybase.create_external_table(name text, data_source text, location text, columns text[], file_format text)
LANGUAGE plpgsql AS $$
DECLARE of integer; parts text[] := parse_ident(name, true);
BEGIN
    SELECT f.file_format_id INTO of FROM polybase.formats f WHERE lower(f.name) = lower(file_format);
    IF of IS NULL THEN
        RAISE EXCEPTION 'there is no external file format %', file_format USING HINT = 'CALL polybase.create_external_file_format(...)';
    END IF;
    CALL polybase.create_external_table(name, data_source, location, columns);
    UPDATE polybase.tables t SET file_format_id = of
    WHERE lower(t.name) = lower(parts[cardinality(parts)])
        AND lower(t.schema_name) = CASE WHEN cardinality(parts) = 2 THEN lower(parts[1]) ELSE 'dbo' END;
END $$;
