SELECT a.id,
    json_build_object(
        'status', a.status, 'name', a.name, 'name_folded', a.name_folded, 'parent_id', a.parent_id,
        'sector', a.sector, 'external_id', a.external_id
    )::text AS found
FROM account_history a
WHERE a.tenant_id = $1 AND AS_OF(a) AND a.id = ANY ($4)
ORDER BY a.id
LIMIT 1000
