SELECT c.command_id, c.first_position, c.last_position,
       (SELECT count(*) FROM event e
        WHERE e.tenant_id = $1 AND e.position BETWEEN c.first_position AND c.last_position
          AND e.command_id = c.command_id) AS said
FROM command c
WHERE c.tenant_id = $1 AND ($2::uuid IS NULL OR c.command_id > $2)
ORDER BY c.command_id
LIMIT $3
