SELECT count(*)
FROM login_history l
WHERE l.tenant_id = $1 AND AS_OF(l)
  AND ($4::text IS NULL OR (l.name_folded ~>=~ $4 AND l.name_folded ~<~ $5::text))
  AND ($6::text[] IS NULL OR l.status = ANY ($6))
  AND ($7::uuid[] IS NULL OR l.person_id = ANY ($7))
