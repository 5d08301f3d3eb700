SELECT epoch FROM log_lock WHERE tenant_id = $1 FOR UPDATE
