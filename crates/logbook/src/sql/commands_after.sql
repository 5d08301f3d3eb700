SELECT c.command_id, c.first_position, c.last_position,
       (SELECT count(*) FROM event e
        WHERE e.tenant_id = $1 AND e.position BETWEEN c.first_position AND c.last_position
          AND e.command_id = c.command_id) AS said,
       c.result, c.recorded_at, length(c.request_hash) AS hash_bytes,
       last.stream_id, last.stream_version, last.recorded_at AS said_at
FROM command c
LEFT JOIN event last ON last.tenant_id = $1 AND last.position = c.last_position AND last.command_id = c.command_id
WHERE c.tenant_id = $1 AND ($2::uuid IS NULL OR c.command_id > $2)
ORDER BY c.command_id
LIMIT $3
