SELECT e.position, e.stream_kind, e.stream_id, e.stream_version, e.type, e.schema_version, e.effective_at, e.recorded_at,
       e.replaces, e.source_recorded_at, e.command_id, e.correlation_id, e.causation_id, e.actor, e.on_behalf_of,
       e.source, e.reason, e.payload, e.leaf
FROM event e
WHERE e.tenant_id = $1 AND e.position > $2 AND e.position <= $3
  AND ($4::text[] IS NULL OR e.type = ANY ($4))
  AND ($5::uuid[] IS NULL OR e.stream_id = ANY ($5))
  AND ($6::text[] IS NULL OR e.actor = ANY ($6))
  AND ($7::uuid IS NULL OR e.correlation_id = $7)
  AND ($8::timestamptz IS NULL OR e.recorded_at >= $8)
  AND ($9::timestamptz IS NULL OR e.recorded_at < $9)
ORDER BY e.position
LIMIT $10
