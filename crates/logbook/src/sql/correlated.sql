SELECT position, stream_kind, stream_id FROM event
WHERE tenant_id = $1 AND correlation_id = $2 AND position > $3 ORDER BY position LIMIT $4
