SELECT correlation_id
FROM event
WHERE tenant_id = $1 AND source = 'import' AND (actor = $2 OR actor NOT LIKE 'import:%')
GROUP BY correlation_id
ORDER BY min(position)
LIMIT 1000000
