-- The system catalogs as the SQL gateway's users see them: what each may query there, and nothing else. The gateway asks these views in
-- place of pg_catalog's and information_schema's, in a transaction of its own (docs/adr/0030-catalogs.md):
-- - catalogs.role is who asks; what the federation tells that role is in the connection's temporary tables schemas, relations and columns.
-- - Relations of the master that stand among these have their own rows; the others have rows made here, with OIDs of the gateway's.
-- - information_schema's views are PostgreSQL's own definitions over the views of this schema.
SET LOCAL check_function_bodies = off;
SET LOCAL client_min_messages = warning;
CREATE SCHEMA catalogs;
GRANT USAGE ON SCHEMA catalogs TO gateway;

CREATE TYPE catalogs.seen_schema AS (oid oid, name name);
CREATE TYPE catalogs.seen_relation AS (oid oid, schema name, name name, home text, kind "char", width smallint);
CREATE TYPE catalogs.seen_column AS (
    relation oid, number smallint, name name, type oid, modifier integer, required boolean, comment text
);
-- The planner puts the tables in the place of these: a view of its own can't be of temporary tables.
CREATE FUNCTION catalogs.schemas() RETURNS SETOF catalogs.seen_schema LANGUAGE sql STABLE AS
    'SELECT s.oid, s.name FROM pg_temp.schemas s';
CREATE FUNCTION catalogs.relations() RETURNS SETOF catalogs.seen_relation LANGUAGE sql STABLE AS
    'SELECT r.oid, r.schema, r.name, r.home, r.kind, r.width FROM pg_temp.relations r';
CREATE FUNCTION catalogs.seen_columns() RETURNS SETOF catalogs.seen_column LANGUAGE sql STABLE AS
    'SELECT c.relation, c.number, c.name, c.type, c.modifier, c.required, c.comment FROM pg_temp.columns c';

CREATE FUNCTION catalogs.me() RETURNS name LANGUAGE sql STABLE AS $$ SELECT current_setting('catalogs.role')::name $$;
CREATE FUNCTION catalogs."current_user"() RETURNS name LANGUAGE sql STABLE AS 'SELECT catalogs.me()';
CREATE FUNCTION catalogs."session_user"() RETURNS name LANGUAGE sql STABLE AS 'SELECT catalogs.me()';
CREATE FUNCTION catalogs."current_role"() RETURNS name LANGUAGE sql STABLE AS 'SELECT catalogs.me()';
CREATE FUNCTION catalogs."user"() RETURNS name LANGUAGE sql STABLE AS 'SELECT catalogs.me()';
CREATE FUNCTION catalogs.administrator() RETURNS oid LANGUAGE sql STABLE AS $$ SELECT coalesce(to_regrole('bdc')::oid, 10::oid) $$;
CREATE FUNCTION catalogs.acl(owner oid) RETURNS aclitem[] LANGUAGE sql STABLE AS
    $$ SELECT ARRAY[makeaclitem(to_regrole(quote_ident(catalogs.me()))::oid, owner, 'SELECT', false)] $$;

-- The master's relations of the names that the federation tells: tables of the master, and foreign tables for external ones.
CREATE VIEW catalogs.namesakes AS
SELECT c.oid, r.oid AS seen, r.home FROM catalogs.relations() r
JOIN pg_catalog.pg_namespace n ON n.nspname = r.schema JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = r.name
WHERE r.home = 'master' OR (r.home = 'external' AND c.relkind = 'f');

CREATE VIEW catalogs.own AS
SELECT s.oid FROM catalogs.namesakes s WHERE s.home = 'master' OR has_table_privilege(catalogs.me(), s.oid, 'SELECT');

CREATE VIEW catalogs.made AS
SELECT r.* FROM catalogs.relations() r
WHERE r.home <> 'master' AND NOT EXISTS (SELECT FROM catalogs.namesakes s WHERE s.seen = r.oid);

-- A catalog: rows of the system's own objects (their OIDs are below 16384) and of relations that are shown, with some columns `other`wise;
-- `made` are more.
CREATE PROCEDURE catalogs.show(catalog name, shown text, made jsonb DEFAULT NULL, "from" text DEFAULT NULL, other jsonb DEFAULT '{}')
LANGUAGE plpgsql AS $$
DECLARE
    names text; more text;
BEGIN
    SELECT string_agg(CASE WHEN other ? attname THEN format('%s AS %I', other ->> attname, attname)
            WHEN typname = 'anyarray' THEN format('c.%1$I::text::text[] AS %1$I', attname) ELSE format('c.%I', attname) END, ', ' ORDER BY attnum),
        string_agg(format('(%s)::%s', coalesce(made ->> attname, CASE
            WHEN typname = 'bool' THEN 'false'
            WHEN typname = 'char' THEN ''''''
            WHEN typcategory = 'N' OR typname = 'xid' THEN '''0'''
            ELSE 'NULL' END), replace(format_type(atttypid, NULL), 'anyarray', 'text[]')), ', ' ORDER BY attnum)
    INTO names, more
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE attrelid = format('pg_catalog.%I', catalog)::regclass AND attnum > 0 AND NOT attisdropped;
    EXECUTE format('CREATE VIEW catalogs.%1$I AS SELECT %2$s, c.tableoid, c.xmin FROM pg_catalog.%1$I c WHERE %3$s', catalog, names, shown)
        || CASE WHEN made IS NULL THEN '' ELSE
            format(' UNION ALL SELECT %s, ''pg_catalog.%I''::regclass::oid, ''0''::xid FROM %s', more, catalog, "from") END;
END $$;

CALL catalogs.show('pg_namespace', '(c.oid < 16384 AND c.nspname <> ''public'') OR c.nspname IN (SELECT s.name FROM catalogs.schemas() s)',
    '{"oid": "s.oid", "nspname": "s.name", "nspowner": "catalogs.administrator()",
      "nspacl": "ARRAY[makeaclitem(0, catalogs.administrator(), ''USAGE'', false)]"}',
    'catalogs.schemas() s WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = s.name)');
CALL catalogs.show('pg_class', 'c.oid < 16384 OR c.oid IN (SELECT o.oid FROM catalogs.own o)
    OR c.oid IN (SELECT i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid IN (SELECT o.oid FROM catalogs.own o))',
    '{"oid": "m.oid", "relname": "m.name", "relnamespace": "n.oid", "relowner": "catalogs.administrator()", "relkind": "m.kind",
      "relnatts": "m.width", "relpersistence": "''p''", "relreplident": "''n''", "reltuples": "-1", "relispopulated": "true",
      "relacl": "catalogs.acl(catalogs.administrator())"}',
    'catalogs.made m JOIN catalogs.pg_namespace n ON n.nspname = m.schema',
    '{"relacl": "CASE WHEN c.oid < 16384 OR c.relkind IN (''i'', ''I'') THEN c.relacl ELSE catalogs.acl(c.relowner) END", "relpages": "0"}');
-- (DuckDB reads a table that has pages by ctid, some pages at a time, and no table has one in Trino.)
CALL catalogs.show('pg_attribute', 'c.attrelid < 16384 OR c.attrelid IN (SELECT o.oid FROM catalogs.own o)
    OR c.attrelid IN (SELECT i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid IN (SELECT o.oid FROM catalogs.own o))',
    '{"attrelid": "m.oid", "attname": "s.name", "atttypid": "s.type", "attlen": "t.typlen", "attnum": "s.number",
      "atttypmod": "s.modifier", "attndims": "CASE WHEN t.typcategory = ''A'' THEN 1 ELSE 0 END", "attbyval": "t.typbyval",
      "attalign": "t.typalign", "attstorage": "t.typstorage", "attnotnull": "s.required", "attislocal": "true", "attcacheoff": "-1", "attstattarget": "-1",
      "attcollation": "t.typcollation"}',
    'catalogs.made m JOIN catalogs.seen_columns() s ON s.relation = m.oid JOIN pg_catalog.pg_type t ON t.oid = s.type');
CALL catalogs.show('pg_description', 'c.objoid < 16384 OR c.objoid IN (SELECT o.oid FROM catalogs.own o)',
    '{"objoid": "m.oid", "classoid": "1259", "objsubid": "s.number", "description": "s.comment"}',
    'catalogs.made m JOIN catalogs.seen_columns() s ON s.relation = m.oid WHERE s.comment IS NOT NULL');
CALL catalogs.show('pg_foreign_table', 'c.ftrelid IN (SELECT o.oid FROM catalogs.own o)',
    '{"ftrelid": "m.oid", "ftserver": "s.oid"}',
    'catalogs.made m JOIN pg_catalog.pg_foreign_server s ON s.srvname = ''federation'' WHERE m.kind = ''f''');
CALL catalogs.show('pg_proc', 'c.oid < 16384');
CALL catalogs.show('pg_type', 'c.oid < 16384 OR (c.typrelid = 0 AND c.typnamespace <> ''catalogs''::regnamespace AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_type e WHERE e.oid = c.typelem AND e.typrelid <> 0))');
DO $$
DECLARE
    of text;
BEGIN
    FOREACH of IN ARRAY ARRAY['pg_index indrelid', 'pg_constraint conrelid', 'pg_attrdef adrelid', 'pg_trigger tgrelid', 'pg_policy polrelid',
        'pg_rewrite ev_class', 'pg_inherits inhrelid', 'pg_statistic_ext stxrelid', 'pg_partitioned_table partrelid', 'pg_sequence seqrelid',
        'pg_publication_rel prrelid'] LOOP
        CALL catalogs.show(split_part(of, ' ', 1)::name, format('c.%1$I < 16384 OR c.%1$I IN (SELECT o.oid FROM catalogs.own o)',
            split_part(of, ' ', 2)));
    END LOOP;
END $$;
DROP PROCEDURE catalogs.show;
-- psql 15 asks every server since 15 for daticulocale, which PostgreSQL 17 calls datlocale.
DO $$
DECLARE
    more text := CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'pg_database'::regclass AND attname = 'datlocale')
        THEN ', c.datlocale AS daticulocale' ELSE '' END;
BEGIN
    EXECUTE 'CREATE VIEW catalogs.pg_database AS SELECT c.*, c.tableoid, c.xmin' || more
        || ' FROM pg_catalog.pg_database c WHERE c.datname = current_database()';
END $$;

-- All who ask have connections of one role: each sees the one that it asks by, and those of other roles.
CREATE VIEW catalogs.pg_stat_activity AS SELECT * FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_backend_pid()
    OR a.usesysid IS DISTINCT FROM (SELECT own.usesysid FROM pg_catalog.pg_stat_activity own WHERE own.pid = pg_backend_pid());

-- The settings of who asks are the gateway's: it reads from catalogs.changed what a statement sets. Here they hold for the statement.
CREATE FUNCTION catalogs.set_config(setting text, value text, local boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := coalesce(nullif(current_setting('catalogs.changed', true), ''), '[]')::jsonb;
    found text;
BEGIN
    IF lower(setting) LIKE 'catalogs.%' THEN
        RAISE EXCEPTION 'permission denied to set parameter "%"', setting USING ERRCODE = 'insufficient_privilege';
    END IF;
    found := pg_catalog.set_config(setting, value, true);
    PERFORM pg_catalog.set_config('catalogs.changed', (before || jsonb_build_array(jsonb_build_array(setting, value, coalesce(local, false))))::text,
        true);
    RETURN found;
END $$;

-- Names, by the path of who asks.
CREATE FUNCTION catalogs.path_names() RETURNS name[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN w.words @> '{pg_catalog}' THEN w.words ELSE 'pg_catalog'::name || w.words END
    FROM (SELECT string_to_array(translate(current_setting('search_path'), ' "', ''), ',')::name[]) w (words)
$$;
CREATE FUNCTION catalogs.path() RETURNS TABLE (schema name, place bigint) LANGUAGE sql STABLE AS $$
    SELECT p.name, p.place - CASE WHEN current_setting('search_path') ~ '\mpg_catalog\M' THEN 0 ELSE 1 END
    FROM unnest(catalogs.path_names()) WITH ORDINALITY p (name, place)
    WHERE p.name IN ('pg_catalog', 'information_schema') OR EXISTS (SELECT FROM catalogs.schemas() s WHERE s.name = p.name)
$$;
-- Tools ask for these as they connect: so they are the path as it is set, and need not know which of its schemas there are.
CREATE FUNCTION catalogs.current_schemas(implicit boolean) RETURNS name[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN implicit OR current_setting('search_path') ~ '\mpg_catalog\M' THEN p.path ELSE p.path[2:] END
    FROM (SELECT catalogs.path_names()) p (path)
$$;
CREATE FUNCTION catalogs."current_schema"() RETURNS name LANGUAGE sql STABLE AS 'SELECT (catalogs.current_schemas(false))[1]';

CREATE FUNCTION catalogs.pg_table_is_visible(of oid) RETURNS boolean LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    found_schema name; found_name name; path name[]; before name;
BEGIN
    IF of < 16384 THEN
        RETURN pg_catalog.pg_table_is_visible(of);
    END IF;
    SELECT r.schema, r.name INTO found_schema, found_name FROM catalogs.relations() r WHERE r.oid = of;
    IF NOT FOUND THEN
        SELECT n.nspname, c.relname INTO found_schema, found_name
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = of;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    path := catalogs.path_names();
    IF found_schema <> ALL (path) THEN
        RETURN false;
    END IF;
    FOREACH before IN ARRAY path LOOP
        EXIT WHEN before = found_schema;
        IF EXISTS (SELECT FROM catalogs.relations() r WHERE r.schema = before AND r.name = found_name) THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$;

-- The OID of a relation of a schema, or NULL, as catalogs.pg_class has it: by indexes, as tools ask for each column of thousands of tables.
-- Sequences are found where they serve a column, though nobody can ask them.
CREATE FUNCTION catalogs.relation_in(schema name, called name) RETURNS oid LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    seen_oid oid; found_home text; own_oid oid; kind "char";
BEGIN
    SELECT c.oid, c.relkind INTO own_oid, kind FROM pg_catalog.pg_class c
    WHERE c.relname = called AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = schema);
    SELECT r.oid, r.home INTO seen_oid, found_home FROM catalogs.relations() r WHERE r.schema = relation_in.schema AND r.name = called;
    IF found_home = 'lake' OR (found_home = 'external' AND kind IS DISTINCT FROM 'f') THEN
        RETURN seen_oid;
    ELSIF found_home = 'master' OR own_oid < 16384 OR kind = 'S' THEN
        RETURN own_oid;
    ELSIF found_home = 'external' THEN
        RETURN CASE WHEN has_table_privilege(catalogs.me(), own_oid, 'SELECT') THEN own_oid END;
    END IF;
    RETURN (SELECT i.indexrelid FROM pg_catalog.pg_index i JOIN catalogs.own o ON o.oid = i.indrelid WHERE i.indexrelid = own_oid);
END $$;
-- The OID of a name, of a number, or NULL.
CREATE FUNCTION catalogs.relation_at(called text) RETURNS oid LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    parts text[]; path name[]; schema name; found_oid oid;
BEGIN
    IF called ~ '^\d+$' THEN
        RETURN called::oid;
    ELSIF called = '-' THEN
        RETURN 0;
    END IF;
    parts := parse_ident(called);
    IF cardinality(parts) = 3 AND parts[1] = current_database() THEN
        parts := parts[2:];
    END IF;
    IF cardinality(parts) > 2 THEN
        RETURN NULL;
    END IF;
    path := CASE WHEN cardinality(parts) = 2 THEN ARRAY[parts[1]::name]
        ELSE array(SELECT p.schema FROM catalogs.path() p ORDER BY p.place) END;
    FOREACH schema IN ARRAY path LOOP
        found_oid := catalogs.relation_in(schema, parts[cardinality(parts)]::name);
        EXIT WHEN found_oid IS NOT NULL;
    END LOOP;
    RETURN found_oid;
END $$;
CREATE FUNCTION catalogs.relation_of(called text) RETURNS oid LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    found_oid oid := catalogs.relation_at(called);
BEGIN
    IF found_oid IS NULL THEN
        RAISE EXCEPTION 'relation "%" does not exist', array_to_string(parse_ident(called), '.') USING ERRCODE = 'undefined_table';
    END IF;
    RETURN found_oid;
END $$;
CREATE FUNCTION catalogs.name_of_relation(of oid) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    found_schema name; found_name name;
BEGIN
    SELECT n.nspname, c.relname INTO found_schema, found_name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = of;
    IF NOT FOUND THEN
        SELECT r.schema, r.name INTO found_schema, found_name FROM catalogs.relations() r WHERE r.oid = of;
    END IF;
    RETURN CASE WHEN of = 0 THEN '-' WHEN found_name IS NULL THEN of::text
        WHEN catalogs.pg_table_is_visible(of) THEN quote_ident(found_name)
        ELSE quote_ident(found_schema) || '.' || quote_ident(found_name) END;
END $$;
CREATE FUNCTION catalogs.namespace_at(called text) RETURNS oid LANGUAGE sql STABLE STRICT AS $$
    SELECT CASE WHEN called ~ '^\d+$' THEN called::oid WHEN called = '-' THEN 0::oid
        ELSE (SELECT n.oid FROM catalogs.pg_namespace n WHERE n.nspname = (parse_ident(called))[1]::name) END
$$;
CREATE FUNCTION catalogs.namespace_of(called text) RETURNS oid LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    found_oid oid := catalogs.namespace_at(called);
BEGIN
    IF found_oid IS NULL THEN
        RAISE EXCEPTION 'schema "%" does not exist', (parse_ident(called))[1] USING ERRCODE = 'invalid_schema_name';
    END IF;
    RETURN found_oid;
END $$;
CREATE FUNCTION catalogs.name_of_namespace(of oid) RETURNS text LANGUAGE sql STABLE STRICT AS $$
    SELECT CASE WHEN of = 0 THEN '-' ELSE
        coalesce((SELECT quote_ident(n.nspname) FROM catalogs.pg_namespace n WHERE n.oid = of), of::text) END
$$;

-- regclass and regnamespace: names that are OIDs where one is wanted. PostgreSQL's own look into the master's catalogs.
DO $$
DECLARE
    one text; thing text; source text;
BEGIN
    FOREACH one IN ARRAY ARRAY['regclass relation', 'regnamespace namespace'] LOOP
        thing := split_part(one, ' ', 2);
        one := split_part(one, ' ', 1);
        EXECUTE format($of$
            CREATE TYPE catalogs.%1$I;
            CREATE FUNCTION catalogs.%1$s_in(cstring) RETURNS catalogs.%1$I LANGUAGE internal IMMUTABLE STRICT AS 'textin';
            CREATE FUNCTION catalogs.%1$s_out(catalogs.%1$I) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
            CREATE FUNCTION catalogs.%1$s_receive(internal) RETURNS catalogs.%1$I LANGUAGE internal STABLE STRICT AS 'textrecv';
            CREATE FUNCTION catalogs.%1$s_send(catalogs.%1$I) RETURNS bytea LANGUAGE internal STABLE STRICT AS 'textsend';
            CREATE TYPE catalogs.%1$I (INPUT = catalogs.%1$s_in, OUTPUT = catalogs.%1$s_out, RECEIVE = catalogs.%1$s_receive,
                SEND = catalogs.%1$s_send, LIKE = text, CATEGORY = 'S', COLLATABLE = true);
            CREATE CAST (catalogs.%1$I AS text) WITHOUT FUNCTION AS IMPLICIT;
            CREATE FUNCTION catalogs.oid_of(catalogs.%1$I) RETURNS oid LANGUAGE sql STABLE STRICT AS
                'SELECT catalogs.%2$s_of($1::text)';
            CREATE CAST (catalogs.%1$I AS oid) WITH FUNCTION catalogs.oid_of(catalogs.%1$I) AS IMPLICIT;
            CREATE FUNCTION catalogs.bigint_of(catalogs.%1$I) RETURNS bigint LANGUAGE sql STABLE STRICT AS
                'SELECT catalogs.%2$s_of($1::text)::bigint';
            CREATE CAST (catalogs.%1$I AS bigint) WITH FUNCTION catalogs.bigint_of(catalogs.%1$I);
            CREATE FUNCTION catalogs.integer_of(catalogs.%1$I) RETURNS integer LANGUAGE sql STABLE STRICT AS
                'SELECT catalogs.%2$s_of($1::text)::integer';
            CREATE CAST (catalogs.%1$I AS integer) WITH FUNCTION catalogs.integer_of(catalogs.%1$I);
            CREATE FUNCTION catalogs.own_of(catalogs.%1$I) RETURNS pg_catalog.%1$I LANGUAGE sql STABLE STRICT AS
                'SELECT catalogs.%2$s_of($1::text)::pg_catalog.%1$I';
            CREATE CAST (catalogs.%1$I AS pg_catalog.%1$I) WITH FUNCTION catalogs.own_of(catalogs.%1$I) AS IMPLICIT;
        $of$, one, thing);
        FOREACH source IN ARRAY ARRAY['text', 'varchar', 'name', 'oid', 'bigint', 'integer', 'pg_catalog.' || one] LOOP
            EXECUTE format($of$
                CREATE FUNCTION catalogs.%1$s_from(%3$s) RETURNS catalogs.%1$I LANGUAGE sql STABLE STRICT AS
                    'SELECT catalogs.%1$s_in(textout(catalogs.name_of_%2$s(%4$s)))';
                CREATE CAST (%3$s AS catalogs.%1$I) WITH FUNCTION catalogs.%1$s_from(%3$s);
            $of$, one, thing, source,
            CASE WHEN source IN ('text', 'varchar', 'name') THEN format('catalogs.%s_of($1::text)', thing) ELSE '$1::oid' END);
        END LOOP;
    END LOOP;
END $$;
CREATE FUNCTION catalogs.to_regclass(called text) RETURNS catalogs.regclass LANGUAGE sql STABLE STRICT AS
    'SELECT catalogs.regclass_in(textout(catalogs.name_of_relation(catalogs.relation_at(called))))';
CREATE FUNCTION catalogs.to_regnamespace(called text) RETURNS catalogs.regnamespace LANGUAGE sql STABLE STRICT AS
    'SELECT catalogs.regnamespace_in(textout(catalogs.name_of_namespace(catalogs.namespace_at(called))))';

CREATE FUNCTION catalogs.obj_description(of oid, catalog name) RETURNS text LANGUAGE sql STABLE STRICT AS $$
    SELECT d.description FROM catalogs.pg_description d
    WHERE d.objoid = of AND d.objsubid = 0
        AND d.classoid = (SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relname = catalog AND c.relnamespace = 11)
$$;
CREATE FUNCTION catalogs.obj_description(of oid) RETURNS text LANGUAGE sql STABLE STRICT AS
    'SELECT d.description FROM catalogs.pg_description d WHERE d.objoid = of AND d.objsubid = 0 LIMIT 1';
-- Metabase asks for it for each column of all tables: so those of the federation are looked up by their index.
CREATE FUNCTION catalogs.col_description(of oid, number integer) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    found_text text;
BEGIN
    SELECT s.comment INTO found_text FROM catalogs.seen_columns() s WHERE s.relation = of AND s.number = col_description.number;
    IF NOT FOUND THEN
        SELECT d.description INTO found_text FROM catalogs.pg_description d
        WHERE d.objoid = of AND d.classoid = 1259 AND d.objsubid = col_description.number;
    END IF;
    RETURN found_text;
END $$;

-- Rights: who asks may read what is shown, and change nothing. What is asked for another role, of the master's relations, is the master's to say.
CREATE FUNCTION catalogs.may(who name, of oid, wanted text) RETURNS boolean LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    reads boolean := 'SELECT' = ANY (regexp_split_to_array(upper(btrim(wanted)), '\s*,\s*')); found_home text; found_own oid;
BEGIN
    PERFORM has_table_privilege(who, 1259, wanted);  -- raises an error for what is no privilege, or no role
    IF of < 16384 THEN
        RETURN has_table_privilege(who, of, wanted);
    END IF;
    SELECT r.home INTO found_home FROM catalogs.relations() r WHERE r.oid = of;
    IF FOUND THEN
        RETURN reads;
    END IF;
    SELECT r.home INTO found_home FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN catalogs.relations() r ON r.schema = n.nspname AND r.name = c.relname
    WHERE c.oid = of AND (r.home = 'master' OR (r.home = 'external' AND c.relkind = 'f'));
    IF NOT FOUND THEN
        RETURN CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = of) THEN false END;
    END IF;
    RETURN reads AND (has_table_privilege(who, of, 'SELECT') OR (who = catalogs.me() AND found_home = 'master'));
END $$;
CREATE FUNCTION catalogs.may_in(who name, of oid, wanted text) RETURNS boolean LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    PERFORM has_schema_privilege(who, 11, wanted);
    IF NOT EXISTS (SELECT FROM catalogs.pg_namespace n WHERE n.oid = of) THEN
        RETURN CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = of) THEN false END;
    END IF;
    RETURN 'USAGE' = ANY (regexp_split_to_array(upper(btrim(wanted)), '\s*,\s*'));
END $$;
CREATE FUNCTION catalogs.column_at(of oid, called text) RETURNS smallint LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    place smallint;
BEGIN
    SELECT a.attnum INTO place FROM catalogs.pg_attribute a WHERE a.attrelid = of AND a.attname = called AND NOT a.attisdropped;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'column "%" of relation "%" does not exist', called, catalogs.name_of_relation(of) USING ERRCODE = 'undefined_column';
    END IF;
    RETURN place;
END $$;
CREATE FUNCTION catalogs.column_at(of oid, number smallint) RETURNS smallint LANGUAGE sql STABLE STRICT AS $$
    SELECT s.number FROM catalogs.seen_columns() s WHERE s.relation = of AND s.number = $2
    UNION ALL
    SELECT a.attnum FROM pg_catalog.pg_attribute a WHERE a.attrelid = of AND a.attnum = $2 AND NOT a.attisdropped
$$;
-- Each form of PostgreSQL's own functions; those without a role are of who asks.
DO $$
DECLARE
    form record; who text; thing text; body text; at integer;
BEGIN
    FOR form IN
        SELECT p.proname AS name, min(p.pronargs) OVER (PARTITION BY p.proname) AS least,
            array(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY u (t, place) ORDER BY place) AS types
        FROM pg_catalog.pg_proc p
        WHERE p.pronamespace = 11 AND (p.proname ~ '^has_\w+_privilege$' OR p.proname = 'pg_has_role')
    LOOP
        at := cardinality(form.types) - form.least;  -- how many stand before the arguments of all forms: the role, or none
        who := CASE WHEN at = 0 THEN 'catalogs.me()' WHEN form.types[1] = 'oid' THEN 'pg_catalog.pg_get_userbyid($1)' ELSE '$1' END;
        thing := format(CASE WHEN form.types[at + 1] <> 'text' THEN '$%s' WHEN form.name = 'has_schema_privilege' THEN 'catalogs.namespace_of($%s)'
            ELSE 'catalogs.relation_of($%s)' END, at + 1);
        body := CASE form.name
            WHEN 'has_table_privilege' THEN format('catalogs.may(%s, %s, $%s)', who, thing, at + 2)
            WHEN 'has_any_column_privilege' THEN format('catalogs.may(%s, %s, $%s)', who, thing, at + 2)
            WHEN 'has_column_privilege' THEN format(
                'CASE WHEN catalogs.column_at(%2$s, $%3$s) IS NOT NULL THEN catalogs.may(%1$s, %2$s, $%4$s) END', who, thing, at + 2, at + 3)
            WHEN 'has_schema_privilege' THEN format('catalogs.may_in(%s, %s, $%s)', who, thing, at + 2)
            WHEN 'has_database_privilege' THEN format(
                'pg_catalog.has_database_privilege(%s, $%s, $%s) AND upper($%3$s) ~ ''\mCONNECT\s*(,|$)''', who, at + 1, at + 2)
            ELSE format('pg_catalog.%I(%s)', form.name, concat_ws(', ', who, (
                SELECT string_agg(format('$%s', n), ', ' ORDER BY n) FROM generate_series(at + 1, cardinality(form.types)) n)))
        END;
        EXECUTE format('CREATE FUNCTION catalogs.%I(%s) RETURNS boolean LANGUAGE sql STABLE STRICT AS %L',
            form.name, array_to_string(form.types, ', '), 'SELECT ' || body);
    END LOOP;
END $$;

-- PostgreSQL's own views, over the views above: names without a schema are found in this one first.
CREATE FUNCTION catalogs._pg_truetypid(catalogs.pg_attribute, catalogs.pg_type) RETURNS oid LANGUAGE sql IMMUTABLE AS
    'SELECT CASE WHEN $2.typtype = ''d'' THEN $2.typbasetype ELSE $1.atttypid END';
CREATE FUNCTION catalogs._pg_truetypmod(catalogs.pg_attribute, catalogs.pg_type) RETURNS integer LANGUAGE sql IMMUTABLE AS
    'SELECT CASE WHEN $2.typtype = ''d'' THEN $2.typtypmod ELSE $1.atttypmod END';
DO $$
DECLARE
    one record; body text;
BEGIN
    FOR one IN
        SELECT c.oid, c.relname FROM pg_catalog.pg_class c
        WHERE c.relkind = 'v' AND (c.relnamespace = 'information_schema'::regnamespace OR (c.relnamespace = 11 AND c.relname IN (
            'pg_tables', 'pg_views', 'pg_matviews', 'pg_indexes', 'pg_sequences', 'pg_rules', 'pg_policies', 'pg_stat_all_tables',
            'pg_stat_user_tables', 'pg_stat_sys_tables', 'pg_statio_all_tables', 'pg_statio_user_tables', 'pg_stat_all_indexes',
            'pg_stat_user_indexes', 'pg_statio_all_indexes', 'pg_statio_user_indexes')))
        ORDER BY c.oid
    LOOP
        PERFORM set_config('search_path', 'information_schema, pg_catalog', true);
        body := regexp_replace(pg_get_viewdef(one.oid), '\mCURRENT_USER\M', 'catalogs.me()', 'g');
        -- who sees a relation that is none of the system's may read it; asking for each row takes long
        body := regexp_replace(body, '\mpg_has_role\((c|nc|r)\.relowner, ''USAGE''::text\)', '(\1.oid >= 16384::oid)', 'g');
        PERFORM set_config('search_path', 'catalogs, information_schema, pg_catalog', true);
        EXECUTE format('CREATE VIEW catalogs.%I AS %s', one.relname, body);
    END LOOP;
END $$;
RESET search_path;
GRANT SELECT ON ALL TABLES IN SCHEMA catalogs TO gateway;
