SELECT row_to_json(h)::text FROM login_history h
WHERE h.tenant_id = $1 ORDER BY h.id, h.valid_from, h.recorded_from
