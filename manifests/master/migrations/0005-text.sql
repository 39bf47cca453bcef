-- File formats have options, and tables of text may reject rows.
DROP PROCEDURE polybase.create_external_file_format(text, text);
CREATE PROCEDURE polybase.create_external_file_format(
    name text, format_type text, field_terminator text DEFAULT NULL, string_delimiter text DEFAULT NULL, first_row integer DEFAULT NULL,
    date_format text DEFAULT NULL, use_type_default boolean DEFAULT NULL, encoding text DEFAULT NULL
) LANGUAGE plpgsql AS $$
BEGIN
    IF upper(format_type) NOT IN ('PARQUET', 'ORC', 'DELTA', 'DELIMITEDTEXT', 'JSON') THEN
        RAISE EXCEPTION 'there is no format %', format_type USING HINT = 'there are PARQUET, ORC, DELTA, DELIMITEDTEXT, JSON';
    END IF;
    INSERT INTO polybase.formats (
        name, format_type, field_terminator, string_delimiter, first_row, date_format, use_type_default, encoding
    ) VALUES (name, upper(format_type), field_terminator, string_delimiter, first_row, date_format, use_type_default, encoding);
END $$;

DROP PROCEDURE polybase.create_external_table(text, text, text, text[], text);
CREATE PROCEDURE polybase.create_external_table(
    name text, data_source text, location text, columns text[], file_format text, reject_type text DEFAULT NULL,
    reject_value numeric DEFAULT NULL, reject_sample_value bigint DEFAULT NULL, rejected_row_location text DEFAULT NULL
) LANGUAGE plpgsql AS $$
DECLARE of integer; parts text[] := parse_ident(name, true);
BEGIN
    SELECT f.file_format_id INTO of FROM polybase.formats f WHERE lower(f.name) = lower(file_format);
    IF of IS NULL THEN
        RAISE EXCEPTION 'there is no external file format %', file_format USING HINT = 'CALL polybase.create_external_file_format(...)';
    END IF;
    CALL polybase.create_external_table(name, data_source, location, columns);
    UPDATE polybase.tables t SET file_format_id = of, reject_type = upper($6), reject_value = $7, reject_sample_value = $8,
        rejected_row_location = $9
    WHERE lower(t.name) = lower(parts[cardinality(parts)])
        AND lower(t.schema_name) = CASE WHEN cardinality(parts) = 2 THEN lower(parts[1]) ELSE 'dbo' END;
END $$;
