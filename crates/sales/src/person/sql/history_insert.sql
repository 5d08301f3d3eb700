INSERT INTO person_history (tenant_id, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, status, name,
    name_folded, email, role, team_id, on_leave, leave_reason, voluntary, regretted, hired_at, external_id)
SELECT $1, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, status, name, name_folded, email, role,
    team_id, on_leave, leave_reason, voluntary, regretted, hired_at, external_id
FROM json_to_recordset($2::text::json) AS new (id uuid, valid_from timestamptz, valid_to timestamptz,
    recorded_from bigint, closed_at bigint, recorded_to bigint, status text, name text, name_folded text, email text,
    role text, team_id uuid, on_leave boolean, leave_reason text, voluntary boolean, regretted boolean,
    hired_at timestamptz, external_id text)
