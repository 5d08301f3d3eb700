//! Takes an import back: what it said is withdrawn, last first, except what others still stand on.

use crate::{ledger::Ledger, report::Reverted, run::ImportError};
use logbook::{Context, Failure, Logbook, Reads, Rehearsal, Rejection, Source, StreamRef, Submission, Tenant, Verb};
use std::collections::HashSet;
use units::Position;
use uuid::Uuid;

/// Commands of one transaction.
const CHUNK: usize = 500;

/// Withdraws all that one import said, also what was replaced since, so that it never stands again. What something that
/// stands refers to stays and is told, and so does what a later event of the same thing needs.
///
/// # Errors
/// When the log cannot be read or written, or has no such import.
pub async fn revert(logbook: &Logbook, tenant: &Tenant, import_id: Uuid) -> Result<Reverted, ImportError> {
    let reads = Reads::new(logbook.pool().clone(), tenant.clone());
    let mut reverted = Reverted::default();
    let planned = plan(logbook, &reads, import_id, &mut reverted).await;
    reads.finish().await;
    for chunk in planned?.chunks(CHUNK) {
        for (answer, submission) in logbook.append(tenant, chunk).await.into_iter().zip(chunk) {
            match answer {
                Ok(receipt) if receipt.first.is_some() && !receipt.replayed => reverted.withdrawn += 1,
                Ok(_) => reverted.gone_before += 1,
                Err(Failure::Rejected(rejection)) => reverted.refused.push((of(submission), rejection.to_string())),
                Err(Failure::Fault(fault)) => {
                    return Err(ImportError::Writing { fault, report: Box::default() });
                }
            }
        }
    }
    reverted.refused.sort_unstable();
    Ok(reverted)
}

/// What can be withdrawn, found in memory.
async fn plan(
    logbook: &Logbook,
    reads: &Reads,
    import_id: Uuid,
    reverted: &mut Reverted,
) -> Result<Vec<Submission>, ImportError> {
    let ledger = Ledger::read(reads, import_id).await?;
    let own: Vec<_> = ledger.units.iter().filter(|unit| unit.own).collect();
    if own.is_empty() {
        return Err(ImportError::Mapping(format!("the log holds nothing of an import {import_id}")));
    }
    let registry = logbook.registry();
    let mut withdrawals: Vec<Submission> = Vec::new();
    for unit in own.into_iter().rev() {
        match registry.kind_of(&unit.kind) {
            Some(_) if ledger.gone(unit) => reverted.gone_before += 1,
            Some(kind) => {
                let stream = StreamRef { kind, id: unit.stream };
                withdrawals.push(withdrawal(import_id, stream, Position(unit.first)));
            }
            None => {}
        }
    }
    let mut rehearsal = Rehearsal::begin(reads, registry, logbook.clock()).await?;
    rehearsal.load(&withdrawals.iter().map(|submission| submission.stream).collect::<Vec<_>>()).await?;
    let mut withdrawn: HashSet<i64> = HashSet::new();
    for submission in &withdrawals {
        match rehearsal.put(submission).await? {
            Ok(_) => drop(withdrawn.insert(of(submission))),
            Err(rejection) => reverted.refused.push((of(submission), words(&rejection))),
        }
    }
    loop {
        let needed = ledger.needed(&withdrawn);
        if needed.is_empty() {
            break;
        }
        for unit in needed {
            withdrawn.remove(&unit.first);
            reverted.refused.push((unit.first, format!("something that stands refers to this {}", unit.kind)));
        }
    }
    withdrawals.retain(|submission| withdrawn.contains(&of(submission)));
    Ok(withdrawals)
}

fn words(rejection: &Rejection) -> String {
    match rejection {
        Rejection::NoLongerFits { .. } => format!("a later event stands on it: {rejection}"),
        other => other.to_string(),
    }
}

/// The position that a withdrawal is about.
fn of(submission: &Submission) -> i64 {
    match submission.verb {
        Verb::Withdraw(position) => position.0,
        Verb::Do(_) => 0,
    }
}

fn withdrawal(import_id: Uuid, stream: StreamRef, position: Position) -> Submission {
    Submission {
        command_id: Uuid::new_v5(&import_id, format!("revert {position}").as_bytes()),
        stream,
        fresh: false,
        verb: Verb::Withdraw(position),
        expected_version: None,
        effective_at: None,
        correction: None,
        context: Context {
            actor: "local".to_owned(),
            on_behalf_of: None,
            source: Source::Import,
            reason: Some(format!("the import {import_id} is taken back")),
            correlation_id: Some(Uuid::new_v5(&import_id, b"revert")),
            causation_id: None,
            source_recorded_at: None,
        },
        recorded_at: None,
    }
}
