//! Takes an import back: what it said is withdrawn, last first.

use crate::{report::Reverted, run::ImportError};
use logbook::{Context, Failure, Logbook, Reads, Rejection, Slice, Source, StreamRef, Submission, Tenant, Verb};
use sales::deal::Deal;
use units::Position;
use uuid::Uuid;

/// Withdraws all that one import said. What cannot be withdrawn, since something later stands on it, stays and is told;
/// where a deal stays, so does all that is no deal.
///
/// # Errors
/// When the log cannot be read or written, or has no such import.
pub async fn revert(logbook: &Logbook, tenant: &Tenant, import_id: Uuid) -> Result<Reverted, ImportError> {
    let reads = Reads::new(logbook.pool().clone(), tenant.clone());
    let events = reads.correlated(import_id).await;
    reads.finish().await;
    let events = events?;
    if events.is_empty() {
        return Err(ImportError::Mapping(format!("the log holds nothing of an import {import_id}")));
    }
    let mut reverted = Reverted::default();
    let registry = logbook.registry();
    let withdrawals = events.iter().rev().filter_map(|(position, kind, id)| {
        let stream = StreamRef { kind: registry.kind_of(kind)?, id: *id };
        Some((*position, withdrawal(import_id, stream, *position)))
    });
    // Deals first: where one stays, the pipeline, the people and all else that it stands on stay with it.
    let (deals, others): (Vec<_>, Vec<_>) = withdrawals.partition(|(_, said)| said.stream.kind == Deal::KIND);
    withdraw(logbook, tenant, deals, &mut reverted).await?;
    if reverted.refused.is_empty() {
        withdraw(logbook, tenant, others, &mut reverted).await?;
    } else {
        let stay = others.iter().map(|(position, _)| (position.0, "deals that stay may stand on it".to_owned()));
        reverted.refused.extend(stay);
    }
    Ok(reverted)
}

async fn withdraw(
    logbook: &Logbook,
    tenant: &Tenant,
    withdrawals: Vec<(Position, Submission)>,
    reverted: &mut Reverted,
) -> Result<(), ImportError> {
    let (positions, submissions): (Vec<_>, Vec<_>) = withdrawals.into_iter().unzip();
    for (answer, position) in logbook.append(tenant, &submissions).await.into_iter().zip(positions) {
        match answer {
            Ok(receipt) if receipt.first.is_some() && !receipt.replayed => reverted.withdrawn += 1,
            Ok(_) => reverted.gone_before += 1,
            Err(Failure::Rejected(rejection)) => match &*rejection {
                Rejection::NotStanding { .. } => reverted.gone_before += 1,
                other => reverted.refused.push((position.0, other.to_string())),
            },
            Err(Failure::Fault(fault)) => {
                return Err(ImportError::Writing { fault, report: Box::default() });
            }
        }
    }
    Ok(())
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
            source: Source::Api,
            reason: Some(format!("the import {import_id} is taken back")),
            correlation_id: None,
            causation_id: None,
            source_recorded_at: None,
        },
        recorded_at: None,
    }
}
