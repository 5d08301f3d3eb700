SELECT l.id,
    json_build_object(
        'status', l.status, 'name', l.name, 'name_folded', l.name_folded, 'person_id', l.person_id,
        'service', l.service, 'secret_sha256', l.secret_sha256, 'issuer', l.issuer,
        'subject_claim', l.subject_claim, 'expires_at', l.expires_at, 'made_at', l.made_at
    )::text AS found, l.name_folded AS text_key
FROM login_history l
WHERE l.tenant_id = $1 AND AS_OF(l)
  AND ($4::text IS NULL OR (l.name_folded ~>=~ $4 AND l.name_folded ~<~ $5::text))
  AND ($6::text[] IS NULL OR l.status = ANY ($6))
  AND ($7::uuid[] IS NULL OR l.person_id = ANY ($7))
  AND ($8::text IS NULL OR (l.name_folded COLLATE "C", l.id) > ($8 COLLATE "C", $9::uuid))
ORDER BY l.name_folded COLLATE "C" ASC, l.id ASC
LIMIT $10
