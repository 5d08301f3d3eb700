SELECT command_id, request_hash, result FROM command WHERE tenant_id = $1 AND command_id = ANY ($2)
