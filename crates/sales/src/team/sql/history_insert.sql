INSERT INTO team_history (tenant_id, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, name,
    name_folded, parent_id, external_id)
SELECT $1, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, name, name_folded, parent_id, external_id
FROM json_to_recordset($2::text::json) AS new (id uuid, valid_from timestamptz, valid_to timestamptz, recorded_from
    bigint, closed_at bigint, recorded_to bigint, name text, name_folded text, parent_id uuid, external_id text)
