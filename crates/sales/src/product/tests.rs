use super::decide::{Command, Event, Product, Refusal};
use crate::samples;
use chrono::NaiveDate;
use decider::{Decider, at, given};
use units::{Instant, Money, Text};

#[test]
fn every_event_has_a_sample_that_reads_back() {
    samples::read_back_unchanged::<Event>("product");
}

#[test]
fn a_product_is_launched_once_even_after_its_end() {
    given::<Product>([]).when(july(1), launch(Some(100))).then([launched(Some(100), 1)]);
    given::<Product>([launched(None, 1)]).when(july(2), launch(None)).refused(Refusal::AlreadyLaunched);
    given::<Product>([launched(None, 1), discontinued(2)])
        .when(july(3), launch(None))
        .refused(Refusal::AlreadyLaunched);
}

#[test]
fn nothing_happens_to_a_product_before_its_launch() {
    for command in [rename("Gantry"), price(100, None), Command::Discontinue] {
        given::<Product>([]).when(july(4), command.clone()).refused(Refusal::NotLaunched);
        given::<Product>([launched(None, 5)]).when(july(4), command).refused(Refusal::NotLaunched);
    }
}

#[test]
fn a_list_price_is_not_below_zero_but_may_be_nothing() {
    given::<Product>([]).when(july(1), launch(Some(-1))).refused(Refusal::NegativeListPrice);
    given::<Product>([launched(None, 1)])
        .when(july(2), price(-1, None))
        .refused(Refusal::NegativeListPrice)
        .when(july(2), price(0, None))
        .then([priced(0, 2, None)]);
}

#[test]
fn what_holds_already_over_the_whole_range_is_not_said_again() {
    given::<Product>([launched(Some(100), 1)]).when(july(2), rename("Crane")).then([]);
    given::<Product>([launched(Some(100), 1)]).when(july(2), price(100, Some(9))).then([]);
    given::<Product>([launched(Some(100), 1), priced(90, 5, Some(9))])
        .when(july(2), price(100, None))
        .then([priced(100, 2, None)]);
    given::<Product>([launched(None, 1), discontinued(9)])
        .when(july(10), Command::Discontinue)
        .then([])
        .when(july(8), Command::Discontinue)
        .then([discontinued(8)]);
}

#[test]
fn a_price_must_end_after_it_begins() {
    given::<Product>([launched(None, 1)]).when(july(5), price(1, Some(5))).refused(Refusal::EndsBeforeItBegins);
}

#[test]
fn a_discontinued_product_gets_no_new_price_but_may_be_renamed() {
    given::<Product>([launched(None, 1), discontinued(9)])
        .when(july(9), price(1, None))
        .refused(Refusal::Discontinued)
        .when(july(8), price(1, None))
        .then([priced(1, 8, None)])
        .when(july(9), rename("Gantry"))
        .then([Event::Renamed { name: text("Gantry"), from: noon(9) }]);
}

#[test]
fn a_product_is_sold_from_its_launch_until_it_is_discontinued() {
    let product = folded([launched(Some(100), 2), priced(90, 5, Some(7)), discontinued(9)]);
    assert_eq!([1, 2, 8, 9].map(|day| product.sold_at(noon(day))), [false, true, true, false]);
    assert_eq!(
        [2, 5, 7].map(|day| product.list_price.at(noon(day)).copied()),
        [100, 90, 100].map(|euro| Some(money(euro)))
    );
    assert_eq!(product.instants(), [2, 5, 7, 9].map(noon));
}

#[test]
fn what_lies_over_a_later_step_overlays_it() {
    let product = folded([launched(Some(100), 1), priced(90, 5, Some(7)), discontinued(9)]);
    assert!(product.overlays(&priced(80, 4, None)) && product.overlays(&priced(80, 6, None)));
    assert!(!product.overlays(&priced(80, 4, Some(5))) && !product.overlays(&priced(80, 7, None)));
    assert!(product.overlays(&discontinued(8)) && !product.overlays(&launched(None, 1)));
    assert!(!product.overlays(&Event::Renamed { name: text("Gantry"), from: noon(2) }));
}

fn folded(events: impl IntoIterator<Item = Event>) -> Product {
    let mut product = Product::default();
    events.into_iter().for_each(|event| product.evolve(&event, &at(july(1))));
    product
}

fn launch(euro: Option<i64>) -> Command {
    Command::Launch { name: text("Crane"), list_price: euro.map(money), external_id: None }
}

fn launched(euro: Option<i64>, day: u32) -> Event {
    Event::Launched { name: text("Crane"), list_price: euro.map(money), external_id: None, from: noon(day) }
}

fn rename(name: &str) -> Command {
    Command::Rename { name: text(name) }
}

fn price(euro: i64, until: Option<u32>) -> Command {
    Command::ChangeListPrice { list_price: money(euro), until: until.map(noon) }
}

fn priced(euro: i64, from: u32, to: Option<u32>) -> Event {
    Event::ListPriceChanged { list_price: money(euro), from: noon(from), to: to.map(noon) }
}

fn discontinued(day: u32) -> Event {
    Event::Discontinued { from: noon(day) }
}

fn money(euro: i64) -> Money {
    Money { amount_minor: euro * 100, currency: "EUR".parse().unwrap() }
}

fn text(written: &str) -> Text {
    Text::new(written).unwrap()
}

fn july(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, day).unwrap()
}

fn noon(day: u32) -> Instant {
    at(july(day)).effective
}
