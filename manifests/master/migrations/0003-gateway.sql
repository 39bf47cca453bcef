-- The SQL gateway lets in whom the master would: it sees what passwords are known by, of roles that may log in, and no superuser's.
CREATE FUNCTION polybase.login(role name) RETURNS TABLE (verifier text, connections integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.rolpassword, a.rolconnlimit FROM pg_authid a
    WHERE a.rolname = role AND a.rolcanlogin AND NOT a.rolsuper AND NOT a.rolreplication
        AND (a.rolvaliduntil IS NULL OR a.rolvaliduntil > now())
$$;
REVOKE ALL ON FUNCTION polybase.login(name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION polybase.login(name) TO gateway;
GRANT USAGE ON SCHEMA polybase TO gateway;
