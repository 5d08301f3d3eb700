SELECT p.id,
    json_build_object(
        'status', p.status, 'name', p.name, 'name_folded', p.name_folded,
        'list_price_minor', p.list_price_minor, 'currency', p.currency, 'external_id', p.external_id
    )::text AS found
FROM product_history p
WHERE p.tenant_id = $1 AND AS_OF(p) AND p.id = ANY ($4)
ORDER BY p.id
LIMIT 1000
