SELECT a.id,
    json_build_object(
        'status', a.status, 'name', a.name, 'name_folded', a.name_folded, 'parent_id', a.parent_id,
        'sector', a.sector, 'external_id', a.external_id
    )::text AS found, a.name_folded AS text_key
FROM account_history a
WHERE a.tenant_id = $1 AND AS_OF(a)
  AND ($4::text IS NULL OR (a.name_folded ~>=~ $4 AND a.name_folded ~<~ $5::text))
  AND ($6::text[] IS NULL OR a.status = ANY ($6))
  AND ($7::text[] IS NULL OR a.sector = ANY ($7))
  AND ($8::uuid[] IS NULL OR a.parent_id = ANY ($8))
  AND ($9::text IS NULL OR (a.name_folded COLLATE "C", a.id) > ($9 COLLATE "C", $10::uuid))
ORDER BY a.name_folded COLLATE "C" ASC, a.id ASC
LIMIT $11
