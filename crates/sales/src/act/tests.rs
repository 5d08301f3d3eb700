use super::{Act, Command, Event, Refusal};
use crate::samples::read_back_unchanged;
use chrono::NaiveDate;
use decider::given;
use units::Text;

#[test]
fn what_was_done_is_said_in_the_words_of_the_log() {
    given::<Act>([]).when(today(), grant("acme_bi")).then([granted("acme_bi")]);
    given::<Act>([]).when(today(), Command::RevokeBi { login: text("acme_bi") }).then([revoked("acme_bi")]);
    given::<Act>([]).when(today(), rebuild(2)).then([rebuilt(2)]);
}

#[test]
fn an_act_is_taken_down_once() {
    given::<Act>([granted("acme_bi")]).when(today(), grant("acme_bi")).then([]);
    given::<Act>([rebuilt(2)]).when(today(), rebuild(2)).then([]);
}

#[test]
fn another_act_takes_another_stream() {
    given::<Act>([granted("acme_bi")]).when(today(), grant("other_bi")).refused(Refusal::AnotherAct);
    given::<Act>([rebuilt(2)]).when(today(), rebuild(3)).refused(Refusal::AnotherAct);
}

#[test]
fn every_event_has_a_sample_that_reads_back() {
    read_back_unchanged::<Event>("act");
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, 10).unwrap()
}

fn text(written: &str) -> Text {
    Text::new(written).unwrap()
}

fn grant(login: &str) -> Command {
    Command::GrantBi { login: text(login) }
}

fn granted(login: &str) -> Event {
    Event::BiGranted { login: text(login) }
}

fn revoked(login: &str) -> Event {
    Event::BiRevoked { login: text(login) }
}

fn rebuild(missing: u64) -> Command {
    Command::Rebuild { tables: vec![text("deal_history")], missing, extra: 0, different: 1 }
}

fn rebuilt(missing: u64) -> Event {
    Event::Rebuilt { tables: vec![text("deal_history")], missing, extra: 0, different: 1 }
}
