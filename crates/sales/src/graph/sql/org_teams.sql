SELECT t.id, t.name, t.parent_id FROM team_history t WHERE t.tenant_id = $1 AND AS_OF(t) ORDER BY t.id LIMIT 1000000
