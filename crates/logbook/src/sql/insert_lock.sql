INSERT INTO log_lock (tenant_id, epoch) VALUES ($1, 1)
