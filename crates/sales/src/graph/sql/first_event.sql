SELECT e.recorded_at, e.source FROM event e WHERE e.tenant_id = $1 AND e.position = 1 ORDER BY e.position LIMIT 1
