mod forecast;

use super::*;
use crate::{category::Category, deal::Status, graph::PeriodDays};
use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;
use units::{Currency, Day, Money};
use uuid::Uuid;

const FIRST_OF_APRIL: NaiveDate = NaiveDate::from_ymd_opt(2026, 4, 1).unwrap();
const FIRST_OF_JULY: NaiveDate = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();

fn day(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap()
}

const fn second_quarter() -> PeriodDays {
    PeriodDays { from: Day(FIRST_OF_APRIL), to: Day(FIRST_OF_JULY) }
}

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

fn usd(minor: i64) -> Option<Money> {
    Some(Money { amount_minor: minor, currency: currency("USD") })
}

/// An open deal of the second quarter, in scope, for 1.00.
fn counted() -> DealAt {
    DealAt {
        id: Uuid::from_u128(1),
        owner: Uuid::from_u128(2),
        status: Status::Open,
        amount: usd(100),
        close_on: Some(day(5, 15)),
        closed_on: None,
        opened_on: day(1, 1),
        pipeline: Uuid::nil(),
        stage: Uuid::nil(),
        category: Some(Category::Pipeline),
        category_by_hand: false,
        probability_bps: None,
        since: DateTime::UNIX_EPOCH,
        in_scope: true,
    }
}

fn with(change: impl FnOnce(&mut DealAt)) -> End {
    let mut deal = counted();
    change(&mut deal);
    End::Seen(deal)
}

fn told(first: &End, after: &End) -> Vec<(Cause, i64, i64)> {
    let entries = waterfall(Uuid::nil(), first, after, &second_quarter(), &Prices::OWN);
    entries.iter().map(|entry| (entry.cause, entry.count, entry.amount.map_or(0, |money| money.amount_minor))).collect()
}

#[test]
fn a_deal_comes_in_for_the_first_cause_that_holds() {
    let in_now = with(|deal| deal.amount = usd(130));
    let closed = |status| move |deal: &mut DealAt| deal.status = status;
    let away = |deal: &mut DealAt| (deal.status, deal.in_scope, deal.close_on) = (Status::Lost, false, None);
    let cases = [
        (End::Absent, Cause::New, false),
        (with(closed(Status::Won)), Cause::Reopened, true),
        (with(closed(Status::Lost)), Cause::Reopened, true),
        (with(closed(Status::NoDecision)), Cause::Reopened, true),
        (with(closed(Status::Merged)), Cause::Reopened, true),
        (with(away), Cause::Reopened, true),
        (with(|deal| (deal.in_scope, deal.close_on) = (false, Some(day(9, 1)))), Cause::OwnerAdded, true),
        (End::Unseen, Cause::OwnerAdded, false),
        (with(|deal| deal.close_on = Some(day(7, 1))), Cause::PulledIn, true),
        (with(|deal| deal.close_on = Some(day(3, 31))), Cause::PushedIn, true),
        (with(|deal| deal.close_on = None), Cause::Dated, true),
    ];
    for (first, cause, had_an_amount) in cases {
        let wanted = match had_an_amount {
            true => vec![(cause, 1, 100), (Cause::Increased, 0, 30)],
            false => vec![(cause, 1, 130)],
        };
        assert_eq!(told(&first, &in_now), wanted, "{first:?}");
    }
}

#[test]
fn a_deal_goes_out_for_the_first_cause_that_holds() {
    let closed = |status| move |deal: &mut DealAt| (deal.status, deal.amount) = (status, usd(80));
    let out = |close_on| move |deal: &mut DealAt| (deal.close_on, deal.amount) = (close_on, usd(80));
    let away = |deal: &mut DealAt| (deal.status, deal.in_scope, deal.amount) = (Status::Won, false, usd(80));
    let cases = [
        (End::Absent, Cause::Deleted, false),
        (with(closed(Status::Merged)), Cause::Deleted, true),
        (with(away), Cause::OwnerRemoved, true),
        (End::Unseen, Cause::OwnerRemoved, false),
        (with(closed(Status::Won)), Cause::Won, true),
        (with(closed(Status::Lost)), Cause::Lost, true),
        (with(closed(Status::NoDecision)), Cause::NoDecision, true),
        (with(out(Some(day(7, 1)))), Cause::PushedOut, true),
        (with(out(Some(day(3, 31)))), Cause::PulledOut, true),
        (with(out(None)), Cause::Undated, true),
    ];
    for (after, cause, has_an_amount) in cases {
        let wanted = match has_an_amount {
            true => vec![(Cause::Decreased, 0, -20), (cause, -1, -80)],
            false => vec![(cause, -1, -100)],
        };
        assert_eq!(told(&with(|_| ()), &after), wanted, "{after:?}");
    }
}

#[test]
fn what_stays_in_counts_no_deals_and_what_stays_out_is_no_entry() {
    let stays = with(|_| ());
    assert_eq!(told(&stays, &with(|deal| deal.amount = usd(101))), [(Cause::Increased, 0, 1)]);
    assert_eq!(told(&stays, &with(|deal| deal.amount = None)), [(Cause::Decreased, 0, -100)]);
    assert_eq!(told(&stays, &stays), []);
    assert_eq!(told(&End::Absent, &with(|deal| deal.close_on = None)), []);
}

#[test]
fn another_currency_is_out_in_the_old_and_in_in_the_new_one() {
    let euros = Money { amount_minor: 90, currency: currency("EUR") };
    let after = with(|deal| deal.amount = Some(euros));
    let entries = waterfall(Uuid::nil(), &with(|_| ()), &after, &second_quarter(), &Prices::OWN);
    let told: Vec<_> = entries.iter().map(|entry| (entry.cause, entry.count, entry.amount)).collect();
    let old = Money { amount_minor: -100, currency: currency("USD") };
    assert_eq!(told, [(Cause::Decreased, 0, Some(old)), (Cause::Increased, 0, Some(euros))]);
}

fn amount() -> impl Strategy<Value = Option<Money>> {
    let code = prop_oneof![Just("USD"), Just("EUR"), Just("JPY")];
    let money = (0..1_000_i64, code).prop_map(|(minor, code)| Money { amount_minor: minor, currency: currency(code) });
    prop_oneof![1 => Just(None), 6 => money.prop_map(Some), 1 => Just(usd(i64::MAX))]
}

fn end() -> impl Strategy<Value = End> {
    let status = prop_oneof![
        5 => Just(Status::Open),
        1 => Just(Status::Won),
        1 => Just(Status::Lost),
        1 => Just(Status::NoDecision),
        1 => Just(Status::Merged),
    ];
    let close_on = prop_oneof![
        1 => Just(None),
        5 => (3..8_u32, prop_oneof![Just(1_u32), Just(15), Just(30)]).prop_map(|(m, d)| Some(day(m, d))),
    ];
    let seen =
        (status, amount(), close_on, prop::bool::weighted(0.8)).prop_map(|(status, amount, close_on, in_scope)| {
            End::Seen(DealAt { status, amount, close_on, in_scope, ..counted() })
        });
    prop_oneof![1 => Just(End::Absent), 1 => Just(End::Unseen), 10 => seen]
}

fn ends(restated: bool) -> impl Strategy<Value = Vec<Ends>> {
    let one = (end(), end(), end(), any::<u128>()).prop_map(move |(believed, first, after, deal)| Ends {
        deal: Uuid::from_u128(deal),
        believed: restated.then_some(believed),
        first,
        after,
    });
    prop::collection::vec(one, 0..40)
}

/// Rates of a reporting currency: thirds, so that every amount is rounded; one currency has none.
fn dollars(money: Money, thirds: i64) -> Option<Money> {
    let minor = i128::from(money.amount_minor) * i128::from(thirds) / 3 / 100;
    let minor = i64::try_from(minor).ok()?;
    (money.currency != currency("JPY")).then_some(Money { amount_minor: minor, currency: currency("USD") })
}

fn no_currency_and_no_deal_is_left_over(ledger: &Ledger<Cause>) {
    assert_eq!(ledger.residual(), Sum::default());
    let lines = ledger.lines();
    let (count, listed) =
        lines.iter().fold((0, 0), |(count, listed), line| (count + line.sum.count, listed + line.deals.len()));
    assert_eq!(count, ledger.end.count - ledger.start.count);
    assert!(listed <= ledger.entries.len());
}

proptest! {
    #[test]
    fn start_and_lines_are_the_end_in_every_currency(candidates in ends(false)) {
        no_currency_and_no_deal_is_left_over(&bridge(&candidates, &second_quarter(), &Prices::OWN));
    }

    #[test]
    fn what_was_learned_later_is_one_line_and_nothing_is_left_over(candidates in ends(true)) {
        let ledger = bridge(&candidates, &second_quarter(), &Prices::OWN);
        no_currency_and_no_deal_is_left_over(&ledger);
        // Without that line, the others lead from the first end as it is known now.
        let known: Vec<Ends> = candidates.iter().map(|ends| Ends { believed: None, ..ends.clone() }).collect();
        let others: Vec<_> = ledger.lines().into_iter().filter(|line| line.cause != Cause::Restated).collect();
        prop_assert_eq!(bridge(&known, &second_quarter(), &Prices::OWN).lines(), others);
    }

    #[test]
    fn rates_that_moved_are_one_line_and_nothing_is_left_over(candidates in ends(true), moved in 1..900_i64) {
        let (believed, after) = (|money| dollars(money, 290), move |money| dollars(money, moved));
        let prices = Prices { believed: &believed, first: &|money| dollars(money, 300), after: &after };
        no_currency_and_no_deal_is_left_over(&bridge(&candidates, &second_quarter(), &prices));
        let still = Prices { believed: &believed, first: &believed, after: &believed };
        let lines = bridge(&candidates, &second_quarter(), &still).lines();
        prop_assert!(lines.iter().all(|line| line.cause != Cause::ExchangeRates));
    }

    #[test]
    fn the_steps_of_a_way_lead_from_its_first_end_to_its_last(
        way in prop::collection::vec(end(), 1..12),
        moved in 1..900_i64,
    ) {
        let after = move |money| dollars(money, moved);
        let prices = Prices { believed: &Some, first: &|money| dollars(money, 300), after: &after };
        let versions: Vec<_> = way.iter().map(|end| Version { from: DateTime::UNIX_EPOCH, known_from: None, end: end.clone() }).collect();
        let ends = Ends { first: way[0].clone(), after: way[way.len() - 1].clone(), ..Ends::default() };
        let mut gross = bridge(&[ends], &second_quarter(), &prices);
        let steps = path(Uuid::nil(), &versions, &second_quarter(), &prices);
        gross.entries = steps.into_iter().map(|step| step.entry).collect();
        prop_assert_eq!(gross.residual(), Sum::default());
    }

    #[test]
    fn only_a_change_of_amount_counts_no_deal(first in end(), after in end()) {
        let entries = waterfall(Uuid::nil(), &first, &after, &second_quarter(), &Prices::OWN);
        let amounts_only = |cause| matches!(cause, Cause::Increased | Cause::Decreased | Cause::ExchangeRates);
        prop_assert!(entries.iter().filter(|entry| !amounts_only(entry.cause)).count() <= 1);
        for entry in entries {
            prop_assert_eq!(entry.count == 0, amounts_only(entry.cause));
        }
    }
}
