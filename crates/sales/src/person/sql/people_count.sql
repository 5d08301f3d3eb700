SELECT count(*)
FROM person_history p
WHERE p.tenant_id = $1 AND AS_OF(p)
  AND ($4::text IS NULL OR (p.name_folded ~>=~ $4 AND p.name_folded ~<~ $5::text))
  AND ($6::text[] IS NULL OR p.status = ANY ($6))
  AND ($7::text[] IS NULL OR p.role = ANY ($7))
  AND ($8::uuid[] IS NULL OR p.id = ANY ($8))
  AND ($9::uuid[] IS NULL OR p.id IN (
      SELECT r.id FROM reporting_history r WHERE r.tenant_id = $1 AND AS_OF(r) AND r.manager_id = ANY ($9)
  ))
