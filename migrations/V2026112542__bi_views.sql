-- What BI logins read: the tables without their private columns (mail addresses, reasons of leaves, how somebody left),
-- in the schema bi. The views that stood in public, open to nobody but the server, go.
DO $$
DECLARE
    noun text;
BEGIN
    FOREACH noun IN ARRAY ARRAY['deal', 'person', 'reporting', 'team', 'account', 'product', 'pipeline', 'stage'] LOOP
        EXECUTE format('DROP FUNCTION public.%I(timestamptz, bigint)', noun || '_as_of');
        EXECUTE format('DROP VIEW public.%I, public.%I', noun || '_now', noun || '_versions');
    END LOOP;
END
$$;

SELECT publish_to_bi('deal', ARRAY['status', 'name', 'pipeline_id', 'stage_id', 'owner_id', 'account_id', 'product_id',
    'amount_minor', 'currency', 'close_on', 'category', 'probability_bps', 'next_step', 'next_step_due_on', 'opened_on',
    'closed_on', 'cycle_days', 'closed_reason', 'competitor', 'merged_into', 'external_id', 'assumed', 'dates_conflict']);
SELECT publish_to_bi('person', ARRAY['status', 'name', 'role', 'team_id', 'on_leave', 'hired_at', 'external_id']);
SELECT publish_to_bi('reporting', ARRAY['manager_id']);
SELECT publish_to_bi('team', ARRAY['name', 'parent_id', 'external_id']);
SELECT publish_to_bi('account', ARRAY['status', 'name', 'parent_id', 'sector', 'external_id']);
SELECT publish_to_bi('product', ARRAY['status', 'name', 'list_price_minor', 'currency', 'external_id']);
SELECT publish_to_bi('pipeline', ARRAY['name', 'external_id']);
SELECT publish_to_bi('stage', ARRAY['pipeline_id', 'name', 'stage_order', 'kind', 'probability_bps', 'category',
    'retired']);

CREATE VIEW bi.tenant WITH (security_invoker = true) AS
SELECT t.name, t.currency, t.time_zone FROM public.tenant t;
COMMENT ON VIEW bi.tenant IS 'One row: the tenant that this login reads.';
COMMENT ON COLUMN bi.tenant.name IS 'Its name.';
COMMENT ON COLUMN bi.tenant.currency IS 'The currency of its reports, ISO 4217.';
COMMENT ON COLUMN bi.tenant.time_zone IS 'The IANA time zone in which its days begin.';

CREATE VIEW bi.head WITH (security_invoker = true) AS
SELECT b.last_position AS "position", b.recorded_at
FROM public.log_batch b ORDER BY b.last_position DESC LIMIT 1;
COMMENT ON VIEW bi.head IS 'One row: where the log ends. None while it is empty.';
COMMENT ON COLUMN bi.head."position" IS 'The position of its last event: what `known` means when it is left out.';
COMMENT ON COLUMN bi.head.recorded_at IS 'When the log took the last event down.';

CREATE FUNCTION bi.position_at(instant timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT max(b.last_position) FROM public.log_batch b WHERE b.recorded_at <= instant;
END;
COMMENT ON FUNCTION bi.position_at(timestamptz) IS
'The position that the log had reached at an instant, for `known`. Null: the log was empty then.';
REVOKE EXECUTE ON FUNCTION bi.position_at(timestamptz) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION bi.position_at(timestamptz) TO quarterdeck_bi;
GRANT SELECT ON bi.tenant, bi.head TO quarterdeck_bi;
COMMENT ON SCHEMA bi IS 'What BI logins read: their tenant, behind row-level security.';
