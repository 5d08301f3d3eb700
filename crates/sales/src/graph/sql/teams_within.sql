SELECT h.id, h.valid_from, nullif(CASE WHEN $3 < h.closed_at THEN 'infinity' ELSE h.valid_to END, 'infinity') AS valid_to,
       h.parent_id
FROM team_history h
WHERE h.tenant_id = $1 AND UP_TO(h) AND (h.valid_to > $4::timestamptz OR $3 < h.closed_at)
ORDER BY h.id, h.valid_from
LIMIT 1000000
