use super::{Assumed, Command, Deal, Event, Facts, Opening, Refusal, StageFact, StageRole, Status};
use crate::{category::Category, samples};
use chrono::NaiveDate;
use decider::{Decider, Given, at, given};
use units::{AccountId, DealId, Money, PersonId, PipelineId, ProductId, Share, StageId, Text};
use uuid::Uuid;

#[test]
fn every_event_has_a_sample_that_reads_back() {
    samples::read_back_unchanged::<Event>("deal");
}

#[test]
fn a_deal_is_opened_once_at_an_open_stage_of_its_pipeline() {
    known([])
        .when(july(1), open(opening()))
        .then([opened()])
        .when(july(2), open(opening()))
        .refused(Refusal::AlreadyOpen);
    for closing in [won(), merged()] {
        known([opened(), closing]).when(july(2), open(opening())).refused(Refusal::AlreadyOpen);
    }
    let everything = Opening {
        account: Some(AccountId(id(4))),
        product: Some(ProductId(id(5))),
        amount: Some(euro(0)),
        close_on: Some(july(30)),
        external_id: Some(text("X-1")),
        assumed: vec![Assumed::Owner],
        dates_conflict: true,
        ..opening()
    };
    known([]).when(july(1), open(everything.clone())).then([opened_as(everything)]);
}

#[test]
fn an_opening_names_only_what_is_there() {
    let (account, product) = (Some(AccountId(id(4))), Some(ProductId(id(5))));
    let cases = [
        (Facts { stages: None, ..facts() }, opening(), Refusal::UnknownPipeline),
        (facts(), Opening { stage: stage(99), ..opening() }, Refusal::UnknownStage),
        (facts(), Opening { stage: RETIRED.id, ..opening() }, Refusal::RetiredStage),
        (facts(), Opening { stage: WON.id, ..opening() }, Refusal::ClosingStage),
        (Facts { owner_active: false, ..facts() }, opening(), Refusal::OwnerNotActive),
        (Facts { account_known: false, ..facts() }, Opening { account, ..opening() }, Refusal::UnknownAccount),
        (Facts { product_known: false, ..facts() }, Opening { product, ..opening() }, Refusal::UnknownProduct),
        (facts(), Opening { amount: Some(euro(-1)), ..opening() }, Refusal::NegativeAmount),
    ];
    for (facts, opening, refusal) in cases {
        given::<Deal>([]).knowing(facts).when(july(1), open(opening)).refused(refusal);
    }
}

#[test]
fn nothing_but_an_opening_happens_to_a_deal_that_is_not_opened() {
    for command in every_command_but_open() {
        known([]).when(july(1), command).refused(Refusal::NotOpened);
    }
}

#[test]
fn an_open_deal_is_changed_and_said_twice_it_changes_once() {
    let (step, due_on) = (Some(text("Call")), Some(july(9)));
    let cases = [
        (Command::Rename { name: text("Cranes") }, Event::Renamed { name: text("Cranes") }),
        (Command::ChangeStage { stage: SECOND.id }, Event::StageChanged { stage: SECOND.id }),
        (Command::ChangeAmount { amount: Some(euro(7)) }, Event::AmountChanged { amount: Some(euro(7)) }),
        (Command::MoveCloseDate { close_on: due_on }, Event::CloseDateMoved { close_on: due_on }),
        (Command::ChangeOwner { owner: PersonId(id(8)) }, Event::OwnerChanged { owner: PersonId(id(8)) }),
        (category(Some(Category::Commit)), Event::CategoryOverridden { category: Category::Commit }),
        (probability(Some(Share::ALL)), Event::ProbabilityOverridden { probability: Share::ALL }),
        (Command::SetNextStep { next_step: step.clone(), due_on }, Event::NextStepSet { next_step: step, due_on }),
    ];
    for (command, event) in cases {
        known([opened()]).when(july(2), command.clone()).then([event]).when(july(3), command).then([]);
    }
}

#[test]
fn what_was_said_of_an_open_deal_is_taken_back_by_saying_nothing() {
    let step = Event::NextStepSet { next_step: Some(text("Call")), due_on: Some(july(9)) };
    let no_step = Command::SetNextStep { next_step: None, due_on: None };
    let cases = [
        (
            Event::AmountChanged { amount: Some(euro(7)) },
            Command::ChangeAmount { amount: None },
            Event::AmountChanged { amount: None },
        ),
        (Event::CategoryOverridden { category: Category::Commit }, category(None), Event::CategoryCleared),
        (Event::ProbabilityOverridden { probability: Share::ALL }, probability(None), Event::ProbabilityCleared),
        (step, no_step, Event::NextStepSet { next_step: None, due_on: None }),
    ];
    for (said, command, event) in cases {
        known([opened()]).when(july(2), command.clone()).then([]);
        known([opened(), said]).when(july(2), command.clone()).then([event]).when(july(3), command).then([]);
    }
}

#[test]
fn an_open_deal_refuses_what_cannot_be() {
    let cases = [
        (Command::ChangeStage { stage: WON.id }, Refusal::ClosingStage),
        (Command::ChangeStage { stage: RETIRED.id }, Refusal::RetiredStage),
        (Command::ChangeStage { stage: stage(99) }, Refusal::UnknownStage),
        (Command::ChangeAmount { amount: Some(euro(-1)) }, Refusal::NegativeAmount),
        (category(Some(Category::Closed)), Refusal::CategoryClosed),
        (Command::Reopen { stage: FIRST.id }, Refusal::NotClosed),
        (win(None, None, None), Refusal::WonNeedsAmount),
        (win(Some(euro(-1)), None, None), Refusal::NegativeAmount),
        (win(Some(euro(1)), Some(july(21)), None), Refusal::ClosesInFuture { closed_on: july(21), day: july(20) }),
        (win(Some(euro(1)), None, Some(LOST.id)), Refusal::WrongKindOfStage { outcome: "won" }),
        (lose(None, None), Refusal::LostNeedsReason),
        (lose(Some("Price"), Some(WON.id)), Refusal::WrongKindOfStage { outcome: "lost" }),
        (undecided(None, Some(FIRST.id)), Refusal::WrongKindOfStage { outcome: "closed without a decision" }),
        (Command::Merge { into: DealId(id(1)) }, Refusal::MergedIntoItself),
        (Command::Merge { into: DealId(id(3)) }, Refusal::NoSurvivor),
    ];
    for (command, refusal) in cases {
        known([opened()]).when(july(20), command).refused(refusal);
    }
    let left = Facts { owner_active: false, ..facts() };
    let change = Command::ChangeOwner { owner: PersonId(id(8)) };
    given::<Deal>([opened()]).knowing(left).when(july(2), change).refused(Refusal::OwnerNotActive);
}

#[test]
fn a_pipeline_without_a_closing_stage_closes_no_deal() {
    let only_open = Facts { stages: Some(vec![FIRST, SECOND, StageFact { retired: true, ..WON }]), ..facts() };
    let refused = |command, outcome| {
        given::<Deal>([opened()])
            .knowing(only_open.clone())
            .when(july(2), command)
            .refused(Refusal::NoStageFor { outcome });
    };
    refused(win(Some(euro(1)), None, None), "won");
    refused(lose(Some("Price"), None), "lost");
    refused(undecided(None, None), "closed without a decision");
}

#[test]
fn what_a_close_leaves_out_is_taken_from_the_deal_the_day_and_the_pipeline() {
    let valued = || [opened(), Event::AmountChanged { amount: Some(euro(7)) }];
    known(valued()).when(july(20), win(None, None, None)).then([Event::Won {
        amount: euro(7),
        closed_on: july(20),
        stage: WON.id,
    }]);
    known(valued()).when(july(20), win(Some(euro(9)), Some(july(18)), Some(WON.id))).then([Event::Won {
        amount: euro(9),
        closed_on: july(18),
        stage: WON.id,
    }]);
    known(valued()).when(july(20), lose(Some("Price"), None)).then([lost("Price", 20)]);
    known(valued()).when(july(20), undecided(Some("Budget"), None)).then([no_decision(Some("Budget"), 20)]);
}

#[test]
fn closing_a_deal_twice_alike_is_closing_it_once() {
    let cases = [
        (won(), win(None, None, None)),
        (won(), win(Some(euro(5)), Some(july(20)), Some(WON.id))),
        (lost("Price", 20), lose(Some("Price"), None)),
        (lost("Price", 20), lose(Some("Price"), Some(LOST.id))),
        (no_decision(None, 20), undecided(None, None)),
        (no_decision(Some("Budget"), 20), undecided(Some("Budget"), Some(LOST.id))),
    ];
    for (closing, command) in cases {
        known([opened(), closing]).when(july(25), command).then([]);
    }
}

#[test]
fn a_closed_deal_is_not_closed_otherwise_nor_changed() {
    let cases = [
        (won(), win(Some(euro(6)), None, None)),
        (won(), win(None, Some(july(19)), None)),
        (won(), lose(Some("Price"), None)),
        (lost("Price", 20), lose(Some("Features"), None)),
        (lost("Price", 20), lose(None, None)),
        (lost("Price", 20), win(Some(euro(5)), None, None)),
        (no_decision(None, 20), undecided(Some("Budget"), None)),
        (no_decision(None, 20), lose(Some("Price"), None)),
    ];
    for (closing, command) in cases {
        known([opened(), closing]).when(july(25), command).refused(Refusal::Closed);
    }
    for closing in [won(), lost("Price", 20), no_decision(None, 20)] {
        for command in every_change() {
            known([opened(), closing.clone()]).when(july(25), command).refused(Refusal::Closed);
        }
    }
}

#[test]
fn a_closed_deal_is_reopened_at_an_open_stage_and_forgets_how_it_closed() {
    for closing in [won(), lost("Price", 20), no_decision(None, 20)] {
        known([opened(), closing.clone()])
            .when(july(25), Command::Reopen { stage: WON.id })
            .refused(Refusal::ClosingStage)
            .when(july(25), Command::Reopen { stage: SECOND.id })
            .then([Event::Reopened { stage: SECOND.id }])
            .when(july(26), Command::Reopen { stage: SECOND.id })
            .refused(Refusal::NotClosed);
        let deal = folded([opened(), closing, Event::Reopened { stage: SECOND.id }]);
        assert_eq!((deal.status, deal.stage, deal.closed_on), (Status::Open, Some(SECOND.id), None));
        assert_eq!((deal.closed_reason, deal.competitor, deal.assumed), (None, None, vec![]));
    }
}

#[test]
fn a_closed_deal_takes_no_command_but_its_own_closing_again_and_a_reopening() {
    let closings = [
        (won(), win(Some(euro(5)), Some(july(20)), None)),
        (lost("Price", 20), lose(Some("Price"), None)),
        (no_decision(None, 20), undecided(None, None)),
    ];
    for (closing, again) in closings.clone() {
        for command in every_command_but_open().into_iter().chain(closings.clone().map(|(_, command)| command)) {
            let asked = known([opened(), closing.clone()]).when(july(25), command.clone());
            match command {
                Command::Reopen { stage } => drop(asked.then([Event::Reopened { stage }])),
                command if command == again => drop(asked.then([])),
                _ => drop(asked.refused(Refusal::Closed)),
            }
        }
    }
}

#[test]
fn an_open_deal_is_merged_into_another_one_for_good() {
    let merge = Command::Merge { into: DealId(id(2)) };
    known([opened()]).when(july(2), merge.clone()).then([merged()]).when(july(3), merge.clone()).then([]);
    for command in every_command_but_open() {
        if command != merge {
            known([opened(), merged()]).when(july(25), command).refused(Refusal::Merged);
        }
    }
    let another = Command::Merge { into: DealId(id(3)) };
    known([opened(), merged()]).when(july(25), another).refused(Refusal::Merged);
}

#[test]
fn a_reopened_deal_closes_on_no_day_before_its_reopening() {
    let reopened = || Event::Reopened { stage: FIRST.id };
    let closing = |day| Event::Won { amount: euro(5), closed_on: july(day), stage: WON.id };
    let deal = |opening| {
        let mut deal = folded([opened_as(opening), won()]);
        deal.evolve(&reopened(), &at(july(25)));
        deal
    };
    let refusal = Refusal::ClosesBeforeReopening { closed_on: july(24), reopened_on: july(25) };
    assert_eq!(deal(opening()).fits(&closing(24)), Err(refusal));
    assert_eq!(deal(opening()).fits(&closing(25)), Ok(()));
    assert_eq!(deal(Opening { dates_conflict: true, ..opening() }).fits(&closing(24)), Ok(()));
}

#[test]
fn an_event_fits_only_where_the_deal_stands_so() {
    let renamed = || Event::Renamed { name: text("Cranes") };
    let reopened = || Event::Reopened { stage: FIRST.id };
    let early = Event::Won { amount: euro(5), closed_on: july(1).pred_opt().unwrap(), stage: WON.id };
    let conflicting = opened_as(Opening { dates_conflict: true, ..opening() });
    let cases = [
        (vec![], opened(), Ok(())),
        (vec![], renamed(), Err(Refusal::NotOpened)),
        (vec![opened()], opened(), Err(Refusal::AlreadyOpen)),
        (vec![opened()], renamed(), Ok(())),
        (vec![opened()], reopened(), Err(Refusal::NotClosed)),
        (vec![opened()], won(), Ok(())),
        (
            vec![opened()],
            early.clone(),
            Err(Refusal::ClosesBeforeOpening { closed_on: july(1).pred_opt().unwrap(), opened_on: july(1) }),
        ),
        (vec![conflicting], early, Ok(())),
        (vec![opened(), won()], renamed(), Err(Refusal::Closed)),
        (vec![opened(), won()], lost("Price", 20), Err(Refusal::Closed)),
        (vec![opened(), won()], reopened(), Ok(())),
        (vec![opened(), won()], merged(), Err(Refusal::Closed)),
        (vec![opened()], merged(), Ok(())),
        (vec![opened(), merged()], reopened(), Err(Refusal::Merged)),
    ];
    for (row, (before, event, expected)) in cases.into_iter().enumerate() {
        assert_eq!(folded(before).fits(&event), expected, "row {row}: {event:?}");
    }
}

#[test]
fn a_deal_is_what_its_events_say() {
    let assumed = Event::Lost {
        reason: text("Price"),
        competitor: Some(text("Kraken")),
        closed_on: july(20),
        stage: LOST.id,
        assumed: vec![Assumed::LostReason, Assumed::CloseDate],
    };
    let deal = folded([
        opened(),
        Event::CategoryOverridden { category: Category::Commit },
        assumed,
        Event::Reopened { stage: FIRST.id },
        won(),
    ]);
    let expected = Deal {
        status: Status::Won,
        name: Some(text("Harbour")),
        pipeline: Some(PipelineId(id(6))),
        stage: Some(WON.id),
        owner: Some(PersonId(id(7))),
        amount: Some(euro(5)),
        category: Some(Category::Commit),
        opened_on: Some(july(1)),
        reopened_on: Some(july(1)),
        closed_on: Some(july(20)),
        assumed: vec![Assumed::CloseDate],
        ..Deal::default()
    };
    assert_eq!(deal, expected);
}

const FIRST: StageFact = fact(11, StageRole::Open, false);
const SECOND: StageFact = fact(12, StageRole::Open, false);
const RETIRED: StageFact = fact(13, StageRole::Open, true);
const WON: StageFact = fact(14, StageRole::Won, false);
const LOST: StageFact = fact(15, StageRole::Lost, false);

const fn fact(id: u128, role: StageRole, retired: bool) -> StageFact {
    StageFact { id: StageId(Uuid::from_u128(id)), role, retired }
}

fn facts() -> Facts {
    Facts {
        stages: Some(vec![FIRST, SECOND, RETIRED, WON, LOST]),
        owner_active: true,
        account_known: true,
        product_known: true,
        survivor: Some(DealId(id(2))),
        itself: Some(DealId(id(1))),
    }
}

fn known(events: impl IntoIterator<Item = Event>) -> Given<Deal> {
    given(events).knowing(facts())
}

fn folded(events: impl IntoIterator<Item = Event>) -> Deal {
    let mut deal = Deal::default();
    events.into_iter().for_each(|event| deal.evolve(&event, &at(july(1))));
    deal
}

fn every_command_but_open() -> Vec<Command> {
    let closing = [win(Some(euro(1)), None, None), lose(Some("Price"), None), undecided(None, None)];
    let again = [Command::Reopen { stage: FIRST.id }, Command::Merge { into: DealId(id(2)) }];
    every_change().into_iter().chain(closing).chain(again).collect()
}

fn every_change() -> Vec<Command> {
    vec![
        Command::Rename { name: text("Cranes") },
        Command::ChangeStage { stage: SECOND.id },
        Command::ChangeAmount { amount: None },
        Command::MoveCloseDate { close_on: None },
        Command::ChangeOwner { owner: PersonId(id(8)) },
        category(None),
        probability(None),
        Command::SetNextStep { next_step: None, due_on: None },
    ]
}

fn opening() -> Opening {
    Opening {
        name: text("Harbour"),
        pipeline: PipelineId(id(6)),
        stage: FIRST.id,
        owner: PersonId(id(7)),
        account: None,
        product: None,
        amount: None,
        close_on: None,
        external_id: None,
        assumed: vec![],
        dates_conflict: false,
    }
}

fn open(opening: Opening) -> Command {
    Command::Open(opening)
}

fn opened() -> Event {
    opened_as(opening())
}

fn opened_as(opening: Opening) -> Event {
    let Opening {
        name,
        pipeline,
        stage,
        owner,
        account,
        product,
        amount,
        close_on,
        external_id,
        assumed,
        dates_conflict,
    } = opening;
    Event::Opened {
        name,
        pipeline,
        stage,
        owner,
        account,
        product,
        amount,
        close_on,
        external_id,
        assumed,
        dates_conflict,
    }
}

fn category(category: Option<Category>) -> Command {
    Command::OverrideCategory { category }
}

fn probability(probability: Option<Share>) -> Command {
    Command::OverrideProbability { probability }
}

fn win(amount: Option<Money>, closed_on: Option<NaiveDate>, stage: Option<StageId>) -> Command {
    Command::Win { amount, closed_on, stage }
}

fn won() -> Event {
    Event::Won { amount: euro(5), closed_on: july(20), stage: WON.id }
}

fn lose(reason: Option<&str>, stage: Option<StageId>) -> Command {
    Command::Lose { reason: reason.map(text), competitor: None, closed_on: None, stage, assumed: vec![] }
}

fn lost(reason: &str, day: u32) -> Event {
    Event::Lost { reason: text(reason), competitor: None, closed_on: july(day), stage: LOST.id, assumed: vec![] }
}

fn undecided(reason: Option<&str>, stage: Option<StageId>) -> Command {
    Command::CloseWithoutDecision { reason: reason.map(text), closed_on: None, stage }
}

fn no_decision(reason: Option<&str>, day: u32) -> Event {
    Event::NoDecision { reason: reason.map(text), closed_on: july(day), stage: LOST.id }
}

fn merged() -> Event {
    Event::Merged { into: DealId(id(2)) }
}

fn euro(amount: i64) -> Money {
    Money { amount_minor: amount * 100, currency: "EUR".parse().unwrap() }
}

fn stage(number: u128) -> StageId {
    StageId(id(number))
}

fn text(written: &str) -> Text {
    Text::new(written).unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn july(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, day).unwrap()
}
