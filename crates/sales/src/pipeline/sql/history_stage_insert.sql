INSERT INTO stage_history (tenant_id, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, pipeline_id,
    name, name_folded, stage_order, kind, probability_bps, category, retired)
SELECT $1, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, pipeline_id, name, name_folded,
    stage_order, kind, probability_bps, category, retired
FROM json_to_recordset($2::text::json) AS new (id uuid, valid_from timestamptz, valid_to timestamptz,
    recorded_from bigint, closed_at bigint, recorded_to bigint, pipeline_id uuid, name text, name_folded text,
    stage_order integer, kind text, probability_bps integer, category text, retired boolean)
