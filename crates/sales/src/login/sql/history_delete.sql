DELETE FROM login_history h
USING json_to_recordset($2::text::json) AS wrong (id uuid, valid_from timestamptz, recorded_from bigint)
WHERE h.tenant_id = $1 AND h.id = wrong.id AND h.valid_from = wrong.valid_from
  AND h.recorded_from = wrong.recorded_from
