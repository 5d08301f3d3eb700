SELECT tenant_id, name, currency, time_zone, created_at FROM tenant ORDER BY name
