use serde::{Deserialize, Serialize};
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// The most characters that a [`Text`] may have.
pub const TEXT_CHARS_MAX: usize = 2_000;

/// What a person wrote: not blank, without NUL, at most [`TEXT_CHARS_MAX`] characters, trimmed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text(String);

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("a text is needed here: it is blank")]
    Blank,
    /// PostgreSQL stores no NUL in a text.
    #[error("a text may not hold the NUL character")]
    Nul,
    /// Too long.
    #[error("a text of {chars} characters is too long: at most {TEXT_CHARS_MAX} fit")]
    TooLong {
        /// How many it has.
        chars: usize,
    },
}

impl Text {
    /// A text of what was written, trimmed.
    ///
    /// # Errors
    /// When it is blank, holds NUL or is too long.
    pub fn new(written: &str) -> Result<Self, TextError> {
        let trimmed = written.trim();
        let chars = trimmed.chars().count();
        if trimmed.is_empty() {
            Err(TextError::Blank)
        } else if trimmed.contains('\0') {
            Err(TextError::Nul)
        } else if chars > TEXT_CHARS_MAX {
            Err(TextError::TooLong { chars })
        } else {
            Ok(Self(trimmed.to_owned()))
        }
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text [`folded`].
    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

/// What was written, folded for comparing and for finding by prefix: its characters composed (Unicode's NFC), and each in
/// lower case by itself, so that the fold of a prefix is a prefix of the fold.
pub fn folded(written: &str) -> String {
    written.nfc().flat_map(char::to_lowercase).collect()
}

impl TryFrom<String> for Text {
    type Error = TextError;

    fn try_from(written: String) -> Result<Self, TextError> {
        Self::new(&written)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Marks what belongs to a person (a name, an address): the fields that sealing under a key per subject will cover.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal<T>(pub T);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_refuses_what_cannot_be_stored_or_read() {
        assert_eq!(Text::new("  a deal  ").unwrap().as_str(), "a deal");
        assert_eq!(Text::new(" \n"), Err(TextError::Blank));
        assert_eq!(Text::new("a\0b"), Err(TextError::Nul));
        assert_eq!(Text::new(&"é".repeat(2_001)), Err(TextError::TooLong { chars: 2_001 }));
        assert!(Text::new(&"é".repeat(2_000)).is_ok());
    }

    #[test]
    fn the_fold_of_a_prefix_is_a_prefix_of_the_fold() {
        for (whole, prefix) in [("ΣΊΣΥΦΟΣ", "ΣΊΣ"), ("Zoe\u{301} & Co", "ZO\u{c9}"), ("STRASSE", "stra")] {
            assert!(folded(whole).starts_with(&folded(prefix)), "{whole} {prefix}");
        }
    }
}
