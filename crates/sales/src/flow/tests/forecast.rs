//! What moved in a forecast: the first cause that holds, and nothing left over.

use super::{counted, currency, day, dollars, end, second_quarter, usd, with};
use crate::{
    category::Category::{self, BestCase, Commit, Omitted, Pipeline},
    deal::Status,
    flow::*,
};
use proptest::prelude::*;
use units::Money;
use uuid::Uuid;

/// What a stage says, by its number; the first three are there.
fn meaning(shift: usize) -> impl Fn(Uuid) -> Option<Meaning> {
    move |stage| {
        let meanings = [(Omitted, 0), (Pipeline, 1_000), (BestCase, 3_333), (Commit, 6_667)];
        let (category, probability_bps) = meanings[(usize::try_from(stage.as_u128()).ok()? + shift) % 4];
        (stage.as_u128() < 3).then_some(Meaning { category, probability_bps })
    }
}

fn terms<'a>(measure: &'a Measure, definitions: Definitions<'a>, prices: Prices<'a>) -> Terms<'a> {
    const PERIOD: crate::graph::PeriodDays = second_quarter();
    Terms { measure, period: &PERIOD, definitions, prices }
}

fn told(measure: &Measure, first: &End, after: &End) -> Vec<(ForecastCause, i64, i64)> {
    let none = |_| None;
    let definitions = Definitions { believed: &none, first: &none, after: &none };
    let ends = Ends { first: first.clone(), after: after.clone(), ..Ends::default() };
    let entries = forecast_entries(&ends, &terms(measure, definitions, Prices::OWN));
    entries.iter().map(|entry| (entry.cause, entry.count, entry.amount.map_or(0, |money| money.amount_minor))).collect()
}

fn committed() -> End {
    with(|deal| deal.category = Some(Commit))
}

fn won_on(month: u32) -> impl Fn(&mut DealAt) {
    move |deal| (deal.status, deal.closed_on) = (Status::Won, Some(day(month, 20)))
}

#[test]
fn a_deal_comes_into_a_forecast_for_the_first_cause_that_holds() {
    use ForecastCause::*;
    let commit = Measure::cumulative(Commit);
    let after = |change: fn(&mut DealAt)| {
        with(|deal| {
            (deal.category, deal.amount) = (Some(Commit), usd(130));
            change(deal);
        })
    };
    let (here, won) = (after(|_| ()), after(|deal| won_on(5)(deal)));
    let other = |deal: &mut DealAt| (deal.owner, deal.in_scope) = (Uuid::from_u128(9), false);
    let cases = [
        (End::Absent, &here, New),
        (End::Absent, &won, New),
        (with(|deal| deal.status = Status::Lost), &here, Reopened),
        (with(won_on(3)), &here, Reopened),
        (with(won_on(3)), &won, Reopened),
        (with(other), &here, OwnerAdded),
        (End::Unseen, &here, OwnerAdded),
        (with(|deal| deal.in_scope = false), &here, HierarchyAdded),
        (with(|deal| (won_on(5)(deal), deal.in_scope = false).0), &won, HierarchyAdded),
        (with(|deal| deal.close_on = Some(day(7, 1))), &won, Won),
        (with(|_| ()), &won, Won),
        (with(|deal| deal.close_on = Some(day(7, 1))), &here, PulledIn),
        (with(|deal| deal.close_on = Some(day(3, 31))), &here, PushedIn),
        (with(|deal| deal.close_on = None), &here, Dated),
        (with(|_| ()), &here, CategoryIn),
    ];
    for (first, after, cause) in cases {
        let wanted = match first.deal() {
            Some(_) => vec![(cause, 1, 100), (Increased, 0, 30)],
            None => vec![(cause, 1, 130)],
        };
        assert_eq!(told(&commit, &first, after), wanted, "{first:?}");
    }
}

#[test]
fn a_deal_goes_out_of_a_forecast_for_the_first_cause_that_holds() {
    use ForecastCause::*;
    let (all, open) = (Measure::cumulative(Commit), Measure::single(Commit));
    let other = |deal: &mut DealAt| (deal.owner, deal.in_scope) = (Uuid::from_u128(9), false);
    let cases = [
        (&all, with(|deal| deal.status = Status::Merged), Deleted),
        (&all, with(other), OwnerRemoved),
        (&all, with(|deal| deal.in_scope = false), HierarchyRemoved),
        (&all, with(|deal| deal.status = Status::Lost), Lost),
        (&all, with(|deal| deal.status = Status::NoDecision), NoDecision),
        (&all, with(won_on(3)), PulledOut),
        (&all, with(won_on(8)), PushedOut),
        (&open, with(won_on(5)), Won),
        (&all, with(|deal| deal.close_on = Some(day(7, 1))), PushedOut),
        (&all, with(|deal| deal.close_on = None), Undated),
        (&all, with(|_| ()), CategoryOut),
    ];
    for (measure, after, cause) in cases {
        assert_eq!(told(measure, &committed(), &after), [(cause, -1, -100)], "{after:?}");
    }
    assert_eq!(told(&all, &committed(), &End::Unseen), [(OwnerRemoved, -1, -100)]);
    assert_eq!(told(&all, &committed(), &End::Absent), [(Deleted, -1, -100)]);
    assert_eq!(told(&all, &with(won_on(5)), &with(|_| ())), [(Reopened, -1, -100)]);
}

#[test]
fn a_win_of_what_was_weighed_counts_to_its_full_amount_and_what_it_rose_by_beside_it() {
    use ForecastCause::*;
    let weighed =
        |bps| with(|deal| (deal.amount, deal.category, deal.probability_bps) = (usd(1_000), Some(Commit), Some(bps)));
    let won = with(|deal| (won_on(5)(deal), deal.amount = usd(1_500)).0);
    assert_eq!(told(&Measure::weighted(), &weighed(2_500), &weighed(6_000)), [(Probability, 0, 350)]);
    assert_eq!(told(&Measure::weighted(), &weighed(2_500), &won), [(Won, 0, 750), (Increased, 0, 500)]);
    assert_eq!(told(&Measure::cumulative(Commit), &weighed(2_500), &won), [(Increased, 0, 500)]);
}

#[test]
fn another_meaning_of_a_stage_is_its_own_cause_and_leaves_what_a_human_said() {
    let (old, new) = (meaning(0), meaning(2));
    let definitions = Definitions { believed: &old, first: &old, after: &new };
    let (commit, weighted) = (Measure::cumulative(Commit), Measure::weighted());
    let told = |measure: &Measure, by_hand| {
        let stage = with(|deal| {
            (deal.stage, deal.category, deal.category_by_hand) = (Uuid::from_u128(1), Some(Pipeline), by_hand);
        });
        let ends = Ends { first: stage.clone(), after: stage, ..Ends::default() };
        let entries = forecast_entries(&ends, &terms(measure, definitions, Prices::OWN));
        entries.into_iter().map(|entry| (entry.cause, entry.count, entry.amount)).collect::<Vec<_>>()
    };
    // 1.00 goes from PIPELINE at 10 % to COMMIT at 66.67 %: 10 cents to 67, for a human's PIPELINE too.
    assert_eq!(told(&commit, false), [(ForecastCause::Definitions, 1, usd(100))]);
    assert_eq!(told(&commit, true), []);
    assert_eq!(told(&weighted, true), [(ForecastCause::Definitions, 0, usd(57))]);
}

fn candidate() -> impl Strategy<Value = End> {
    let category = prop_oneof![Just(Omitted), Just(Pipeline), Just(BestCase), Just(Commit)];
    let closed_on = (3..8_u32).prop_map(|month| day(month, 10));
    (end(), 0..4_u128, category, any::<bool>(), prop::option::of(0..=10_000_i32), closed_on, 2..4_u128).prop_map(
        |(end, stage, category, category_by_hand, probability_bps, closed_on, owner)| match end {
            End::Seen(deal) => End::Seen(DealAt {
                stage: Uuid::from_u128(stage),
                category: category_by_hand
                    .then_some(category)
                    .or(meaning(0)(Uuid::from_u128(stage)).map(|stage| stage.category)),
                category_by_hand,
                probability_bps,
                closed_on: (deal.status != Status::Open).then_some(closed_on),
                owner: Uuid::from_u128(owner),
                ..deal
            }),
            other => other,
        },
    )
}

fn candidates() -> impl Strategy<Value = Vec<Ends>> {
    let one = (prop::option::of(candidate()), candidate(), candidate(), any::<u128>());
    let one =
        one.prop_map(|(believed, first, after, deal)| Ends { deal: Uuid::from_u128(deal), believed, first, after });
    prop::collection::vec(one, 0..30)
}

fn measure() -> impl Strategy<Value = Measure> {
    let category = prop_oneof![Just(Pipeline), Just(BestCase), Just(Commit), Just(Category::Closed)];
    let plain = (category, any::<bool>()).prop_map(|(category, cumulative)| match cumulative {
        true => Measure::cumulative(category),
        false => Measure::single(category),
    });
    prop_oneof![plain, Just(Measure::open()), Just(Measure::weighted())]
}

fn adjustments() -> impl Strategy<Value = Vec<Adjusted>> {
    let said = || {
        let code = prop_oneof![Just("USD"), Just("EUR"), Just("JPY")];
        let said =
            (-500..500_i64, code).prop_map(|(minor, code)| Money { amount_minor: minor, currency: currency(code) });
        prop::option::of(said)
    };
    let one = (any::<u128>(), prop::option::of(said()), said(), said());
    let one = one.prop_map(|(id, believed, first, after)| Adjusted { id: Uuid::from_u128(id), believed, first, after });
    prop::collection::vec(one, 0..8)
}

proptest! {
    #[test]
    fn nothing_of_a_forecast_is_left_over(
        deals in candidates(), adjusted in adjustments(), measure in measure(), shifts in (0..4_usize, 0..4_usize, 0..4_usize),
        moved in 1..900_i64, own in any::<bool>(),
    ) {
        let (believed, first, after) = (meaning(shifts.0), meaning(shifts.1), meaning(shifts.2));
        let definitions = Definitions { believed: &believed, first: &first, after: &after };
        let rates = Prices {
            believed: &|money| dollars(money, 290), first: &|money| dollars(money, 300), after: &|money| dollars(money, moved),
        };
        let prices = if own { Prices::OWN } else { rates };
        let terms = terms(&measure, definitions, prices);
        let mut ledger = forecast_difference(&deals, &terms);
        prop_assert_eq!(ledger.residual(), Sum::default());
        adjust(&mut ledger, &adjusted, &prices);
        prop_assert_eq!(ledger.residual(), Sum::default());
        let counts: i64 = ledger.lines().iter().map(|line| line.sum.count).sum();
        prop_assert_eq!(counts, ledger.end.count - ledger.start.count);
    }

    #[test]
    fn what_stands_alike_at_both_ends_is_no_entry(deal in candidate(), measure in measure()) {
        let same = meaning(0);
        let definitions = Definitions { believed: &same, first: &same, after: &same };
        let ends = Ends { believed: Some(deal.clone()), first: deal.clone(), after: deal, ..Ends::default() };
        prop_assert_eq!(forecast_entries(&ends, &terms(&measure, definitions, Prices::OWN)), vec![]);
    }
}

#[test]
fn measures_are_those_of_the_field() {
    let end = |category| with(|deal| deal.category = Some(category));
    let counts = |measure: &Measure, end: &End| {
        let none = |_| None;
        let definitions = Definitions { believed: &none, first: &none, after: &none };
        forecast_part(end, &terms(measure, definitions, Prices::OWN), &none, &Some).is_some()
    };
    let won = with(won_on(5));
    let told = |measure: &Measure| {
        let open =
            [Omitted, Pipeline, BestCase, Category::MostLikely, Commit].map(|category| counts(measure, &end(category)));
        (open, counts(measure, &won))
    };
    assert_eq!(told(&Measure::single(BestCase)), ([false, false, true, false, false], false));
    assert_eq!(told(&Measure::single(Category::Closed)), ([false; 5], true));
    assert_eq!(told(&Measure::cumulative(BestCase)), ([false, false, true, true, true], true));
    assert_eq!(told(&Measure::cumulative(Commit)), ([false, false, false, false, true], true));
    assert_eq!(told(&Measure::open()), ([false, true, true, true, true], false));
    assert_eq!(told(&Measure::weighted()), ([false, true, true, true, true], true));
    assert_eq!(counted().category, Some(Pipeline));
}
