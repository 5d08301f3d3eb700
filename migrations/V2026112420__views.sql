-- What BI reads: the present, every version, and the state as of two instants. All of them behind the tenant wall.

CREATE VIEW deal_now WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, h.status, h.name, h.pipeline_id, h.stage_id, h.owner_id, h.account_id,
       h.product_id, h.amount_minor, h.currency, h.close_on, h.category, h.probability_bps, h.next_step,
       h.next_step_due_on, h.opened_on, h.closed_on, h.cycle_days, h.closed_reason, h.competitor, h.merged_into,
       h.external_id, h.assumed,
       h.dates_conflict
FROM deal_history h
WHERE h.recorded_to = 9223372036854775807 AND h.valid_from <= now() AND now() < h.valid_to;
COMMENT ON VIEW deal_now IS 'One row each: what is true now, by what the log knows now.';

CREATE VIEW deal_versions WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, nullif(h.valid_to, 'infinity') AS valid_to, h.recorded_from,
       nullif(h.closed_at, 9223372036854775807) AS closed_at, nullif(h.recorded_to, 9223372036854775807) AS recorded_to,
       h.status, h.name, h.pipeline_id, h.stage_id, h.owner_id, h.account_id, h.product_id, h.amount_minor,
       h.currency, h.close_on, h.category, h.probability_bps, h.next_step, h.next_step_due_on, h.opened_on,
       h.closed_on, h.cycle_days, h.closed_reason, h.competitor, h.merged_into, h.external_id, h.assumed,
       h.dates_conflict
FROM deal_history h;
COMMENT ON VIEW deal_versions IS 'Every version: true from valid_from until valid_to (null: open; it became known at the
position closed_at), believed from the position recorded_from until recorded_to (null: still).';

CREATE FUNCTION deal_as_of(effective timestamptz, known bigint DEFAULT NULL) RETURNS SETOF deal_history
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT h.* FROM public.deal_history h
    WHERE h.valid_from <= effective AND h.recorded_from <= coalesce(known, 9223372036854775806)
      AND coalesce(known, 9223372036854775806) < h.recorded_to
      AND (effective < h.valid_to OR coalesce(known, 9223372036854775806) < h.closed_at)
$$;
COMMENT ON FUNCTION deal_as_of(timestamptz, bigint) IS 'What was true at an instant, as the log knew it at a position;
null: as it knows now.';
REVOKE EXECUTE ON FUNCTION deal_as_of(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION deal_as_of(timestamptz, bigint) TO quarterdeck_app;
GRANT SELECT ON deal_now, deal_versions TO quarterdeck_app;

CREATE VIEW person_now WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, h.status, h.name, h.email, h.role, h.team_id, h.on_leave, h.leave_reason,
       h.voluntary, h.regretted, h.hired_at, h.external_id
FROM person_history h
WHERE h.recorded_to = 9223372036854775807 AND h.valid_from <= now() AND now() < h.valid_to;
COMMENT ON VIEW person_now IS 'One row each: what is true now, by what the log knows now.';

CREATE VIEW person_versions WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, nullif(h.valid_to, 'infinity') AS valid_to, h.recorded_from,
       nullif(h.closed_at, 9223372036854775807) AS closed_at, nullif(h.recorded_to, 9223372036854775807) AS recorded_to,
       h.status, h.name, h.email, h.role, h.team_id, h.on_leave, h.leave_reason, h.voluntary, h.regretted, h.hired_at,
       h.external_id
FROM person_history h;
COMMENT ON VIEW person_versions IS 'Every version: true from valid_from until valid_to (null: open; it became known at the
position closed_at), believed from the position recorded_from until recorded_to (null: still).';

CREATE FUNCTION person_as_of(effective timestamptz, known bigint DEFAULT NULL) RETURNS SETOF person_history
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT h.* FROM public.person_history h
    WHERE h.valid_from <= effective AND h.recorded_from <= coalesce(known, 9223372036854775806)
      AND coalesce(known, 9223372036854775806) < h.recorded_to
      AND (effective < h.valid_to OR coalesce(known, 9223372036854775806) < h.closed_at)
$$;
COMMENT ON FUNCTION person_as_of(timestamptz, bigint) IS 'What was true at an instant, as the log knew it at a position;
null: as it knows now.';
REVOKE EXECUTE ON FUNCTION person_as_of(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION person_as_of(timestamptz, bigint) TO quarterdeck_app;
GRANT SELECT ON person_now, person_versions TO quarterdeck_app;

CREATE VIEW reporting_now WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, h.manager_id
FROM reporting_history h
WHERE h.recorded_to = 9223372036854775807 AND h.valid_from <= now() AND now() < h.valid_to;
COMMENT ON VIEW reporting_now IS 'One row each: what is true now, by what the log knows now.';

CREATE VIEW reporting_versions WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, nullif(h.valid_to, 'infinity') AS valid_to, h.recorded_from,
       nullif(h.closed_at, 9223372036854775807) AS closed_at, nullif(h.recorded_to, 9223372036854775807) AS recorded_to,
       h.manager_id
FROM reporting_history h;
COMMENT ON VIEW reporting_versions IS 'Every version: true from valid_from until valid_to (null: open; it became known at the
position closed_at), believed from the position recorded_from until recorded_to (null: still).';

CREATE FUNCTION reporting_as_of(effective timestamptz, known bigint DEFAULT NULL) RETURNS SETOF reporting_history
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT h.* FROM public.reporting_history h
    WHERE h.valid_from <= effective AND h.recorded_from <= coalesce(known, 9223372036854775806)
      AND coalesce(known, 9223372036854775806) < h.recorded_to
      AND (effective < h.valid_to OR coalesce(known, 9223372036854775806) < h.closed_at)
$$;
COMMENT ON FUNCTION reporting_as_of(timestamptz, bigint) IS 'What was true at an instant, as the log knew it at a position;
null: as it knows now.';
REVOKE EXECUTE ON FUNCTION reporting_as_of(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reporting_as_of(timestamptz, bigint) TO quarterdeck_app;
GRANT SELECT ON reporting_now, reporting_versions TO quarterdeck_app;

CREATE VIEW team_now WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, h.name, h.parent_id, h.external_id
FROM team_history h
WHERE h.recorded_to = 9223372036854775807 AND h.valid_from <= now() AND now() < h.valid_to;
COMMENT ON VIEW team_now IS 'One row each: what is true now, by what the log knows now.';

CREATE VIEW team_versions WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, nullif(h.valid_to, 'infinity') AS valid_to, h.recorded_from,
       nullif(h.closed_at, 9223372036854775807) AS closed_at, nullif(h.recorded_to, 9223372036854775807) AS recorded_to,
       h.name, h.parent_id, h.external_id
FROM team_history h;
COMMENT ON VIEW team_versions IS 'Every version: true from valid_from until valid_to (null: open; it became known at the
position closed_at), believed from the position recorded_from until recorded_to (null: still).';

CREATE FUNCTION team_as_of(effective timestamptz, known bigint DEFAULT NULL) RETURNS SETOF team_history
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT h.* FROM public.team_history h
    WHERE h.valid_from <= effective AND h.recorded_from <= coalesce(known, 9223372036854775806)
      AND coalesce(known, 9223372036854775806) < h.recorded_to
      AND (effective < h.valid_to OR coalesce(known, 9223372036854775806) < h.closed_at)
$$;
COMMENT ON FUNCTION team_as_of(timestamptz, bigint) IS 'What was true at an instant, as the log knew it at a position;
null: as it knows now.';
REVOKE EXECUTE ON FUNCTION team_as_of(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION team_as_of(timestamptz, bigint) TO quarterdeck_app;
GRANT SELECT ON team_now, team_versions TO quarterdeck_app;

CREATE VIEW account_now WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, h.status, h.name, h.parent_id, h.sector, h.external_id
FROM account_history h
WHERE h.recorded_to = 9223372036854775807 AND h.valid_from <= now() AND now() < h.valid_to;
COMMENT ON VIEW account_now IS 'One row each: what is true now, by what the log knows now.';

CREATE VIEW account_versions WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, nullif(h.valid_to, 'infinity') AS valid_to, h.recorded_from,
       nullif(h.closed_at, 9223372036854775807) AS closed_at, nullif(h.recorded_to, 9223372036854775807) AS recorded_to,
       h.status, h.name, h.parent_id, h.sector, h.external_id
FROM account_history h;
COMMENT ON VIEW account_versions IS 'Every version: true from valid_from until valid_to (null: open; it became known at the
position closed_at), believed from the position recorded_from until recorded_to (null: still).';

CREATE FUNCTION account_as_of(effective timestamptz, known bigint DEFAULT NULL) RETURNS SETOF account_history
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT h.* FROM public.account_history h
    WHERE h.valid_from <= effective AND h.recorded_from <= coalesce(known, 9223372036854775806)
      AND coalesce(known, 9223372036854775806) < h.recorded_to
      AND (effective < h.valid_to OR coalesce(known, 9223372036854775806) < h.closed_at)
$$;
COMMENT ON FUNCTION account_as_of(timestamptz, bigint) IS 'What was true at an instant, as the log knew it at a position;
null: as it knows now.';
REVOKE EXECUTE ON FUNCTION account_as_of(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_as_of(timestamptz, bigint) TO quarterdeck_app;
GRANT SELECT ON account_now, account_versions TO quarterdeck_app;

CREATE VIEW product_now WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, h.status, h.name, h.list_price_minor, h.currency, h.external_id
FROM product_history h
WHERE h.recorded_to = 9223372036854775807 AND h.valid_from <= now() AND now() < h.valid_to;
COMMENT ON VIEW product_now IS 'One row each: what is true now, by what the log knows now.';

CREATE VIEW product_versions WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, nullif(h.valid_to, 'infinity') AS valid_to, h.recorded_from,
       nullif(h.closed_at, 9223372036854775807) AS closed_at, nullif(h.recorded_to, 9223372036854775807) AS recorded_to,
       h.status, h.name, h.list_price_minor, h.currency, h.external_id
FROM product_history h;
COMMENT ON VIEW product_versions IS 'Every version: true from valid_from until valid_to (null: open; it became known at the
position closed_at), believed from the position recorded_from until recorded_to (null: still).';

CREATE FUNCTION product_as_of(effective timestamptz, known bigint DEFAULT NULL) RETURNS SETOF product_history
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT h.* FROM public.product_history h
    WHERE h.valid_from <= effective AND h.recorded_from <= coalesce(known, 9223372036854775806)
      AND coalesce(known, 9223372036854775806) < h.recorded_to
      AND (effective < h.valid_to OR coalesce(known, 9223372036854775806) < h.closed_at)
$$;
COMMENT ON FUNCTION product_as_of(timestamptz, bigint) IS 'What was true at an instant, as the log knew it at a position;
null: as it knows now.';
REVOKE EXECUTE ON FUNCTION product_as_of(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION product_as_of(timestamptz, bigint) TO quarterdeck_app;
GRANT SELECT ON product_now, product_versions TO quarterdeck_app;

CREATE VIEW pipeline_now WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, h.name, h.external_id
FROM pipeline_history h
WHERE h.recorded_to = 9223372036854775807 AND h.valid_from <= now() AND now() < h.valid_to;
COMMENT ON VIEW pipeline_now IS 'One row each: what is true now, by what the log knows now.';

CREATE VIEW pipeline_versions WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, nullif(h.valid_to, 'infinity') AS valid_to, h.recorded_from,
       nullif(h.closed_at, 9223372036854775807) AS closed_at, nullif(h.recorded_to, 9223372036854775807) AS recorded_to,
       h.name, h.external_id
FROM pipeline_history h;
COMMENT ON VIEW pipeline_versions IS 'Every version: true from valid_from until valid_to (null: open; it became known at the
position closed_at), believed from the position recorded_from until recorded_to (null: still).';

CREATE FUNCTION pipeline_as_of(effective timestamptz, known bigint DEFAULT NULL) RETURNS SETOF pipeline_history
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT h.* FROM public.pipeline_history h
    WHERE h.valid_from <= effective AND h.recorded_from <= coalesce(known, 9223372036854775806)
      AND coalesce(known, 9223372036854775806) < h.recorded_to
      AND (effective < h.valid_to OR coalesce(known, 9223372036854775806) < h.closed_at)
$$;
COMMENT ON FUNCTION pipeline_as_of(timestamptz, bigint) IS 'What was true at an instant, as the log knew it at a position;
null: as it knows now.';
REVOKE EXECUTE ON FUNCTION pipeline_as_of(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pipeline_as_of(timestamptz, bigint) TO quarterdeck_app;
GRANT SELECT ON pipeline_now, pipeline_versions TO quarterdeck_app;

CREATE VIEW stage_now WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, h.pipeline_id, h.name, h.stage_order, h.kind, h.probability_bps, h.category,
       h.retired
FROM stage_history h
WHERE h.recorded_to = 9223372036854775807 AND h.valid_from <= now() AND now() < h.valid_to;
COMMENT ON VIEW stage_now IS 'One row each: what is true now, by what the log knows now.';

CREATE VIEW stage_versions WITH (security_invoker = true) AS
SELECT h.tenant_id, h.id, h.valid_from, nullif(h.valid_to, 'infinity') AS valid_to, h.recorded_from,
       nullif(h.closed_at, 9223372036854775807) AS closed_at, nullif(h.recorded_to, 9223372036854775807) AS recorded_to,
       h.pipeline_id, h.name, h.stage_order, h.kind, h.probability_bps, h.category, h.retired
FROM stage_history h;
COMMENT ON VIEW stage_versions IS 'Every version: true from valid_from until valid_to (null: open; it became known at the
position closed_at), believed from the position recorded_from until recorded_to (null: still).';

CREATE FUNCTION stage_as_of(effective timestamptz, known bigint DEFAULT NULL) RETURNS SETOF stage_history
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT h.* FROM public.stage_history h
    WHERE h.valid_from <= effective AND h.recorded_from <= coalesce(known, 9223372036854775806)
      AND coalesce(known, 9223372036854775806) < h.recorded_to
      AND (effective < h.valid_to OR coalesce(known, 9223372036854775806) < h.closed_at)
$$;
COMMENT ON FUNCTION stage_as_of(timestamptz, bigint) IS 'What was true at an instant, as the log knew it at a position;
null: as it knows now.';
REVOKE EXECUTE ON FUNCTION stage_as_of(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION stage_as_of(timestamptz, bigint) TO quarterdeck_app;
GRANT SELECT ON stage_now, stage_versions TO quarterdeck_app;
