SELECT count(*)
FROM team_history t
WHERE t.tenant_id = $1 AND AS_OF(t)
  AND ($4::text IS NULL OR (t.name_folded ~>=~ $4 AND t.name_folded ~<~ $5::text))
  AND ($6::uuid[] IS NULL OR t.parent_id = ANY ($6))
  AND ($7::boolean IS NULL OR (t.parent_id IS NULL) = $7)
