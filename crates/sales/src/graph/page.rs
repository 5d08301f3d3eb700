//! Pages of a connection: keyset cursors that carry the list they belong to: its kind, filter, order and instants.

use super::id::{bad_input, decode, encode};
use async_graphql::{Result, SimpleObject};
use uuid::Uuid;

/// Rows of a page at most.
const PAGE_SIZE_MAX: i32 = 100;

/// Where a page of a connection lies.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether there is more after this page.
    pub has_next_page: bool,
    /// Whether there is more before this page.
    pub has_previous_page: bool,
    /// The cursor of the page's first edge; null when the page is empty.
    pub start_cursor: Option<String>,
    /// The cursor of the page's last edge; null when the page is empty.
    pub end_cursor: Option<String>,
}

/// The place of a row in an order: its sort keys and its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    /// The list it belongs to, as [`View::order`](super::View::order) names it.
    pub order: String,
    /// The key of a number or a day.
    pub number: i64,
    /// The key of a text.
    pub text: String,
    /// The row's id.
    pub id: Uuid,
}

impl Cursor {
    /// The cursor as clients hold it.
    pub fn encoded(&self) -> String {
        encode(format!("{}|{}|{}|{}", self.order, self.number, self.id, self.text).as_bytes())
    }

    fn decoded(text: &str, order: &str) -> Result<Self> {
        let parsed = decode(text).and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| {
            let mut parts = text.splitn(4, '|');
            Some(Self {
                order: parts.next()?.to_owned(),
                number: parts.next()?.parse().ok()?,
                id: parts.next()?.parse().ok()?,
                text: parts.next()?.to_owned(),
            })
        });
        match parsed {
            Some(cursor) if cursor.order == order => Ok(cursor),
            Some(_) => Err(bad_input(
                "the cursor belongs to another list: go on with the filter, the order and the instants that it came from",
            )),
            None => Err(bad_input("that is no cursor of this connection")),
        }
    }
}

/// The part of a connection that a client asks for.
#[derive(Clone, Debug)]
pub struct Window {
    /// Rows wanted, 1 to 100.
    pub size: i64,
    /// Whether it is read from the end.
    pub backward: bool,
    /// The row before the first one, in reading direction.
    pub cursor: Option<Cursor>,
    /// The list, which its cursors carry.
    pub order: String,
}

impl Window {
    /// The window of a connection's arguments.
    ///
    /// # Errors
    /// When both ends are asked for, a cursor is given for the other end, the size is not 1 to 100, or the cursor is of
    /// another list.
    pub fn of(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order: &str,
    ) -> Result<Self> {
        let (size, backward, cursor) = match (first, last) {
            (Some(_), Some(_)) => return Err(bad_input("ask for first or for last, not for both")),
            (_, None) if before.is_some() => return Err(bad_input("before goes with last; first goes with after")),
            (None, Some(_)) if after.is_some() => {
                return Err(bad_input("after goes with first; last goes with before"));
            }
            (size, None) => (size.unwrap_or(25), false, after),
            (None, Some(size)) => (size, true, before),
        };
        if !(1..=PAGE_SIZE_MAX).contains(&size) {
            return Err(bad_input(&format!("a page has 1 to {PAGE_SIZE_MAX} rows, not {size}")));
        }
        let cursor = cursor.map(|cursor| Cursor::decoded(&cursor, order)).transpose()?;
        Ok(Self { size: i64::from(size), backward, cursor, order: order.to_owned() })
    }
}

/// A page of rows, read with one row more than asked for.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The rows, each with its cursor, in the order of the connection.
    pub rows: Vec<(Cursor, T)>,
    /// Where the page lies.
    pub info: PageInfo,
}

impl<T> Slice<T> {
    /// The page of a window out of the rows found in reading direction.
    pub fn of(window: &Window, mut rows: Vec<(Cursor, T)>) -> Self {
        let size = usize::try_from(window.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        if window.backward {
            rows.reverse();
        }
        let came_from = window.cursor.is_some();
        let (has_next_page, has_previous_page) = if window.backward { (came_from, more) } else { (more, came_from) };
        let start_cursor = rows.first().map(|(cursor, _)| cursor.encoded());
        let end_cursor = rows.last().map(|(cursor, _)| cursor.encoded());
        Self { rows, info: PageInfo { has_next_page, has_previous_page, start_cursor, end_cursor } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_order_is_refused() {
        let cursor = Cursor { order: "NAME ASC".into(), number: -3, text: "a|b".into(), id: Uuid::nil() };
        let window = Window::of(Some(2), Some(cursor.encoded()), None, None, "NAME ASC").unwrap();
        assert_eq!(window.cursor, Some(cursor.clone()));
        assert!(Window::of(Some(2), Some(cursor.encoded()), None, None, "AMOUNT ASC").is_err());
        assert!(Window::of(Some(0), None, None, None, "x").is_err());
        assert!(Window::of(Some(101), None, None, None, "x").is_err());
        assert!(Window::of(Some(1), None, Some(1), None, "x").is_err());
    }

    #[test]
    fn a_cursor_for_the_other_end_is_refused() {
        let cursor = || Some(Cursor { order: "x".into(), number: 0, text: String::new(), id: Uuid::nil() }.encoded());
        assert!(Window::of(Some(2), None, None, cursor(), "x").is_err());
        assert!(Window::of(None, None, None, cursor(), "x").is_err());
        assert!(Window::of(Some(2), cursor(), None, cursor(), "x").is_err());
        assert!(Window::of(None, cursor(), Some(2), None, "x").is_err());
        assert!(Window::of(None, None, Some(2), cursor(), "x").is_ok());
    }
}
