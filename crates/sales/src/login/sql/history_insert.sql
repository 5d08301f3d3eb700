INSERT INTO login_history (tenant_id, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, status, name,
    name_folded, person_id, service, secret_sha256, issuer, subject_claim, expires_at, made_at)
SELECT $1, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, status, name, name_folded, person_id,
    service, secret_sha256, issuer, subject_claim, expires_at, made_at
FROM json_to_recordset($2::text::json) AS new (id uuid, valid_from timestamptz, valid_to timestamptz, recorded_from
    bigint, closed_at bigint, recorded_to bigint, status text, name text, name_folded text, person_id uuid,
    service text, secret_sha256 text, issuer text, subject_claim text, expires_at timestamptz, made_at timestamptz)
