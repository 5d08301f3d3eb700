SELECT last_position FROM log_batch
WHERE tenant_id = $1 AND recorded_at <= $2 ORDER BY recorded_at DESC, last_position DESC LIMIT 1
