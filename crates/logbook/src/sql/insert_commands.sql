INSERT INTO command (tenant_id, command_id, request_hash, first_position, last_position, result, recorded_at)
SELECT $1, command_id, request_hash, first_position, last_position, result, recorded_at
FROM unnest($2::uuid[], $3::bytea[], $4::bigint[], $5::bigint[], $6::text[], $7::timestamptz[])
     AS new (command_id, request_hash, first_position, last_position, result, recorded_at)
