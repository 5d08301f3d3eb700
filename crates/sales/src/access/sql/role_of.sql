SELECT p.role FROM person_history p WHERE p.tenant_id = $1 AND AS_OF(p) AND p.id = $4 ORDER BY p.id LIMIT 1
