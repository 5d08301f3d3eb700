SELECT source FROM event WHERE tenant_id = $1 AND position = 1
