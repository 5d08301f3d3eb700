SELECT position, stream_kind, stream_id, type, replaces, command_id, correlation_id, payload
FROM event
WHERE tenant_id = $1 AND position > $2
ORDER BY position
LIMIT $3
