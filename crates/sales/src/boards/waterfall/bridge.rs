//! The candidates of a waterfall at its ends, and the ledger between them.

use super::gross::Window;
use crate::{
    boards::{deal_metrics::within_our_knowledge, deals_at::DealsAt},
    flow::{Cause, DealAt, End, Ends, Ledger, Prices, bridge},
    graph::{AsOfInput, EffectiveInput, Organisation, PeriodDays, Scope, ScopeInput, View, bad_input},
};
use async_graphql::Result;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use tokio::sync::OnceCell;
use units::Instant;
use uuid::Uuid;

/// What a waterfall is of.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) period: PeriodDays,
    pub(super) scope: Option<ScopeInput>,
    pub(super) organisation: Organisation,
}

/// A waterfall between two ends.
pub(super) struct Bridge {
    pub(super) asked: Asked,
    /// The second end.
    pub(super) view: Arc<View>,
    /// The first end, as known at the second.
    pub(super) first: Arc<View>,
    /// The first end, as known at the first, where that is another position.
    pub(super) believed: Option<Arc<View>>,
    /// When the first end is.
    pub(super) since: Instant,
    pub(super) candidates: Vec<Ends>,
    pub(super) ledger: Ledger<Cause>,
    pub(super) window: OnceCell<Window>,
}

impl Bridge {
    pub(super) async fn of(view: &Arc<View>, from: AsOfInput, asked: Asked) -> Result<Self> {
        let after = view.seen().await?;
        // Now is the same instant at both ends of a question.
        let from = match (&from.effective, &view.point.asked.effective) {
            (None, None) => AsOfInput { effective: Some(EffectiveInput::At(after.effective)), ..from },
            _ => from,
        };
        let believed = view.at(from);
        let believed_at = believed.seen().await?;
        if after.effective < believed_at.effective {
            return Err(bad_input("from: the first end lies after the second"));
        }
        within_our_knowledge(view).await?;
        within_our_knowledge(&believed).await?;
        let since = believed_at.effective;
        let known = view.point.asked.known.clone();
        let first = view.at(AsOfInput { effective: Some(EffectiveInput::At(since)), known });
        let believed = (believed_at.known != after.known).then_some(believed);
        let candidates = candidates(believed.as_ref(), &first, view, &asked).await?;
        let ledger = bridge(&candidates, &asked.period, &Prices::OWN);
        let view = Arc::clone(view);
        Ok(Self { asked, view, first, believed, since, candidates, ledger, window: OnceCell::new() })
    }
}

/// One end: those of its deals that count, and all of it to ask how others stand there.
struct Side {
    at: DealsAt,
    due: HashMap<Uuid, DealAt>,
}

impl Side {
    async fn of(view: &Arc<View>, asked: &Asked) -> Result<Self> {
        let scope = Scope::of(view, asked.scope.as_ref(), asked.organisation).await?;
        let at = DealsAt::of(view, scope).await?;
        let due = at.due(&asked.period).await?.into_iter().map(|deal| (deal.id, deal)).collect();
        Ok(Self { at, due })
    }

    /// How the candidates stand at this end.
    async fn ends(self, candidates: &BTreeSet<Uuid>) -> Result<HashMap<Uuid, End>> {
        let others = candidates.iter().filter(|id| !self.due.contains_key(id)).copied().collect();
        let mut ends = self.at.ends(&others).await?;
        ends.extend(self.due.into_iter().map(|(id, deal)| (id, End::Seen(deal))));
        Ok(ends)
    }
}

/// The deals that count at any end, as they stand at each.
async fn candidates(
    believed: Option<&Arc<View>>,
    first: &Arc<View>,
    after: &Arc<View>,
    asked: &Asked,
) -> Result<Vec<Ends>> {
    let side = async |view: Option<&Arc<View>>| match view {
        Some(view) => Side::of(view, asked).await.map(Some),
        None => Ok(None),
    };
    let (believed, first, after) = futures::try_join!(side(believed), side(Some(first)), side(Some(after)))?;
    let sides = [&believed, &first, &after];
    let ids: BTreeSet<Uuid> = sides.into_iter().flatten().flat_map(|side| side.due.keys().copied()).collect();
    let restated = believed.is_some();
    let ends = async |side: Option<Side>| match side {
        Some(side) => side.ends(&ids).await,
        None => Ok(HashMap::new()),
    };
    let (mut believed, mut first, mut after) = futures::try_join!(ends(believed), ends(first), ends(after))?;
    let of = |deal: &Uuid| Ends {
        deal: *deal,
        believed: restated.then(|| believed.remove(deal).unwrap_or_default()),
        first: first.remove(deal).unwrap_or_default(),
        after: after.remove(deal).unwrap_or_default(),
    };
    Ok(ids.iter().map(of).collect())
}
