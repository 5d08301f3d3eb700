-- What the log and the history tables can never hold, whoever writes: positions and versions begin at 1, and instants have
-- an end. Only valid_to is open ('infinity').

ALTER TABLE event
    ADD CONSTRAINT event_position_from_1 CHECK (position >= 1),
    ADD CONSTRAINT event_stream_version_from_1 CHECK (stream_version >= 1),
    ADD CONSTRAINT event_instants_are_finite
        CHECK (isfinite(effective_at) AND isfinite(recorded_at) AND isfinite(source_recorded_at));
ALTER TABLE log_batch
    ADD CONSTRAINT log_batch_position_from_1 CHECK (first_position >= 1),
    ADD CONSTRAINT log_batch_instant_is_finite CHECK (isfinite(recorded_at));
ALTER TABLE command
    ADD CONSTRAINT command_instant_is_finite CHECK (isfinite(recorded_at));

-- The app closes and ends rows; what a row says it never changes. It deletes rows when a rebuild mends them.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname LIKE '%\_history'
          AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'recorded_to')
    LOOP
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (isfinite(valid_from))', name, name || '_begins');
        EXECUTE format('REVOKE UPDATE ON %I FROM quarterdeck_app', name);
        EXECUTE format('GRANT UPDATE (valid_to, closed_at, recorded_to) ON %I TO quarterdeck_app', name);
    END LOOP;
END
$$;
