SELECT l.tenant_id, t.name, l.id, l.person_id, l.service, l.secret_sha256, l.issuer, l.subject_claim, l.expires_at
FROM login_history l
JOIN tenant t ON t.tenant_id = l.tenant_id
WHERE l.recorded_to = 9223372036854775807 AND l.valid_to = 'infinity' AND l.status = 'live'
  AND (l.expires_at IS NULL OR l.expires_at > now())
ORDER BY l.tenant_id, l.id
LIMIT $1
