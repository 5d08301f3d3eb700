INSERT INTO log_batch (tenant_id, last_position, first_position, epoch, recorded_at, previous_hash, root, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
