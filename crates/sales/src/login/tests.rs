use super::decide::{Command, Event, Facts, Login, Refusal, Subject};
use super::{ApiKey, key};
use crate::samples;
use chrono::NaiveDate;
use decider::{at, given};
use units::{PersonId, Personal, TenantId, Text};
use uuid::Uuid;

#[test]
fn every_event_has_a_sample_that_reads_back() {
    samples::read_back_unchanged::<Event>("login");
}

#[test]
fn a_key_is_made_once_for_somebody_who_is_there() {
    given::<Login>([]).when(july(1), make(service())).then([made(service())]);
    given::<Login>([]).when(july(1), make(person())).refused(Refusal::UnknownPerson);
    given::<Login>([]).knowing(there()).when(july(1), make(person())).then([made(person())]);
    given::<Login>([made(service())]).when(july(1), make(service())).refused(Refusal::AlreadyMade);
    given::<Login>([made(service()), Event::Revoked {}]).when(july(1), make(service())).refused(Refusal::AlreadyMade);
}

#[test]
fn a_key_does_not_expire_before_it_is_made() {
    for (day, taken) in [(1, false), (2, true)] {
        let expires_at = Some(at(july(day)).recorded);
        let command =
            Command::MakeKey { name: text("k"), subject: service(), expires_at, secret_sha256: "ab".to_owned() };
        let asked = given::<Login>([]).when(july(1), command);
        if taken {
            let (name, secret_sha256) = (text("k"), "ab".to_owned());
            asked.then([Event::KeyMade { name, subject: service(), secret_sha256, expires_at }]);
        } else {
            asked.refused(Refusal::ExpiresInThePast);
        }
    }
}

#[test]
fn revoking_twice_is_revoking_once_and_final() {
    given::<Login>([]).when(july(1), Command::Revoke).refused(Refusal::NotMade);
    given::<Login>([made(service())])
        .when(july(1), Command::Revoke)
        .then([Event::Revoked {}])
        .when(july(2), Command::Revoke)
        .then([])
        .when(july(3), link(service()))
        .refused(Refusal::AlreadyMade);
}

#[test]
fn a_subject_means_one_at_a_time_and_may_mean_another_after_a_revocation() {
    given::<Login>([]).when(july(1), link(person())).refused(Refusal::UnknownPerson);
    given::<Login>([linked(service())])
        .knowing(there())
        .when(july(1), link(service()))
        .then([])
        .when(july(1), link(person()))
        .refused(Refusal::AlreadyLinked)
        .when(july(2), Command::Revoke)
        .then([Event::Revoked {}])
        .when(july(3), link(person()))
        .then([linked(person())]);
}

#[test]
fn the_hash_of_a_secret_is_no_part_of_what_was_asked() {
    let [one, other] = ["one", "other"].map(|secret_sha256| Command::MakeKey {
        name: text("k"),
        subject: service(),
        expires_at: None,
        secret_sha256: secret_sha256.to_owned(),
    });
    assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&other).unwrap());
}

#[test]
fn a_key_has_one_spelling_and_opens_its_own_login() {
    let key = ApiKey::new(TenantId(Uuid::from_u128(1)), Uuid::from_u128(2), [0xab; 32]);
    let written = key.written();
    assert_eq!(written, format!("qd_live_{:032x}{:032x}_{}", 1, 2, "ab".repeat(32)));
    assert_eq!(ApiKey::parse(&written), Some(key.clone()));
    assert!(key.opens(&key::sha256(&[0xab; 32])) && !key.opens(&key::sha256(&[0xac; 32])) && !key.opens(""));
    assert!(!format!("{key:?}").contains("abab"));
    let (most, last) = written.split_at(written.len() - 1);
    let wrong = [
        String::new(),
        most.to_owned(),
        format!("{written}0"),
        written.to_uppercase(),
        format!("{most}B"),
        format!("{most}g"),
        format!("{most}é"),
        written.replace("live_", "live"),
        written.replacen("_live_0", "_live_é", 1),
        written.replace("qd_", "qd-"),
        format!(" {written}"),
        format!("{written}\n"),
        format!("{most}_{last}"),
        written.replacen('_', "__", 1),
        format!("qd_live__{}", "ab".repeat(32)),
    ];
    for text in wrong {
        assert_eq!(ApiKey::parse(&text), None, "{text}");
    }
}

fn july(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, day).unwrap()
}

fn text(written: &str) -> Text {
    Text::new(written).unwrap()
}

fn service() -> Subject {
    Subject::Service(text("warehouse"))
}

fn person() -> Subject {
    Subject::Person(PersonId(Uuid::from_u128(7)))
}

fn there() -> Facts {
    Facts { person_active: true }
}

fn make(subject: Subject) -> Command {
    Command::MakeKey { name: text("k"), subject, expires_at: None, secret_sha256: "ab".to_owned() }
}

fn made(subject: Subject) -> Event {
    Event::KeyMade { name: text("k"), subject, secret_sha256: "ab".to_owned(), expires_at: None }
}

fn link(subject: Subject) -> Command {
    Command::Link { issuer: text("https://id.example"), subject_claim: Personal(text("42")), subject }
}

fn linked(subject: Subject) -> Event {
    Event::Linked { issuer: text("https://id.example"), subject_claim: Personal(text("42")), subject }
}
