SELECT position, recorded_at
FROM event
WHERE tenant_id = $1 AND position <= $2
ORDER BY position DESC
LIMIT 1
