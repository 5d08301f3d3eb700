SELECT p.id, row_to_json(p)::text AS found, p.name_folded AS text_key
FROM person_history p
WHERE p.tenant_id = $1 AND AS_OF(p)
  AND ($4::text IS NULL OR (p.name_folded ~>=~ $4 AND p.name_folded ~<~ $5::text))
  AND ($6::text[] IS NULL OR p.status = ANY ($6))
  AND ($7::text[] IS NULL OR p.role = ANY ($7))
  AND ($8::uuid[] IS NULL OR p.id = ANY ($8))
  AND ($9::text IS NULL OR (p.name_folded COLLATE "C", p.id) > ($9 COLLATE "C", $10::uuid))
ORDER BY p.name_folded COLLATE "C" ASC, p.id ASC
LIMIT $11
