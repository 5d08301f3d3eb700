-- What the columns of the BI views mean where their names do not say it: unit, values, and what null means.

DO $$
DECLARE
    said record;
    kind text;
BEGIN
    FOR said IN SELECT noun, col, meaning FROM (VALUES
        ('deal', 'status', 'open, won, lost, no_decision (the customer decided nothing) or merged (in no figure).'),
        ('deal', 'amount_minor', 'What it is worth, in the minor unit of currency. Null: not known.'),
        ('deal', 'currency', 'ISO 4217, of amount_minor.'),
        ('deal', 'close_on', 'The day it is expected to close on, as its people say; closed_on is the day it did.'),
        ('deal', 'category', 'A human''s forecast category. Null: that of its stage holds.'),
        ('deal', 'probability_bps',
         'A human''s probability, in basis points (10000 = 100 %). Null: that of its stage holds.'),
        ('deal', 'closed_on', 'The day it closed on. Null: open, or merged while it was open.'),
        ('deal', 'cycle_days', 'Whole calendar days from opened_on to closed_on. Null: not closed, or dates_conflict.'),
        ('deal', 'closed_reason', 'Why it was lost, or why nothing was decided. Null: neither, or nobody said.'),
        ('deal', 'competitor', 'Who won it instead. Null: not lost, or nobody said.'),
        ('deal', 'merged_into', 'The deal that lives on. Null: not merged.'),
        ('deal', 'assumed', 'What an import assumed because the source did not say it.'),
        ('deal', 'dates_conflict', 'The source says that it closed before it opened.'),
        ('person', 'status', 'active (on leave or not) or departed.'),
        ('person', 'role', 'rep, manager, leader, operations or auditor. Null: departed.'),
        ('person', 'team_id', 'Null: in no team, or departed.'),
        ('person', 'leave_reason', 'Null: not on leave, or nobody said.'),
        ('person', 'voluntary', 'Whether the departure was the person''s own wish. Null: active, or nobody said.'),
        ('person', 'regretted', 'Whether the organisation regrets the departure. Null: active, or nobody said.'),
        ('person', 'hired_at', 'The first hire; coming back after a departure leaves it.'),
        ('reporting', 'id', 'The person who reports; without a row a person reports to nobody.'),
        ('reporting', 'manager_id', 'Whom the person reports to directly.'),
        ('team', 'id', 'A team has rows while it stands: none from its disbanding on.'),
        ('team', 'parent_id', 'The team directly above. Null: a region.'),
        ('account', 'status', 'active or closed (no new deals).'),
        ('account', 'parent_id', 'The account that it belongs to. Null: none.'),
        ('product', 'status', 'sold or discontinued (no new deals).'),
        ('product', 'list_price_minor', 'In the minor unit of currency. Null: it has no list price.'),
        ('product', 'currency', 'ISO 4217, of list_price_minor.'),
        ('stage', 'stage_order', 'Its place in the pipeline, first one lowest; unique among stages not retired.'),
        ('stage', 'kind', 'open, won or lost.'),
        ('stage', 'probability_bps', 'What its deals have unless a human says otherwise, in basis points.'),
        ('stage', 'category', 'The forecast category its deals have unless a human says otherwise.'),
        ('stage', 'retired', 'No deal enters it any more; deals may still rest in it.')
    ) AS columns (noun, col, meaning) LOOP
        FOREACH kind IN ARRAY ARRAY['now', 'versions'] LOOP
            EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', said.noun || '_' || kind, said.col, said.meaning);
        END LOOP;
    END LOOP;
END
$$;
