SELECT count(*)
FROM pipeline_history p
WHERE p.tenant_id = $1 AND AS_OF(p)
  AND ($4::text IS NULL OR (p.name_folded ~>=~ $4 AND p.name_folded ~<~ $5::text))
