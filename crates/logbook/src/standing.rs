//! Which units of a stream stand: of those in one place the last that is not withdrawn.

use crate::{
    slice::{Clocks, Slice},
    stream::{Act, Unit},
};
use std::collections::HashMap;
use units::Position;

/// The first positions of the units that a standing withdrawal takes out.
pub(crate) fn withdrawn<E>(units: &[Unit<E>]) -> Vec<Position> {
    let mut dead = Vec::new();
    for unit in units.iter().rev() {
        if let Act::Withdraw(position) = unit.act
            && !dead.contains(&unit.first)
        {
            let target = units.iter().find(|target| target.first <= position && position <= target.last);
            dead.extend(target.map(|target| target.first));
        }
    }
    dead
}

/// The units that stand, in the order in which they fold.
pub(crate) fn standing<S: Slice>(units: &[Unit<S::Event>]) -> Vec<&Unit<S::Event>> {
    let corrected = units.iter().any(|unit| unit.root != unit.first || matches!(unit.act, Act::Withdraw(_)));
    let mut standing: Vec<&Unit<S::Event>> = if corrected {
        let dead = withdrawn(units);
        let mut by_root: HashMap<Position, &Unit<S::Event>> = HashMap::new();
        for unit in units.iter().filter(|unit| matches!(unit.act, Act::Say(_)) && !dead.contains(&unit.first)) {
            by_root.insert(unit.root, unit);
        }
        by_root.into_values().collect()
    } else {
        units.iter().collect()
    };
    match S::CLOCKS {
        Clocks::Progress => standing.sort_by_key(|unit| (unit.effective, unit.root)),
        Clocks::Schedule => standing.sort_by_key(|unit| unit.root),
    }
    standing
}
