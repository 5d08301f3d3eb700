//! Where slices meet for deciding: what each needs to know of the others, in this one place.

use crate::{
    account::{self, Account},
    deal::{self, Deal, StageFact, StageRole, Status},
    login,
    person::{self, Person},
    pipeline::{Pipeline, StageKind},
    product::Product,
    reporting,
    span::Span,
    team::{self, Teams},
};
use logbook::{Slice, Stream, StreamRef, Streams};
use units::{AccountId, DealId, Instant, PersonId, PipelineId, ProductId, TeamId};
use uuid::Uuid;

/// Accounts that are followed upwards.
const ACCOUNT_LEVELS_MAX: usize = 32;

fn stream<S: Slice>(id: Uuid) -> StreamRef {
    StreamRef { kind: S::KIND, id }
}

fn active(streams: &Streams, person: PersonId, effective: Instant) -> bool {
    streams.state::<Person>(person.0, effective).is_some_and(|person| person.active_at(effective))
}

/// What of others a command of a deal names.
#[derive(Default)]
struct Named {
    pipeline: Option<PipelineId>,
    owner: Option<PersonId>,
    account: Option<AccountId>,
    product: Option<ProductId>,
    survivor: Option<DealId>,
}

fn named(deal: &Deal, command: &deal::Command) -> Named {
    use deal::Command;
    match command {
        Command::Open(opening) => Named {
            pipeline: Some(opening.pipeline),
            owner: Some(opening.owner),
            account: opening.account,
            product: opening.product,
            survivor: None,
        },
        Command::ChangeStage { .. }
        | Command::Win { .. }
        | Command::Lose { .. }
        | Command::CloseWithoutDecision { .. }
        | Command::Reopen { .. } => Named { pipeline: deal.pipeline, ..Named::default() },
        Command::ChangeOwner { owner } => Named { owner: Some(*owner), ..Named::default() },
        Command::Merge { into } => Named { survivor: Some(*into), ..Named::default() },
        Command::Rename { .. }
        | Command::ChangeAmount { .. }
        | Command::MoveCloseDate { .. }
        | Command::OverrideCategory { .. }
        | Command::OverrideProbability { .. }
        | Command::SetNextStep { .. } => Named::default(),
    }
}

pub(crate) fn deal_reads(deal: &Deal, command: &deal::Command) -> Vec<StreamRef> {
    let Named { pipeline, owner, account, product, survivor } = named(deal, command);
    let streams = [
        pipeline.map(|id| stream::<Pipeline>(id.0)),
        owner.map(|id| stream::<Person>(id.0)),
        account.map(|id| stream::<Account>(id.0)),
        product.map(|id| stream::<Product>(id.0)),
        survivor.map(|id| stream::<Deal>(id.0)),
    ];
    streams.into_iter().flatten().collect()
}

pub(crate) fn deal(
    deal: &Deal,
    id: Uuid,
    command: &deal::Command,
    effective: Instant,
    streams: &Streams,
) -> deal::Facts {
    let Named { pipeline, owner, account, product, survivor } = named(deal, command);
    let pipeline = pipeline.and_then(|id| streams.state::<Pipeline>(id.0, effective));
    let pipeline = pipeline.filter(|pipeline| pipeline.defined_by(effective));
    let account = account.and_then(|id| streams.state::<Account>(id.0, effective));
    let product = product.and_then(|id| streams.state::<Product>(id.0, effective));
    deal::Facts {
        stages: pipeline.map(|pipeline| stages(&pipeline, effective)),
        owner_active: owner.is_some_and(|owner| active(streams, owner, effective)),
        account_known: account.is_some_and(|account| account.active_at(effective)),
        product_known: product.is_some_and(|product| product.sold_at(effective)),
        survivor: survivor.filter(|id| survives(streams, *id, effective)),
        itself: Some(DealId(id)),
    }
}

/// Whether a deal is there at an instant and is not merged from then on: two deals that each lived on in the other would
/// be in no figure.
fn survives(streams: &Streams, deal: DealId, effective: Instant) -> bool {
    let segments = streams.stream::<Deal>(deal.0).map(Stream::segments).unwrap_or_default();
    let mut later = segments.iter().filter(|segment| segment.to.is_none_or(|to| effective < to)).peekable();
    later.peek().is_some_and(|first| first.from <= effective)
        && later.all(|segment| segment.row.status != Status::Merged)
}

fn stages(pipeline: &Pipeline, effective: Instant) -> Vec<StageFact> {
    let fact = |stage: crate::pipeline::StageView| StageFact {
        id: stage.id,
        role: match stage.kind {
            StageKind::Open => StageRole::Open,
            StageKind::Won => StageRole::Won,
            StageKind::Lost => StageRole::Lost,
        },
        retired: stage.retired,
    };
    pipeline.stages_at(effective).into_iter().map(fact).collect()
}

fn team_of(command: &person::Command) -> Option<TeamId> {
    match command {
        person::Command::Hire { team, .. } | person::Command::JoinTeam { team, .. } => *team,
        _ => None,
    }
}

pub(crate) fn person_reads(command: &person::Command) -> Vec<StreamRef> {
    team_of(command).map(|_| stream::<Teams>(team::stream_id())).into_iter().collect()
}

pub(crate) fn person(command: &person::Command, effective: Instant, streams: &Streams) -> person::Facts {
    let teams = streams.state::<Teams>(team::stream_id(), effective);
    let stands = |team| teams.as_ref().is_some_and(|teams| teams.stands_at(team, effective));
    person::Facts { team_known: team_of(command).is_some_and(stands) }
}

pub(crate) fn reporting_reads(command: &reporting::Command) -> Vec<StreamRef> {
    let reporting::Command::SetManager { person, manager, .. } = command;
    [Some(*person), *manager].into_iter().flatten().map(|id| stream::<Person>(id.0)).collect()
}

pub(crate) fn reporting(command: &reporting::Command, effective: Instant, streams: &Streams) -> reporting::Facts {
    let reporting::Command::SetManager { person, manager, .. } = command;
    reporting::Facts {
        person_active: active(streams, *person, effective),
        manager_active: manager.is_some_and(|manager| active(streams, manager, effective)),
    }
}

fn parent_of(command: &account::Command) -> Option<AccountId> {
    match command {
        account::Command::Register { parent, .. } | account::Command::ChangeParent { parent, .. } => *parent,
        _ => None,
    }
}

/// The new parent and those above it at any instant from the effective one until the command's end, as far as they are
/// loaded.
fn ancestors(command: &account::Command, effective: Instant, streams: &Streams) -> Vec<AccountId> {
    let Some(parent) = parent_of(command) else { return vec![] };
    let until = match command {
        account::Command::ChangeParent { until, .. } => *until,
        _ => None,
    };
    let span = Span::new(effective, until);
    let mut open = vec![(parent, span, 1)];
    let mut found = Vec::new();
    while let Some((id, span, level)) = open.pop() {
        if level < ACCOUNT_LEVELS_MAX
            && let Some(account) = streams.state::<Account>(id.0, effective)
        {
            open.extend(span.pieces(&account.parent).map(|(span, above)| (*above, span, level + 1)));
        }
        found.push(id);
    }
    found
}

pub(crate) fn account_reads(command: &account::Command, effective: Instant, streams: &Streams) -> Vec<StreamRef> {
    ancestors(command, effective, streams).into_iter().map(|id| stream::<Account>(id.0)).collect()
}

pub(crate) fn account(id: Uuid, command: &account::Command, effective: Instant, streams: &Streams) -> account::Facts {
    let parent = parent_of(command).and_then(|parent| streams.state::<Account>(parent.0, effective));
    account::Facts {
        parent_known: parent.is_some_and(|parent| parent.active_at(effective)),
        ancestors: ancestors(command, effective, streams),
        itself: Some(AccountId(id)),
    }
}

fn person_of(command: &login::Command) -> Option<PersonId> {
    match command {
        login::Command::MakeKey { subject: login::Subject::Person(person), .. }
        | login::Command::Link { subject: login::Subject::Person(person), .. } => Some(*person),
        _ => None,
    }
}

pub(crate) fn login_reads(command: &login::Command) -> Vec<StreamRef> {
    person_of(command).map(|person| stream::<Person>(person.0)).into_iter().collect()
}

pub(crate) fn login(command: &login::Command, effective: Instant, streams: &Streams) -> login::Facts {
    login::Facts { person_active: person_of(command).is_some_and(|person| active(streams, person, effective)) }
}
