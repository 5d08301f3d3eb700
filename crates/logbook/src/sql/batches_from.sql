SELECT last_position, first_position, epoch, recorded_at, previous_hash, root, hash
FROM log_batch
WHERE tenant_id = $1 AND last_position >= $2
ORDER BY last_position
LIMIT $3
