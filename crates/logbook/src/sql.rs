//! The predicate of the two clocks stands once, here; statements write `AS_OF(alias)`, or
//! `UP_TO(alias)` for all versions that begin by then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use units::{Instant, Position};

/// What a reader stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// What was true at this instant.
    pub effective: Instant,
    /// As the log knew it at this position; `None`: as it knows now.
    pub known: Option<Position>,
}

/// A statement with `AS_OF(alias)` expanded: `$1` is the tenant, `$2` the effective instant, `$3` the known position.
pub fn as_of(sql: &'static str, past: bool) -> &'static str {
    static EXPANDED: Mutex<Option<HashMap<(&'static str, bool), &'static str>>> = Mutex::new(None);
    let mut expanded = EXPANDED.lock().unwrap_or_else(PoisonError::into_inner);
    expanded.get_or_insert_default().entry((sql, past)).or_insert_with(|| Box::leak(expand(sql, past).into_boxed_str()))
}

fn expand(sql: &str, past: bool) -> String {
    let mut expanded = String::with_capacity(sql.len() + 256);
    let mut rest = sql;
    let next = |rest: &str| [rest.find("AS_OF("), rest.find("UP_TO(")].into_iter().flatten().min();
    while let Some(place) = next(rest) {
        let (before, found) = rest.split_at(place);
        let (name, after) = found.split_once('(').expect("a predicate has its parenthesis");
        let (alias, after) = after.split_once(')').expect("a predicate names an alias in parentheses");
        expanded.push_str(before);
        expanded.push_str(&if name == "AS_OF" { predicate(alias, past) } else { versions(alias, past) });
        rest = after;
    }
    expanded.push_str(rest);
    expanded
}

fn predicate(d: &str, past: bool) -> String {
    if past {
        format!(
            "({d}.valid_from <= $2::timestamptz AND {d}.recorded_from <= $3::bigint AND $3 < {d}.recorded_to \
             AND ($2 < {d}.valid_to OR $3 < {d}.closed_at))"
        )
    } else {
        format!(
            "({d}.recorded_to = 9223372036854775807 AND {d}.valid_from <= $2::timestamptz AND $2 < {d}.valid_to \
             AND $3::bigint IS NULL)"
        )
    }
}

/// The versions that are known and begin by the instant: `UP_TO(alias)`, for stories rather than states.
fn versions(d: &str, past: bool) -> String {
    if past {
        format!("({d}.valid_from <= $2::timestamptz AND {d}.recorded_from <= $3::bigint AND $3 < {d}.recorded_to)")
    } else {
        format!("({d}.recorded_to = 9223372036854775807 AND {d}.valid_from <= $2::timestamptz AND $3::bigint IS NULL)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_predicate_of_the_two_clocks_takes_the_alias() {
        let sql = as_of("SELECT 1 FROM t d JOIN u e ON AS_OF(e) WHERE AS_OF(d)", false);
        assert!(sql.contains("d.recorded_to = 9223372036854775807") && sql.contains("$2 < e.valid_to"), "{sql}");
        assert!(as_of("SELECT 1 WHERE AS_OF(d)", true).contains("$3 < d.closed_at"));
    }
}
