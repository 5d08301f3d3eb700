SELECT last_position, recorded_at, hash, epoch FROM log_batch
WHERE tenant_id = $1 AND last_position <= $2 ORDER BY last_position DESC LIMIT 1
