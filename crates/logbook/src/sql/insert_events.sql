INSERT INTO event (tenant_id, position, stream_kind, stream_id, stream_version, type, schema_version, effective_at,
                   recorded_at, replaces, source_recorded_at, command_id, correlation_id, causation_id, actor,
                   on_behalf_of, source, reason, payload, leaf)
SELECT $1, position, stream_kind, stream_id, stream_version, type, schema_version, effective_at, recorded_at, replaces,
       source_recorded_at, command_id, correlation_id, causation_id, actor, on_behalf_of, source, reason, payload, leaf
FROM unnest($2::bigint[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::integer[], $8::timestamptz[],
            $9::timestamptz[], $10::bigint[], $11::timestamptz[], $12::uuid[], $13::uuid[], $14::uuid[], $15::text[],
            $16::text[], $17::text[], $18::text[], $19::bytea[], $20::bytea[])
     AS new (position, stream_kind, stream_id, stream_version, type, schema_version, effective_at, recorded_at, replaces,
             source_recorded_at, command_id, correlation_id, causation_id, actor, on_behalf_of, source, reason, payload,
             leaf)
