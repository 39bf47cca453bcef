CREATE FUNCTION federation_fdw_handler() RETURNS fdw_handler AS 'MODULE_PATHNAME', 'postgres_fdw_handler' LANGUAGE C STRICT;
CREATE FUNCTION federation_fdw_validator(text[], oid) RETURNS void AS 'MODULE_PATHNAME', 'postgres_fdw_validator' LANGUAGE C STRICT;
CREATE FOREIGN DATA WRAPPER federation_fdw HANDLER federation_fdw_handler VALIDATOR federation_fdw_validator;
