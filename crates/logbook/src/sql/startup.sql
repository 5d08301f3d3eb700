SELECT current_user::text AS login_role,
       session_user::text AS login,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
       (SELECT rolbypassrls FROM pg_roles WHERE rolname = current_user) AS bypasses,
       (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) AS login_superuser,
       (SELECT rolbypassrls FROM pg_roles WHERE rolname = session_user) AS login_bypasses,
       (SELECT bool_or(pg_has_role(session_user, oid, 'MEMBER')) FROM pg_roles
        WHERE rolname = 'quarterdeck_owner') AS login_owner,
       (SELECT bool_or(pg_has_role(session_user, oid, 'MEMBER')) FROM pg_roles
        WHERE rolname = 'quarterdeck_watch') AS login_watches,
       (SELECT bool_or(pg_has_role(current_user, oid, 'USAGE')) FROM pg_roles WHERE rolname = 'quarterdeck_app') AS app,
       (SELECT bool_or(pg_has_role(current_user, oid, 'USAGE')) FROM pg_roles
        WHERE rolname = 'quarterdeck_watch') AS watch,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public'
                 AND pg_has_role(current_user, c.relowner, 'USAGE')) AS owner,
       current_setting('fsync') AS fsync,
       current_setting('full_page_writes') AS full_page_writes,
       current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('data_checksums') AS data_checksums
