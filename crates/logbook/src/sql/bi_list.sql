SELECT b.login::text AS login, b.tenant_id, b.granted_at, r.oid IS NOT NULL AS there
FROM bi_login b
LEFT JOIN pg_roles r ON r.rolname = b.login AND r.oid = b.role
ORDER BY b.login
LIMIT 1000
