SELECT replace(gen_random_uuid()::text, '-', '')
