INSERT INTO stream_snapshot (tenant_id, stream_id, stream_version, position, state) VALUES ($1, $2, $3, $4, $5)
