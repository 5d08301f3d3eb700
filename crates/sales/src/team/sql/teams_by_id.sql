SELECT t.id,
    json_build_object(
        'name', t.name, 'name_folded', t.name_folded, 'parent_id', t.parent_id, 'external_id', t.external_id
    )::text AS found
FROM team_history t
WHERE t.tenant_id = $1 AND AS_OF(t) AND t.id = ANY ($4)
ORDER BY t.id
LIMIT 1000
