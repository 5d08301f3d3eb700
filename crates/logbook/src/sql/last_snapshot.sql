SELECT stream_version, position, state FROM stream_snapshot
WHERE tenant_id = $1 AND stream_id = $2 ORDER BY stream_version DESC LIMIT 1
