SELECT ranked.parent_id, ranked.id
FROM (
    SELECT a.parent_id, a.id,
           row_number() OVER (PARTITION BY a.parent_id ORDER BY a.name_folded COLLATE "C", a.id) AS place
    FROM account_history a
    WHERE a.tenant_id = $1 AND AS_OF(a) AND a.parent_id = ANY ($4)
) ranked
WHERE ranked.place <= 100
ORDER BY ranked.parent_id, ranked.place
LIMIT 100000
