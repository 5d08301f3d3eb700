SELECT p.id,
    json_build_object(
        'status', p.status, 'name', p.name, 'name_folded', p.name_folded, 'email', p.email, 'role', p.role,
        'team_id', p.team_id, 'on_leave', p.on_leave, 'leave_reason', p.leave_reason, 'voluntary', p.voluntary,
        'regretted', p.regretted, 'hired_at', p.hired_at, 'external_id', p.external_id
    )::text AS found, p.name_folded AS text_key
FROM person_history p
WHERE p.tenant_id = $1 AND AS_OF(p)
  AND ($4::text IS NULL OR (p.name_folded ~>=~ $4 AND p.name_folded ~<~ $5::text))
  AND ($6::text[] IS NULL OR p.status = ANY ($6))
  AND ($7::text[] IS NULL OR p.role = ANY ($7))
  AND ($8::uuid[] IS NULL OR p.id = ANY ($8))
  AND ($9::uuid[] IS NULL OR p.id IN (
      SELECT r.id FROM reporting_history r WHERE r.tenant_id = $1 AND AS_OF(r) AND r.manager_id = ANY ($9)
  ))
  AND ($10::text IS NULL OR (p.name_folded COLLATE "C", p.id) < ($10 COLLATE "C", $11::uuid))
ORDER BY p.name_folded COLLATE "C" DESC, p.id DESC
LIMIT $12
