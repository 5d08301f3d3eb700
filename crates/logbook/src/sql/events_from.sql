SELECT position, stream_kind, stream_id, stream_version, type, schema_version, effective_at, recorded_at, replaces,
       source_recorded_at, command_id, correlation_id, causation_id, actor, on_behalf_of, source, reason, payload, sealed,
       sealed_key_id, leaf
FROM event
WHERE tenant_id = $1 AND position >= $2
ORDER BY position
LIMIT $3
