//! Counting a document's tokens before it is parsed: one pass over its bytes, without a stack.

/// How deep brackets may nest. The parser descends with them, so this is no matter of taste; documents that people
/// write stay below 30.
pub const NESTING_MAX: u64 = 100;

/// What one pass over a document finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Names, numbers, strings and punctuation.
    pub tokens: u64,
    /// The deepest nesting of brackets, whichever they are.
    pub nesting: u64,
}

impl Text {
    /// Reads a document, well formed or not: whatever is no token by the rules counts as one a byte.
    pub fn of(document: &str) -> Self {
        let mut rest = document.as_bytes();
        let (mut text, mut open) = (Self::default(), 0_u64);
        while let Some(&first) = rest.first() {
            let length = match first {
                b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                    rest = &rest[1..];
                    continue;
                }
                b'#' => {
                    let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                    rest = &rest[end.unwrap_or(rest.len())..];
                    continue;
                }
                b'"' => string(rest),
                b'.' if rest.starts_with(b"...") => 3,
                byte if is_word(byte) || byte == b'-' => {
                    1 + rest[1..].iter().take_while(|byte| is_word(**byte) || **byte == b'.').count()
                }
                _ => 1,
            };
            match first {
                b'{' | b'[' | b'(' => open += 1,
                b'}' | b']' | b')' => open = open.saturating_sub(1),
                _ => {}
            }
            text.tokens += 1;
            text.nesting = text.nesting.max(open);
            rest = &rest[length..];
        }
        text
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The length of the string that a text begins with, or of what there is of it.
fn string(text: &[u8]) -> usize {
    if text.starts_with(b"\"\"\"") {
        let mut at = 3;
        while at < text.len() {
            if text[at..].starts_with(b"\\\"\"\"") {
                at += 4;
            } else if text[at..].starts_with(b"\"\"\"") {
                return at + 3;
            } else {
                at += 1;
            }
        }
        return text.len();
    }
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    text.len()
}
