SELECT p.id,
    json_build_object(
        'status', p.status, 'name', p.name, 'name_folded', p.name_folded, 'email', p.email, 'role', p.role,
        'team_id', p.team_id, 'on_leave', p.on_leave, 'leave_reason', p.leave_reason, 'voluntary', p.voluntary,
        'regretted', p.regretted, 'hired_at', p.hired_at, 'external_id', p.external_id
    )::text AS found
FROM person_history p
WHERE p.tenant_id = $1 AND AS_OF(p) AND p.id = ANY ($4)
ORDER BY p.id
LIMIT 1000
