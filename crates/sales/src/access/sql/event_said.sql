SELECT e.stream_id, e.actor, e.type, e.payload
FROM event e
WHERE e.tenant_id = $1 AND e.position = $2 AND e.stream_kind = $3 AND e.stream_id = $4
ORDER BY e.position
LIMIT 1
