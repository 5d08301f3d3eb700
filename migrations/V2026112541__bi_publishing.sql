-- Opens a history table to BI logins: the named columns and no other, as a view of the present, a view of every version
-- and a function of two instants. A table that no migration publishes stays closed to them.
CREATE FUNCTION publish_to_bi(noun text, columns text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $publish$
DECLARE
    own text := (SELECT string_agg(format('h.%I', c.col), ', ' ORDER BY c.place)
                 FROM unnest(columns) WITH ORDINALITY AS c (col, place));
    granted text := (SELECT string_agg(format('%I', c.col), ', ') FROM unnest(columns) AS c (col));
BEGIN
    EXECUTE format($$
        CREATE POLICY own_tenant_of_bi ON public.%I FOR SELECT TO quarterdeck_bi
        USING (tenant_id = (SELECT l.tenant_id FROM public.bi_login l WHERE l.login = session_user))
        $$, noun || '_history');
    EXECUTE format('GRANT SELECT (id, valid_from, valid_to, recorded_from, closed_at, recorded_to, %s) ON public.%I
        TO quarterdeck_bi', granted, noun || '_history');
    EXECUTE format($$
        CREATE VIEW bi.%I WITH (security_invoker = true) AS
        SELECT h.id, h.valid_from, %s FROM public.%I h
        WHERE h.recorded_to = 9223372036854775807 AND h.valid_from <= now() AND now() < h.valid_to
        $$, noun || '_now', own, noun || '_history');
    EXECUTE format($$
        CREATE VIEW bi.%I WITH (security_invoker = true) AS
        SELECT h.id, h.valid_from, nullif(h.valid_to, 'infinity') AS valid_to, h.recorded_from,
               nullif(h.closed_at, 9223372036854775807) AS closed_at,
               nullif(h.recorded_to, 9223372036854775807) AS recorded_to, %s
        FROM public.%I h
        $$, noun || '_versions', own, noun || '_history');
    -- Its body is parsed here, once: no search path of a caller has a say in it, and it can still be inlined. With a
    -- constant for `known` one of the two branches remains, so that the indexes over current knowledge serve the first.
    EXECUTE format($$
        CREATE FUNCTION bi.%I(effective timestamptz, known bigint DEFAULT NULL) RETURNS SETOF bi.%I
        LANGUAGE sql STABLE PARALLEL SAFE
        BEGIN ATOMIC
            SELECT h.id, h.valid_from, %s FROM public.%I h
            WHERE (known IS NULL AND h.recorded_to = 9223372036854775807
                   AND h.valid_from <= effective AND effective < h.valid_to)
               OR (known IS NOT NULL AND h.valid_from <= effective AND h.recorded_from <= known
                   AND known < h.recorded_to AND (effective < h.valid_to OR known < h.closed_at));
        END
        $$, noun || '_as_of', noun || '_now', own, noun || '_history');
    EXECUTE format('REVOKE EXECUTE ON FUNCTION bi.%I(timestamptz, bigint) FROM PUBLIC', noun || '_as_of');
    EXECUTE format('GRANT EXECUTE ON FUNCTION bi.%I(timestamptz, bigint) TO quarterdeck_bi', noun || '_as_of');
    EXECUTE format('GRANT SELECT ON bi.%I, bi.%I TO quarterdeck_bi', noun || '_now', noun || '_versions');
END
$publish$;
COMMENT ON FUNCTION publish_to_bi(text, text[]) IS
'Opens the named columns of a history table to BI logins: for migrations.';
REVOKE EXECUTE ON FUNCTION publish_to_bi(text, text[]) FROM PUBLIC;

-- Says what the columns of a published table mean, in both of its views; the bounds are explained by the function itself.
CREATE FUNCTION explain_to_bi(noun text, of_now text, meanings jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $explain$
DECLARE
    said record;
BEGIN
    EXECUTE format('COMMENT ON VIEW bi.%I IS %L', noun || '_now', of_now || ' What is true now, by what the log knows now.');
    EXECUTE format('COMMENT ON VIEW bi.%I IS %L', noun || '_versions', of_now || ' Every version that the log ever held.');
    EXECUTE format('COMMENT ON FUNCTION bi.%I(timestamptz, bigint) IS %L', noun || '_as_of', format(
        '%s What was true at the instant `effective`, as the log knew it at the position `known` (null, or left out: '
        'as it knows now). The columns of %s_now.',
        of_now, noun));
    FOR said IN SELECT m.key AS col, m.value AS meaning FROM jsonb_each_text(meanings) m LOOP
        EXECUTE format('COMMENT ON COLUMN bi.%I.%I IS %L', noun || '_now', said.col, said.meaning);
        EXECUTE format('COMMENT ON COLUMN bi.%I.%I IS %L', noun || '_versions', said.col, said.meaning);
    END LOOP;
    FOR said IN SELECT b.kind, b.col, b.meaning FROM (VALUES
        ('now', 'valid_from', 'Since when all of this has been true.'),
        ('versions', 'valid_from', 'From when it was true.'),
        ('versions', 'valid_to', 'From when it was no longer true. Null: still true.'),
        ('versions', 'recorded_from', 'The position of the log from which it was known.'),
        ('versions', 'closed_at', 'The position at which valid_to became known. Null: valid_to is null.'),
        ('versions', 'recorded_to', 'The position from which it was no longer believed: a correction. Null: still believed.')
    ) AS b (kind, col, meaning) LOOP
        EXECUTE format('COMMENT ON COLUMN bi.%I.%I IS %L', noun || '_' || said.kind, said.col, said.meaning);
    END LOOP;
END
$explain$;
COMMENT ON FUNCTION explain_to_bi(text, text, jsonb) IS 'Says what a published table''s columns mean: for migrations.';
REVOKE EXECUTE ON FUNCTION explain_to_bi(text, text, jsonb) FROM PUBLIC;
