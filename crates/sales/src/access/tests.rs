use super::{ACTIONS, Access, OBJECTS, RULES, Relation, Role, allowed, printed};
use std::collections::{BTreeSet, HashSet};
use uuid::Uuid;

#[test]
fn every_rule_and_every_object_speaks_of_actions_that_are_listed_once() {
    let listed: Vec<&str> = ACTIONS.iter().flat_map(|(_, actions)| *actions).copied().collect();
    assert_eq!(listed.len(), listed.iter().collect::<BTreeSet<_>>().len(), "an action is listed twice");
    for rule in RULES {
        assert!(rule.actions.iter().flat_map(|group| *group).all(|action| listed.contains(action)), "{rule:?}");
    }
    for action in &listed {
        assert!(allowed(Role::Local, Relation::Other, action), "local may not {action}");
    }
    let types: Vec<&str> = OBJECTS.iter().flat_map(|(_, types)| *types).copied().collect();
    assert_eq!(types.len(), types.iter().collect::<BTreeSet<_>>().len(), "a type is listed twice");
}

#[test]
fn reps_see_their_own_managers_their_subtree_and_others_all() {
    let [me, mine, other] = [1, 2, 3].map(Uuid::from_u128);
    let seen = |role| {
        let access = Access::of(Some(role), Some(me), HashSet::from([mine]));
        [me, mine, other].map(|owner| access.may_see(owner))
    };
    assert_eq!(seen(Role::Rep), [true, false, false]);
    assert_eq!(seen(Role::Manager), [true, true, false]);
    for role in [Role::Leader, Role::Operations, Role::Auditor, Role::Service, Role::Local] {
        assert_eq!(seen(role), [true, true, true], "{role:?}");
    }
    let gone = Access::of(None, Some(me), HashSet::new());
    assert!(!gone.may_see(me) && gone.visible() == Some(&[][..]) && gone.may_do().is_empty());
}

#[test]
fn nobody_says_of_themselves_what_they_may_do() {
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Local) {
        for action in [
            "personAssignRole",
            "personSetManager",
            "personWithdrawManager",
            "personWithdraw",
            "personRehire",
            "person.correct",
            "reporting.correct",
            "personDepart",
            "personStartLeave",
        ] {
            assert!(!allowed(role, Relation::Own, action), "{role:?} may {action} themselves");
        }
    }
}

#[test]
fn auditors_change_nothing() {
    let access = Access::of(Some(Role::Auditor), Some(Uuid::from_u128(1)), HashSet::new());
    assert_eq!(access.may_do(), Vec::<String>::new());
}

#[test]
fn the_table_prints_a_line_an_action() {
    let text = printed();
    let line = |action: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(&format!("{action} "))).unwrap();
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("Deal"), "own own, subtree all all all all all");
    assert_eq!(line("dealChangeOwner"), "- own, subtree all all - all all");
    assert_eq!(line("personAssignRole"), "- - all but own all but own - - all");
    assert_eq!(line("deal.correct"), "- subtree all all - - all");
    assert_eq!(line("LogEvent"), "- - all all all all all");
}
