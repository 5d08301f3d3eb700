SELECT p.id,
    json_build_object(
        'name', p.name, 'name_folded', p.name_folded, 'external_id', p.external_id
    )::text AS found
FROM pipeline_history p
WHERE p.tenant_id = $1 AND AS_OF(p) AND p.id = ANY ($4)
ORDER BY p.id
LIMIT 1000
