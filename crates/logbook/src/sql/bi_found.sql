SELECT r.oid AS role, b.tenant_id, b.role AS granted_role
FROM (SELECT $1::text::name AS login) a
LEFT JOIN pg_roles r ON r.rolname = a.login
LEFT JOIN bi_login b ON b.login = a.login
