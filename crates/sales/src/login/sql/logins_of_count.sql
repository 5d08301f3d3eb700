SELECT count(*)
FROM login_history l
WHERE l.tenant_id = $1 AND AS_OF(l)
  AND l.status = 'live' AND (l.expires_at IS NULL OR l.expires_at > $4::timestamptz)
  AND (l.person_id = $5::uuid OR l.service = $6::text)
  AND l.id <> $7::uuid
