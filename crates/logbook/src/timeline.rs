//! Rows over two clocks: what a command changes in a history table, from the timelines before and after it.

use crate::slice::Segment;
use std::cmp::Ordering;
use units::Instant;
use uuid::Uuid;

/// A change of one row that a command makes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowChange<R> {
    pub(crate) table: usize,
    pub(crate) id: Uuid,
    pub(crate) from: Instant,
    pub(crate) what: What<R>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What<R> {
    /// The standing row no longer stands.
    End,
    /// The standing row, open until now, got its end.
    Close { to: Instant },
    /// A new row stands.
    Stand { to: Option<Instant>, row: R },
}

/// Segments in their one canonical form: ordered, without empty ranges, equal neighbours as one.
pub(crate) fn canonical<R: PartialEq>(mut segments: Vec<Segment<R>>) -> Vec<Segment<R>> {
    segments.retain(|segment| segment.to.is_none_or(|to| segment.from < to));
    segments.sort_by_key(key);
    segments.dedup_by(|later, earlier| {
        let one = (later.table, later.id) == (earlier.table, earlier.id)
            && earlier.to == Some(later.from)
            && earlier.row == later.row;
        if one {
            earlier.to = later.to;
        }
        one
    });
    segments
}

fn key<R>(segment: &Segment<R>) -> (usize, Uuid, Instant) {
    (segment.table, segment.id, segment.from)
}

/// What turns the rows of one canonical timeline into those of another.
pub(crate) fn changes<R: Clone + PartialEq>(before: &[Segment<R>], after: &[Segment<R>]) -> Vec<RowChange<R>> {
    let mut changes = Vec::new();
    let mut change = |segment: &Segment<R>, what| {
        changes.push(RowChange { table: segment.table, id: segment.id, from: segment.from, what });
    };
    let stand = |segment: &Segment<R>| What::Stand { to: segment.to, row: segment.row.clone() };
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(was), Some(is)) => key(was).cmp(&key(is)),
        };
        let (was, is) = match order {
            Ordering::Less => (old.next(), None),
            Ordering::Greater => (None, new.next()),
            Ordering::Equal => (old.next(), new.next()),
        };
        match (was, is) {
            (Some(was), Some(is)) if was == is => {}
            (Some(was), Some(is)) if was.row == is.row && was.to.is_none() => {
                change(is, What::Close { to: is.to.expect("two open rows that are equal in all else are equal") });
            }
            (was, is) => {
                if let Some(was) = was {
                    change(was, What::End);
                }
                if let Some(is) = is {
                    change(is, stand(is));
                }
            }
        }
    }
    changes
}
