//! Whether a command may be put to the log by this login. What the login may not see, it is answered about as about what
//! is not there.

use super::{Access, Concerning, Login, Relation};
use crate::{
    graph::{
        Asked, Session, Submitting, View, fault, first_instant,
        view::{AsOfInput, EffectiveInput},
    },
    login::LoginId,
};
use async_graphql::Result;
use units::DealId;
use uuid::Uuid;

/// Withdrawals of withdrawals that are followed to what they are about.
const WITHDRAWALS_MAX: usize = 16;

/// Why a command is not put to the log; none when it may be. A deal that may not be seen is replaced in the command by
/// one that is not there, so that the log itself gives the answer that an unknown deal gets.
pub(crate) async fn admit<C: Concerning>(
    session: &Session,
    action: &str,
    submitting: &mut Submitting<C>,
) -> Result<Option<String>> {
    if session.login == Login::Local {
        return Ok(None);
    }
    let now = session.apart();
    let answer = judge(session, &now, action, submitting).await;
    now.reads().finish().await;
    answer
}

async fn judge<C: Concerning>(
    session: &Session,
    now: &View,
    action: &str,
    submitting: &mut Submitting<C>,
) -> Result<Option<String>> {
    let access = now.access().await?;
    if access.role().is_none() {
        return Ok(Some("your login has no role in the organisation now".to_owned()));
    }
    let Some(mut relations) = subjects(now, &access, submitting).await? else { return Ok(None) };
    let (position, also) = match &submitting.verb {
        Asked::Withdraw(position) => (Some(position.0), None),
        Asked::Do(command) => {
            let replaces = submitting.fields.correction.as_ref().and_then(|correction| correction.replaces);
            (replaces.map(|position| position.0), command.also())
        }
    };
    let mut actions = vec![action.to_owned()];
    actions.extend(also.map(str::to_owned));
    if submitting.kind == "deal" {
        relations.extend(owner_then(session, now, &access, submitting).await?);
    }
    if let (Some(position), Some(stream)) = (position, submitting.id) {
        let Some(said) = said(now, submitting.kind, stream, position).await? else {
            return Ok(Some("what is withdrawn was withdrawn and said again too often to be followed".to_owned()));
        };
        relations.extend(said.about.map(|person| access.relation(person)));
        if said.gives {
            // Without it the deal is another's: whose, the log finds out later.
            actions.push("dealChangeOwner".to_owned());
            relations.push(Relation::Other);
        }
        if said.actor.is_some_and(|actor| actor != session.login.to_string()) {
            actions.push(format!("{}.correct", submitting.kind));
        }
    }
    let all = actions.iter().all(|action| relations.iter().all(|relation| access.may(action, *relation)));
    Ok((!all).then(|| "your role does not allow that".to_owned()))
}

/// How those whom a command is about stand to the login; none when it is about a deal that the login may not see.
async fn subjects<C: Concerning>(
    now: &View,
    access: &Access,
    submitting: &mut Submitting<C>,
) -> Result<Option<Vec<Relation>>> {
    let mut relations = Vec::new();
    if submitting.kind == "deal"
        && let Some(id) = &mut submitting.id
    {
        match seen_owner(now, access, *id).await? {
            Some(relation) => relations.push(relation),
            None => {
                *id = unseen(*id);
                return Ok(None);
            }
        }
    }
    if let Asked::Do(command) = &mut submitting.verb {
        if let Some(DealId(other)) = command.other_deal() {
            match seen_owner(now, access, *other).await? {
                Some(relation) => relations.push(relation),
                None => *other = unseen(*other),
            }
        }
        relations.extend(command.people().into_iter().map(|person| access.relation(person)));
    }
    let person = match submitting.kind {
        "person" => submitting.id,
        "reporting" => submitting.row,
        "login" => match submitting.id {
            Some(id) => login_of(now, id).await?,
            None => None,
        },
        _ => None,
    };
    relations.extend(person.map(|person| access.relation(person)));
    if relations.is_empty() {
        relations.push(Relation::Other);
    }
    Ok(Some(relations))
}

/// How the owner of a deal stands to the login; none when the deal may not be seen, or is not there.
async fn seen_owner(now: &View, access: &Access, deal: Uuid) -> Result<Option<Relation>> {
    let row = now.loader.load_one(DealId(deal)).await.map_err(|error| fault(&error))?;
    Ok(match row {
        Some(row) if access.may_see(row.owner_id) => Some(access.relation(row.owner_id)),
        None if access.visible().is_none() => Some(Relation::Other),
        _ => None,
    })
}

/// How whoever owned the deal at the instant that a command is about stands to the login: what was theirs then is not
/// changed by who owns it now alone.
async fn owner_then<C: Concerning>(
    session: &Session,
    now: &View,
    access: &Access,
    submitting: &Submitting<C>,
) -> Result<Option<Relation>> {
    let (Some(effective), Some(deal)) = (&submitting.fields.effective_at, submitting.id) else { return Ok(None) };
    let effective = Some(EffectiveInput::At(first_instant(session, effective)?));
    let then = now.at(AsOfInput { effective, known: None });
    let row = then.loader.load_one(DealId(deal)).await.map_err(|error| fault(&error))?;
    Ok(row.map(|row| access.relation(row.owner_id)))
}

/// The person that a login stands for; none when it is a service's, or is not there.
async fn login_of(now: &View, id: Uuid) -> Result<Option<Uuid>> {
    let row = now.loader.load_one(LoginId(id)).await.map_err(|error| fault(&error))?;
    Ok(row.and_then(|row| row.person_id))
}

/// An id that no deal has.
fn unseen(deal: Uuid) -> Uuid {
    Uuid::new_v5(&deal, b"not to be seen")
}

/// Who said an event, whose reporting line it is about, and whether it gave a deal to somebody.
#[derive(Default)]
struct Said {
    actor: Option<String>,
    about: Option<Uuid>,
    gives: bool,
}

/// What an event of a stream said, or what was withdrawn by it; none when that cannot be followed.
async fn said(now: &View, kind: &str, stream: Uuid, position: i64) -> Result<Option<Said>> {
    let mut said = Said::default();
    let mut at = position;
    for _ in 0..WITHDRAWALS_MAX {
        let sql = include_str!("sql/event_said.sql");
        let rows = now.reads().rows(sql, &[&at, &kind, &stream]).await.map_err(|error| fault(&error))?;
        let Some(row) = rows.first() else { return Ok(Some(said)) };
        said.actor.get_or_insert_with(|| row.get(1));
        let payload = serde_json::from_slice::<serde_json::Value>(row.get(3)).unwrap_or_default();
        if row.get::<_, &str>(2) == logbook::WITHDRAWN {
            let Some(withdrawn) = payload["event"].as_i64() else { return Ok(Some(said)) };
            at = withdrawn;
            continue;
        }
        if kind == "reporting" {
            said.about = payload["person"].as_str().and_then(|person| person.parse().ok());
        }
        said.gives = row.get::<_, &str>(2) == "deal.owner_changed";
        return Ok(Some(said));
    }
    Ok(None)
}
