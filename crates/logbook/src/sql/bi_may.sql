SELECT session_user::text AS login,
       r.rolsuper AS superuser,
       r.rolsuper OR (r.rolcreaterole AND pg_has_role(session_user, 'quarterdeck_owner', 'MEMBER')
                      AND pg_has_role(session_user, 'quarterdeck_app', 'MEMBER')) AS may
FROM pg_roles r
WHERE r.rolname = session_user
