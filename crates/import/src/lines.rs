//! The bytes of a file on their way to the CSV reader: lines end alike, and quotes end at all.

use std::io::{Error, Read};

/// Lines of a row at most.
const ROW_LINES_MAX: u64 = 1_000;
/// Bytes of a row at most.
const ROW_BYTES_MAX: u64 = 16 << 20;

/// What is wrong with a row as a whole, and the line in which it begins.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Unread {
    pub(crate) line: u64,
    pub(crate) what: String,
}

/// Ends lines with a line feed alone, so that lines are counted right whichever way the file ends them, and fails where a
/// quote swallows what follows it.
pub(crate) struct PlainLines<R> {
    inner: R,
    /// A carriage return was read, and what follows it is not known yet.
    held: bool,
    quotes: Quotes,
}

impl<R: Read> PlainLines<R> {
    pub(crate) fn new(inner: R, delimiter: u8) -> Self {
        let quotes = Quotes { delimiter, state: State::Begun, line: 1, row: 1, bytes: 0 };
        Self { inner, held: false, quotes }
    }

    fn followed(&mut self, out: &[u8], written: usize, ended: bool) -> std::io::Result<usize> {
        for byte in &out[..written] {
            self.quotes.take(*byte).map_err(Error::other)?;
        }
        if ended {
            self.quotes.end().map_err(Error::other)?;
        }
        Ok(written)
    }
}

impl<R: Read> Read for PlainLines<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let mut chunk = vec![0; out.len().saturating_sub(1).max(1)];
        if out.len() < 2 {
            let read = self.inner.read(out)?; // no room to put a held byte back: nobody reads a file byte by byte
            return self.followed(out, read, read == 0 && !out.is_empty());
        }
        loop {
            let read = self.inner.read(&mut chunk)?;
            let mut written = 0;
            let mut put = |byte| {
                out[written] = byte;
                written += 1;
            };
            if read == 0 && std::mem::take(&mut self.held) {
                put(b'\r');
            }
            for byte in &chunk[..read] {
                if std::mem::take(&mut self.held) && *byte != b'\n' {
                    put(b'\r');
                }
                if *byte == b'\r' {
                    self.held = true;
                } else {
                    put(*byte);
                }
            }
            if written > 0 || read == 0 {
                return self.followed(out, written, read == 0);
            }
        }
    }
}

/// Follows the quotes of a file as the CSV reader does.
struct Quotes {
    delimiter: u8,
    state: State,
    line: u64,
    /// The line in which the row begins.
    row: u64,
    bytes: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A field begins.
    Begun,
    Plain,
    Quoted,
    /// After a quote within quotes: it ends them, or the next one is meant.
    Ended,
}

impl Quotes {
    fn take(&mut self, byte: u8) -> Result<(), Unread> {
        self.bytes += 1;
        self.line += u64::from(byte == b'\n');
        self.state = match (self.state, byte) {
            (State::Quoted, b'"') => State::Ended,
            (State::Quoted, _) => State::Quoted,
            (State::Begun | State::Ended, b'"') => State::Quoted,
            (_, b'\n' | b'\r') => {
                (self.row, self.bytes) = (self.line, 0);
                State::Begun
            }
            (_, byte) if byte == self.delimiter => State::Begun,
            _ => State::Plain,
        };
        if self.line - self.row > ROW_LINES_MAX || self.bytes > ROW_BYTES_MAX {
            let what = format!(
                "the row that begins here is longer than {ROW_LINES_MAX} lines or {} MiB: a quote is not closed",
                ROW_BYTES_MAX >> 20
            );
            return Err(Unread { line: self.row, what });
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Unread> {
        match self.state {
            State::Quoted => {
                let what = "the row that begins here has a quote that is not closed until the file ends".to_owned();
                Err(Unread { line: self.row, what })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, u64> {
        let mut out = String::new();
        let read = PlainLines::new(text.as_bytes(), b',').read_to_string(&mut out);
        let line = |error: Error| error.get_ref().unwrap().downcast_ref::<Unread>().unwrap().line;
        read.map_err(line).map(|_| out)
    }

    #[test]
    fn quotes_that_close_pass_and_lines_end_alike() {
        for text in ["a,\"b\"\n", "a,\"b\"\"c\"\n", "a,\"b\nc\",d\n", "a\"b,c\n", "\"\"\"\"\n", "\"a\" \"b\n", ""] {
            assert_eq!(read(text), Ok(text.to_owned()), "{text}");
        }
        assert_eq!(read("a\r\nb\r"), Ok("a\nb\r".to_owned()));
    }

    #[test]
    fn a_quote_that_does_not_close_is_told_by_the_line_of_its_row() {
        assert_eq!(read("a,b\nc,d\ne,\"f\ng,h\ni,j\n"), Err(3));
        assert_eq!(read("a\n\"b\"\",\nc\n"), Err(2));
        assert_eq!(read(&format!("a\n\"b{}\"\nc\n", "\n".repeat(1_001))), Err(2));
    }
}
