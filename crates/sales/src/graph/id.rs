//! Global ids: opaque to clients, and different for each pair of instants.

use super::view::{AsOfInput, Point};
use async_graphql::{Error, ErrorExtensions, ID, Result};
use uuid::Uuid;

/// What a global id stands for.
#[derive(Clone, Debug)]
pub struct NodeId {
    /// The object's type: `Deal`.
    pub type_name: String,
    /// The object's own id.
    pub key: Uuid,
    /// The instants at which it was read; `None`: the present.
    pub as_of: Option<AsOfInput>,
}

impl NodeId {
    /// The global id of an object read at a point.
    pub fn of(type_name: &str, key: Uuid, point: &Point) -> ID {
        let stamp = point.stamp().map(|stamp| format!("@{stamp}")).unwrap_or_default();
        ID(encode(format!("{type_name}:{key}{stamp}").as_bytes()))
    }

    /// The object meant by a global id; `None` when it is none of ours.
    pub fn parse(id: &str) -> Option<Self> {
        let text = String::from_utf8(decode(id)?).ok()?;
        let (type_name, rest) = text.split_once(':')?;
        let (key, as_of) = match rest.split_once('@') {
            Some((key, stamp)) => (key, Some(Point::of_stamp(stamp)?)),
            None => (rest, None),
        };
        Some(Self { type_name: type_name.to_owned(), key: key.parse().ok()?, as_of })
    }
}

/// The id of a thing of a type, as a client gives it: a global id of the present, or the bare UUID (`key`).
pub struct Key;

impl Key {
    /// The thing's own id.
    ///
    /// # Errors
    /// When it is no id, of another type, or of a past instant: what is said of the past is not changed.
    pub fn of(id: &ID, type_name: &str) -> Result<Uuid> {
        if let Ok(key) = id.parse() {
            return Ok(key);
        }
        match NodeId::parse(id) {
            Some(node) if node.type_name == type_name && node.as_of.is_none() => Ok(node.key),
            Some(node) if node.type_name == type_name => {
                Err(bad_input(&format!("the id {} is of another instant: use the id of the present", **id)))
            }
            _ => Err(bad_input(&format!("\"{}\" is no id of a {type_name}", id.chars().take(100).collect::<String>()))),
        }
    }

    /// The thing's own id, given in an input field of a command.
    ///
    /// # Errors
    /// As [`Key::of`], naming the field.
    pub fn given(id: &ID, type_name: &str, field: &str) -> Result<Uuid> {
        Self::of(id, type_name).map_err(|error| in_field(error, field))
    }

    /// The thing's own id, whatever instants the id carries: for reading.
    ///
    /// # Errors
    /// When it is no id, or of another type.
    pub fn for_reading(id: &ID, type_name: &str) -> Result<Uuid> {
        match NodeId::parse(id) {
            Some(node) if node.type_name == type_name => Ok(node.key),
            _ => Self::of(id, type_name),
        }
    }

    /// The own ids of several things.
    ///
    /// # Errors
    /// As [`Key::for_reading`].
    pub fn all(ids: Option<&Vec<ID>>, type_name: &str) -> Result<Option<Vec<Uuid>>> {
        ids.map(|ids| ids.iter().map(|id| Self::for_reading(id, type_name)).collect()).transpose()
    }
}

/// An error of a request that cannot be understood.
pub(crate) fn bad_input(message: &str) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", "BAD_USER_INPUT"))
}

/// The error, told of an input field of a command.
pub(crate) fn in_field(error: Error, field: &str) -> Error {
    error.extend_with(|_, extensions| extensions.set("field", field))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 for URLs, without padding (RFC 4648, section 5).
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for sextet in 0..=chunk.len() {
            text.push(ALPHABET[(word >> (18 - 6 * sextet) & 63) as usize] as char);
        }
    }
    text
}

/// The bytes of [`encode`]'s text; `None` for any other text.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.as_bytes().chunks(4) {
        let mut word = 0_u32;
        for letter in chunk {
            word = word << 6 | u32::try_from(ALPHABET.iter().position(|known| known == letter)?).ok()?;
        }
        word <<= 6 * (4 - chunk.len());
        let whole = chunk.len() * 6 / 8;
        bytes.extend((0..whole).map(|byte| (word >> (16 - 8 * byte)) as u8));
        if chunk.len() == 1 {
            return None;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_gives_back_what_it_took() {
        for text in ["", "a", "ab", "abc", "Deal:0195", "\u{ff}\u{fe}"] {
            assert_eq!(decode(&encode(text.as_bytes())).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(encode(b"Deal:1"), "RGVhbDox");
        assert_eq!(decode("a*"), None);
        assert_eq!(decode("a"), None);
    }
}
