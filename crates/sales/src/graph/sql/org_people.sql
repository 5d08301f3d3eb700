SELECT p.id, p.team_id FROM person_history p WHERE p.tenant_id = $1 AND AS_OF(p) ORDER BY p.id LIMIT 1000000
