SELECT t.id,
    json_build_object(
        'name', t.name, 'name_folded', t.name_folded, 'parent_id', t.parent_id, 'external_id', t.external_id
    )::text AS found, t.name_folded AS text_key
FROM team_history t
WHERE t.tenant_id = $1 AND AS_OF(t)
  AND ($4::text IS NULL OR (t.name_folded ~>=~ $4 AND t.name_folded ~<~ $5::text))
  AND ($6::uuid[] IS NULL OR t.parent_id = ANY ($6))
  AND ($7::boolean IS NULL OR (t.parent_id IS NULL) = $7)
  AND ($8::text IS NULL OR (t.name_folded COLLATE "C", t.id) > ($8 COLLATE "C", $9::uuid))
ORDER BY t.name_folded COLLATE "C" ASC, t.id ASC
LIMIT $10
