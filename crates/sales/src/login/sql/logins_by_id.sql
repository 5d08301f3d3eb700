SELECT l.id,
    json_build_object(
        'status', l.status, 'name', l.name, 'name_folded', l.name_folded, 'person_id', l.person_id,
        'service', l.service, 'secret_sha256', l.secret_sha256, 'issuer', l.issuer,
        'subject_claim', l.subject_claim, 'expires_at', l.expires_at, 'made_at', l.made_at
    )::text AS found
FROM login_history l
WHERE l.tenant_id = $1 AND AS_OF(l) AND l.id = ANY ($4)
ORDER BY l.id
LIMIT 1000
