UPDATE login_history h
SET valid_to = coalesce(change.valid_to, h.valid_to), closed_at = coalesce(change.closed_at, h.closed_at),
    recorded_to = coalesce(change.recorded_to, h.recorded_to)
FROM json_to_recordset($2::text::json) AS change (id uuid, valid_from timestamptz, valid_to timestamptz,
    closed_at bigint, recorded_to bigint)
WHERE h.tenant_id = $1 AND h.id = change.id AND h.valid_from = change.valid_from
  AND h.recorded_to = 9223372036854775807
