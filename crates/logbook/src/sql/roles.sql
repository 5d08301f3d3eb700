DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['quarterdeck_owner', 'quarterdeck_app', 'quarterdeck_watch', 'quarterdeck_bi'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another process made it in the meantime: roles belong to the whole cluster
            END;
        END IF;
    END LOOP;
    -- From PostgreSQL 16 on, who makes a role is its member without the right to SET it: that is granted apart.
    IF current_setting('server_version_num')::int >= 160000 THEN
        IF NOT pg_has_role(session_user, 'quarterdeck_owner', 'SET') THEN
            EXECUTE format('GRANT quarterdeck_owner TO %I WITH SET TRUE', session_user);
        END IF;
    ELSIF NOT pg_has_role(session_user, 'quarterdeck_owner', 'MEMBER') THEN
        EXECUTE format('GRANT quarterdeck_owner TO %I', session_user);
    END IF;
    EXECUTE 'GRANT USAGE, CREATE ON SCHEMA public TO quarterdeck_owner';
    EXECUTE 'GRANT USAGE ON SCHEMA public TO quarterdeck_app, quarterdeck_watch';
    -- The owner of the tables may not make schemas.
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'bi') THEN
        BEGIN
            EXECUTE 'CREATE SCHEMA bi AUTHORIZATION quarterdeck_owner';
        EXCEPTION WHEN duplicate_schema OR unique_violation THEN
            NULL; -- as above
        END;
    END IF;
END
$$
