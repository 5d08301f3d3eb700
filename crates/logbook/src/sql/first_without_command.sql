SELECT e.position
FROM event e
WHERE e.tenant_id = $1
  AND NOT EXISTS (SELECT FROM command c
                  WHERE c.tenant_id = $1 AND c.command_id = e.command_id
                    AND e.position BETWEEN c.first_position AND c.last_position)
ORDER BY e.position
LIMIT 1
