SELECT p.id,
    json_build_object(
        'status', p.status, 'name', p.name, 'name_folded', p.name_folded,
        'list_price_minor', p.list_price_minor, 'currency', p.currency, 'external_id', p.external_id
    )::text AS found, p.name_folded AS text_key
FROM product_history p
WHERE p.tenant_id = $1 AND AS_OF(p)
  AND ($4::text IS NULL OR (p.name_folded ~>=~ $4 AND p.name_folded ~<~ $5::text))
  AND ($6::text[] IS NULL OR p.status = ANY ($6))
  AND ($7::text IS NULL OR (p.name_folded COLLATE "C", p.id) < ($7 COLLATE "C", $8::uuid))
ORDER BY p.name_folded COLLATE "C" DESC, p.id DESC
LIMIT $9
