//! What an operator does to a tenant's data or walls is on the record of its log.

use logbook::{Context, Fault, Logbook, Slice, Source, StreamRef, Submission, Tenant, Verb, fresh_id};
use sales::{
    access::Login,
    act::{Act, Command},
};
use units::Text;

/// Takes an act down.
pub(super) async fn on_record(logbook: &Logbook, tenant: &Tenant, command: Command) -> Result<(), Fault> {
    let submission = Submission {
        command_id: fresh_id(),
        stream: StreamRef { kind: Act::KIND, id: fresh_id() },
        fresh: true,
        verb: Verb::Do(Box::new(command)),
        expected_version: None,
        effective_at: None,
        correction: None,
        context: Context {
            actor: Login::Local.to_string(),
            on_behalf_of: None,
            source: Source::Api,
            reason: None,
            correlation_id: None,
            causation_id: None,
            source_recorded_at: None,
        },
        recorded_at: None,
    };
    let answer = logbook.submit(tenant, submission).await;
    answer.map(drop).map_err(|failure| Fault::new("taking an act down in the log", failure.to_string()))
}

/// What was mended, as an act.
pub(super) fn rebuild(rebuilt: &logbook::Rebuilt) -> Command {
    let differs = |table: &&logbook::TableRebuilt| table.missing.count + table.extra.count + table.different.count > 0;
    let tables: Vec<_> = rebuilt.tables.iter().filter(differs).collect();
    let sum = |count: fn(&logbook::TableRebuilt) -> u64| tables.iter().map(|table| count(table)).sum();
    Command::Rebuild {
        missing: sum(|table| table.missing.count),
        extra: sum(|table| table.extra.count),
        different: sum(|table| table.different.count),
        tables: tables.iter().filter_map(|table| Text::new(table.name).ok()).collect(),
    }
}
