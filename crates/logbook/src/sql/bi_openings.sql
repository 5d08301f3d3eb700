SELECT o.statement
FROM (
    SELECT 'REVOKE TEMPORARY ON DATABASE ' || quote_ident(d.datname) || ' FROM PUBLIC' AS statement
    FROM pg_database d
    WHERE d.datname = current_database() AND EXISTS (
        SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
        WHERE a.grantee = 0 AND a.privilege_type = 'TEMPORARY')
    UNION ALL
    SELECT 'GRANT CONNECT ON DATABASE ' || quote_ident(current_database()) || ' TO quarterdeck_bi'
    WHERE NOT has_database_privilege('quarterdeck_bi', current_database(), 'CONNECT')
    UNION ALL
    SELECT 'REVOKE CREATE ON SCHEMA public FROM PUBLIC'
    FROM pg_namespace n
    WHERE n.nspname = 'public' AND EXISTS (
        SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
        WHERE a.grantee = 0 AND a.privilege_type = 'CREATE')
    UNION ALL
    SELECT 'REVOKE EXECUTE ON FUNCTION ' || p.oid::regprocedure || ' FROM PUBLIC'
    FROM pg_proc p
    WHERE (p.proname ~ '^(lo_|pg_advisory_|pg_try_advisory_|dblink)'
           OR p.proname IN ('loread', 'lowrite', 'pg_notify', 'pg_logical_emit_message'))
      AND p.prokind = 'f' AND EXISTS (
        SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
) o
ORDER BY o.statement
LIMIT 200
