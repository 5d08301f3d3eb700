SELECT last_position, recorded_at, hash, epoch FROM log_batch WHERE tenant_id = $1 ORDER BY last_position DESC LIMIT 1
