-- What the columns that BI logins read mean: unit, values, and what null means.
SELECT explain_to_bi('deal', 'One row a deal.', $${
    "id": "The deal's key, as in the API.",
    "status": "open, won, lost, no_decision (the customer decided nothing) or merged (in no figure).",
    "name": "Its name.",
    "pipeline_id": "Its pipeline.",
    "stage_id": "Its stage in that pipeline.",
    "owner_id": "The person who owns it.",
    "account_id": "The customer. Null: none was named.",
    "product_id": "What is sold. Null: none was named.",
    "amount_minor": "What it is worth, in the minor unit of currency. Null: not known.",
    "currency": "ISO 4217, of amount_minor. Null: the amount is not known.",
    "close_on": "The day it is expected to close on, as its people say; closed_on is the day it did. Null: nobody said.",
    "category": "A human's forecast category. Null: that of its stage holds.",
    "probability_bps": "A human's probability, in basis points (10000 = 100 %). Null: that of its stage holds.",
    "next_step": "What is done next. Null: nothing was agreed.",
    "next_step_due_on": "The day by which the next step is due. Null: no day.",
    "opened_on": "The day it was opened on, in the tenant's zone.",
    "closed_on": "The day it closed on, in the tenant's zone. Null: open, or merged while it was open.",
    "cycle_days": "Whole calendar days from opened_on to closed_on. Null: not closed, or dates_conflict.",
    "closed_reason": "Why it was lost, or why nothing was decided. Null: neither, or nobody said.",
    "competitor": "Who won it instead. Null: not lost, or nobody said.",
    "merged_into": "The deal that lives on. Null: not merged.",
    "external_id": "Its id in the system that it was imported from. Null: not imported.",
    "assumed": "What an import assumed because the source did not say it.",
    "dates_conflict": "The source says that it closed before it opened."
}$$);
SELECT explain_to_bi('person', 'One row a person.', $${
    "id": "The person's key, as in the API.",
    "status": "active (on leave or not) or departed.",
    "name": "Their name.",
    "role": "rep, manager, leader, operations or auditor. Null: departed.",
    "team_id": "Their team. Null: in no team, or departed.",
    "on_leave": "Whether they are on leave.",
    "hired_at": "The first hire; coming back after a departure leaves it.",
    "external_id": "Their id in the system that they were imported from. Null: not imported."
}$$);
SELECT explain_to_bi('reporting', 'One row a person who reports to somebody.', $${
    "id": "The person who reports; without a row a person reports to nobody.",
    "manager_id": "Whom the person reports to directly."
}$$);
SELECT explain_to_bi('team', 'One row a team while it stands.', $${
    "id": "The team's key, as in the API.",
    "name": "Its name.",
    "parent_id": "The team directly above. Null: a region.",
    "external_id": "Its id in the system that it was imported from. Null: not imported."
}$$);
SELECT explain_to_bi('account', 'One row an account.', $${
    "id": "The account's key, as in the API.",
    "status": "active or closed (no new deals).",
    "name": "Its name.",
    "parent_id": "The account that it belongs to. Null: none.",
    "sector": "Its line of business. Null: nobody said.",
    "external_id": "Its id in the system that it was imported from. Null: not imported."
}$$);
SELECT explain_to_bi('product', 'One row a product.', $${
    "id": "The product's key, as in the API.",
    "status": "sold or discontinued (no new deals).",
    "name": "Its name.",
    "list_price_minor": "In the minor unit of currency. Null: it has no list price.",
    "currency": "ISO 4217, of list_price_minor. Null: it has no list price.",
    "external_id": "Its id in the system that it was imported from. Null: not imported."
}$$);
SELECT explain_to_bi('pipeline', 'One row a pipeline.', $${
    "id": "The pipeline's key, as in the API.",
    "name": "Its name.",
    "external_id": "Its id in the system that it was imported from. Null: not imported."
}$$);
SELECT explain_to_bi('stage', 'One row a stage of a pipeline.', $${
    "id": "The stage's key, as in the API.",
    "pipeline_id": "The pipeline that it belongs to.",
    "name": "Its name.",
    "stage_order": "Its place in the pipeline, first one lowest; unique among stages not retired.",
    "kind": "open, won or lost.",
    "probability_bps": "What its deals have unless a human says otherwise, in basis points (10000 = 100 %).",
    "category": "The forecast category its deals have unless a human says otherwise.",
    "retired": "No deal enters it any more; deals may still rest in it."
}$$);
