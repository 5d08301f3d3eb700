INSERT INTO bi_login (login, role, tenant_id, granted_at)
SELECT r.rolname, r.oid, $2, $3 FROM pg_roles r WHERE r.rolname = $1::text
