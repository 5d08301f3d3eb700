INSERT INTO product_history (tenant_id, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, status, name,
    name_folded, list_price_minor, currency, external_id)
SELECT $1, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, status, name, name_folded,
    list_price_minor, currency, external_id
FROM json_to_recordset($2::text::json) AS new (id uuid, valid_from timestamptz, valid_to timestamptz, recorded_from
    bigint, closed_at bigint, recorded_to bigint, status text, name text, name_folded text, list_price_minor bigint,
    currency text, external_id text)
