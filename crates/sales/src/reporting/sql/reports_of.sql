SELECT ranked.manager_id, ranked.id
FROM (
    SELECT r.manager_id, r.id, p.name_folded,
           row_number() OVER (PARTITION BY r.manager_id ORDER BY p.name_folded COLLATE "C", r.id) AS place
    FROM reporting_history r
    JOIN person_history p ON p.tenant_id = $1 AND p.id = r.id AND AS_OF(p)
    WHERE r.tenant_id = $1 AND AS_OF(r) AND r.manager_id = ANY ($4)
) ranked
WHERE ranked.place <= 1000
ORDER BY ranked.manager_id, ranked.place
LIMIT 1000000
