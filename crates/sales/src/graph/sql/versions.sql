SELECT e.stream_id, max(e.stream_version)
FROM event e
WHERE e.tenant_id = $1 AND e.stream_id = ANY ($2) AND ($3::bigint IS NULL OR e.position <= $3)
GROUP BY e.stream_id
ORDER BY e.stream_id
LIMIT 1000
