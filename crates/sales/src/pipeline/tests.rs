use super::decide::{Command, Event, ORDER_MAX, Pipeline, Refusal, StageKind};
use crate::{category::Category, samples};
use chrono::NaiveDate;
use decider::{Decider, at, given};
use units::{Instant, Share, StageId, Text};
use uuid::Uuid;

#[test]
fn every_event_has_a_sample_that_reads_back() {
    samples::read_back_unchanged::<Event>("pipeline");
}

#[test]
fn a_pipeline_is_defined_once() {
    let define = Command::Define { name: text("Direct"), external_id: None };
    given::<Pipeline>([])
        .when(july(1), define.clone())
        .then([defined(1)])
        .when(july(2), define)
        .refused(Refusal::AlreadyDefined);
}

#[test]
fn nothing_happens_to_a_pipeline_before_it_is_defined() {
    for command in every_command_but_define() {
        given::<Pipeline>([]).when(july(4), command.clone()).refused(Refusal::NotDefined);
        given::<Pipeline>([defined(5)]).when(july(4), command).refused(Refusal::NotDefined);
    }
}

#[test]
fn nothing_happens_to_a_stage_before_it_is_added_or_after_it_is_retired() {
    for command in [rename_stage(2, "X"), reorder(2, 5), defaults(2, Share::NONE, Category::Pipeline)] {
        given::<Pipeline>([defined(1)]).when(july(4), command.clone()).refused(Refusal::UnknownStage);
        given::<Pipeline>(stages()).when(july(1), command.clone()).refused(Refusal::UnknownStage);
        let retired = stages().into_iter().chain([retired(2, 9)]);
        given::<Pipeline>(retired).when(july(9), command).refused(Refusal::StageRetired);
    }
    given::<Pipeline>(stages()).when(july(1), retire(2)).refused(Refusal::UnknownStage);
    given::<Pipeline>(stages()).when(july(5), add(2, "Again", 9, StageKind::Open)).refused(Refusal::StageExists);
}

#[test]
fn what_holds_already_is_not_said_again() {
    given::<Pipeline>(stages()).when(july(5), Command::Rename { name: text("Direct") }).then([]);
    given::<Pipeline>(stages()).when(july(5), rename_stage(1, "Qualified")).then([]);
    given::<Pipeline>(stages()).when(july(5), reorder(1, 1)).then([]);
    given::<Pipeline>(stages()).when(july(5), defaults(1, half(), Category::Pipeline)).then([]);
    given::<Pipeline>(stages()).when(july(5), retire(2)).then([retired(2, 5)]).when(july(6), retire(2)).then([]);
}

#[test]
fn a_stage_has_the_probability_and_category_of_its_kind() {
    let cases = [
        (StageKind::Open, half(), Category::BestCase, None),
        (StageKind::Open, Share::ALL, Category::Commit, None),
        (StageKind::Open, half(), Category::Closed, Some(Refusal::OpenIsNotClosed)),
        (StageKind::Won, Share::ALL, Category::Closed, None),
        (StageKind::Won, half(), Category::Closed, Some(Refusal::WonIsCertain)),
        (StageKind::Won, Share::ALL, Category::Commit, Some(Refusal::WonIsCertain)),
        (StageKind::Lost, Share::NONE, Category::Omitted, None),
        (StageKind::Lost, half(), Category::Omitted, Some(Refusal::LostIsOmitted)),
        (StageKind::Lost, Share::NONE, Category::Pipeline, Some(Refusal::LostIsOmitted)),
    ];
    for (kind, probability, category, refusal) in cases {
        let (stage, name, order, from) = (stage(9), text("Ninth"), 9, noon(5));
        let command = Command::AddStage { stage, name: name.clone(), order, kind, probability, category };
        let answer = given::<Pipeline>([defined(1)]).when(july(5), command);
        match refusal {
            Some(refusal) => answer.refused(refusal),
            None => answer.then([Event::StageAdded { stage, name, order, kind, probability, category, from }]),
        };
    }
    given::<Pipeline>(stages()).when(july(5), defaults(3, half(), Category::Closed)).refused(Refusal::WonIsCertain);
    given::<Pipeline>(stages())
        .when(july(5), defaults(4, Share::NONE, Category::Pipeline))
        .refused(Refusal::LostIsOmitted);
    let event = Event::StageDefaultsChanged {
        stage: stage(1),
        probability: Share::NONE,
        category: Category::Omitted,
        from: noon(5),
    };
    given::<Pipeline>(stages()).when(july(5), defaults(1, Share::NONE, Category::Omitted)).then([event]);
}

#[test]
fn a_stage_stands_at_a_place_of_its_own_from_1_to_1000() {
    for order in [0, -1, ORDER_MAX + 1] {
        let refusal = Refusal::OrderOutOfBounds { order };
        given::<Pipeline>(stages()).when(july(5), add(9, "Ninth", order, StageKind::Open)).refused(refusal.clone());
        given::<Pipeline>(stages()).when(july(5), reorder(1, order)).refused(refusal);
    }
    let taken = Refusal::OrderTaken { order: 2 };
    given::<Pipeline>(stages()).when(july(5), add(9, "Ninth", 2, StageKind::Open)).refused(taken.clone());
    given::<Pipeline>(stages()).when(july(5), reorder(1, 2)).refused(taken.clone());
    let later = || stages().into_iter().chain([Event::StageReordered { stage: stage(2), order: 7, from: noon(9) }]);
    given::<Pipeline>(later()).when(july(5), reorder(1, 7)).refused(Refusal::OrderTaken { order: 7 });
    given::<Pipeline>(later()).when(july(5), reorder(1, 2)).refused(taken);
    given::<Pipeline>(later()).when(july(9), reorder(1, 2)).then([Event::StageReordered {
        stage: stage(1),
        order: 2,
        from: noon(9),
    }]);
    let retired = stages().into_iter().chain([retired(2, 5)]);
    given::<Pipeline>(retired).when(july(5), add(9, "Ninth", 2, StageKind::Open)).then([added(
        9,
        "Ninth",
        2,
        StageKind::Open,
        5,
    )]);
}

#[test]
fn standing_stages_have_different_names_whatever_their_case() {
    let taken = |written: &str| Refusal::NameTaken { name: text(written) };
    given::<Pipeline>(stages()).when(july(5), add(9, "QUALIFIED", 9, StageKind::Open)).refused(taken("QUALIFIED"));
    given::<Pipeline>(stages()).when(july(5), rename_stage(2, "qualified")).refused(taken("qualified"));
    given::<Pipeline>(stages()).when(july(5), rename_stage(1, "QUALIFIED")).then([Event::StageRenamed {
        stage: stage(1),
        name: text("QUALIFIED"),
        from: noon(5),
    }]);
    let retired = stages().into_iter().chain([retired(1, 5)]);
    given::<Pipeline>(retired).when(july(5), rename_stage(2, "Qualified")).then([Event::StageRenamed {
        stage: stage(2),
        name: text("Qualified"),
        from: noon(5),
    }]);
}

#[test]
fn the_only_stage_of_its_kind_is_not_retired() {
    given::<Pipeline>(stages()).when(july(5), retire(3)).refused(Refusal::LastOfItsKind);
    given::<Pipeline>(stages()).when(july(5), retire(4)).refused(Refusal::LastOfItsKind);
    given::<Pipeline>(stages())
        .when(july(5), retire(1))
        .then([retired(1, 5)])
        .when(july(6), retire(2))
        .refused(Refusal::LastOfItsKind);
    let going = stages().into_iter().chain([retired(2, 9)]);
    given::<Pipeline>(going).when(july(5), retire(1)).refused(Refusal::LastOfItsKind);
    let coming = stages().into_iter().chain([added(5, "Signed", 5, StageKind::Won, 9)]);
    given::<Pipeline>(coming)
        .when(july(5), retire(3))
        .refused(Refusal::LastOfItsKind)
        .when(july(9), retire(3))
        .then([retired(3, 9)]);
}

#[test]
fn stages_are_read_in_order_as_they_are_at_an_instant() {
    let pipeline = folded(stages().into_iter().chain([
        Event::StageReordered { stage: stage(1), order: 8, from: noon(9) },
        Event::StageRenamed { stage: stage(1), name: text("Late"), from: noon(9) },
        retired(2, 9),
    ]));
    let shown = |day| {
        pipeline
            .stages_at(noon(day))
            .into_iter()
            .map(|view| (view.name.to_string(), view.order, view.retired))
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(1), []);
    assert_eq!(shown(8)[..2], [("Qualified".to_owned(), 1, false), ("Offered".to_owned(), 2, false)]);
    assert_eq!(shown(9)[0], ("Offered".to_owned(), 2, true));
    assert_eq!(shown(9)[3], ("Late".to_owned(), 8, false));
    assert_eq!(pipeline.instants(), [1, 2, 9].map(noon));
    assert!(pipeline.defined_by(noon(1)) && !Pipeline::default().defined_by(noon(1)));
}

#[test]
fn what_lies_over_a_later_step_overlays_it() {
    let pipeline = folded(stages().into_iter().chain([
        Event::Renamed { name: text("Partner"), from: noon(9) },
        Event::StageRenamed { stage: stage(1), name: text("Late"), from: noon(9) },
        Event::StageReordered { stage: stage(1), order: 8, from: noon(9) },
        retired(2, 9),
    ]));
    let reordered = |day| Event::StageReordered { stage: stage(1), order: 7, from: noon(day) };
    let cases = [
        (Event::Renamed { name: text("New"), from: noon(8) }, true),
        (Event::Renamed { name: text("New"), from: noon(9) }, false),
        (Event::StageRenamed { stage: stage(1), name: text("New"), from: noon(8) }, true),
        (Event::StageRenamed { stage: stage(2), name: text("New"), from: noon(8) }, false),
        (reordered(8), true),
        (reordered(9), false),
        (
            Event::StageDefaultsChanged {
                stage: stage(1),
                probability: half(),
                category: Category::Commit,
                from: noon(8),
            },
            false,
        ),
        (retired(2, 8), true),
        (retired(1, 8), false),
        (added(9, "Ninth", 9, StageKind::Open, 3), false),
        (defined(1), false),
    ];
    for (event, overlays) in cases {
        assert_eq!(pipeline.overlays(&event), overlays, "{event:?}");
    }
}

fn every_command_but_define() -> Vec<Command> {
    vec![
        Command::Rename { name: text("Partner") },
        add(1, "Qualified", 1, StageKind::Open),
        rename_stage(1, "Late"),
        reorder(1, 2),
        defaults(1, half(), Category::Commit),
        retire(1),
    ]
}

fn stages() -> [Event; 5] {
    [
        defined(1),
        added(1, "Qualified", 1, StageKind::Open, 2),
        added(2, "Offered", 2, StageKind::Open, 2),
        added(3, "Won", 3, StageKind::Won, 2),
        added(4, "Lost", 4, StageKind::Lost, 2),
    ]
}

fn folded(events: impl IntoIterator<Item = Event>) -> Pipeline {
    let mut pipeline = Pipeline::default();
    events.into_iter().for_each(|event| pipeline.evolve(&event, &at(july(1))));
    pipeline
}

fn defined(day: u32) -> Event {
    Event::Defined { name: text("Direct"), external_id: None, from: noon(day) }
}

fn of(kind: StageKind) -> (Share, Category) {
    match kind {
        StageKind::Open => (half(), Category::Pipeline),
        StageKind::Won => (Share::ALL, Category::Closed),
        StageKind::Lost => (Share::NONE, Category::Omitted),
    }
}

fn add(id: u128, name: &str, order: i32, kind: StageKind) -> Command {
    let (probability, category) = of(kind);
    Command::AddStage { stage: stage(id), name: text(name), order, kind, probability, category }
}

fn added(id: u128, name: &str, order: i32, kind: StageKind, day: u32) -> Event {
    let (probability, category) = of(kind);
    Event::StageAdded { stage: stage(id), name: text(name), order, kind, probability, category, from: noon(day) }
}

fn rename_stage(id: u128, name: &str) -> Command {
    Command::RenameStage { stage: stage(id), name: text(name) }
}

fn reorder(id: u128, order: i32) -> Command {
    Command::ReorderStage { stage: stage(id), order }
}

fn defaults(id: u128, probability: Share, category: Category) -> Command {
    Command::ChangeStageDefaults { stage: stage(id), probability, category }
}

fn retire(id: u128) -> Command {
    Command::RetireStage { stage: stage(id) }
}

fn retired(id: u128, day: u32) -> Event {
    Event::StageRetired { stage: stage(id), from: noon(day) }
}

fn half() -> Share {
    Share::from_bps(5_000).unwrap()
}

fn text(written: &str) -> Text {
    Text::new(written).unwrap()
}

fn stage(id: u128) -> StageId {
    StageId(Uuid::from_u128(id))
}

fn july(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, day).unwrap()
}

fn noon(day: u32) -> Instant {
    at(july(day)).effective
}
