//! The CSV files: found by name in folders, read row by row.

use crate::{
    report::{Reject, Report},
    run::ImportError,
};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// Bytes of a field at most.
const FIELD_BYTES_MAX: usize = 1 << 20;

/// Where the files are.
pub(crate) struct Files<'a> {
    pub(crate) folders: &'a [PathBuf],
    pub(crate) given: &'a BTreeMap<String, PathBuf>,
}

impl Files<'_> {
    /// The file of a role: the one that was given, else that of the last folder that has it.
    pub(crate) fn find(&self, role: &'static str, name: &str) -> Result<PathBuf, ImportError> {
        if let Some(given) = self.given.get(role) {
            return Ok(given.clone());
        }
        let places = self.folders.iter().rev().map(|folder| folder.join(name));
        places.into_iter().find(|path| path.is_file()).ok_or_else(|| ImportError::NoFile {
            role,
            name: name.to_owned(),
            folders: self.folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// Goes on hashing with the bytes of a file.
pub(crate) fn hashed(path: &Path, mut id: Uuid) -> Result<Uuid, ImportError> {
    let broken = |source| ImportError::File { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(broken)?;
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut chunk).map_err(broken)?;
        if read == 0 {
            return Ok(id);
        }
        id = Uuid::new_v5(&id, &chunk[..read]);
    }
}

/// A file that is open for reading.
pub(crate) struct Sheet {
    role: &'static str,
    pub(crate) name: String,
    columns: Vec<String>,
    reader: csv::Reader<Box<dyn Read>>,
    record: csv::ByteRecord,
}

/// Ends lines with a line feed alone, so that lines are counted right whichever way the file ends them.
struct PlainLines<R> {
    inner: R,
    /// A carriage return was read, and what follows it is not known yet.
    held: bool,
}

impl<R: Read> Read for PlainLines<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let mut chunk = vec![0; out.len().saturating_sub(1).max(1)];
        if out.len() < 2 {
            return self.inner.read(out); // no room to put a held byte back: nobody reads a file byte by byte
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
                return Ok(written);
            }
        }
    }
}

/// A row of a file.
pub(crate) struct Row<'a> {
    pub(crate) line: u64,
    fields: &'a csv::ByteRecord,
}

impl Sheet {
    pub(crate) fn open(role: &'static str, path: &Path) -> Result<Self, ImportError> {
        let broken = |source| ImportError::File { path: path.to_path_buf(), source };
        let mut file = BufReader::new(File::open(path).map_err(broken)?);
        let mut start = Vec::new();
        file.by_ref().take(3).read_to_end(&mut start).map_err(broken)?;
        if start == [0xEF, 0xBB, 0xBF] {
            start.clear();
        }
        let bytes: Box<dyn Read> = Box::new(PlainLines { inner: std::io::Cursor::new(start).chain(file), held: false });
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let header = reader.byte_headers().map_err(|error| broken(error.into()))?;
        let columns = header.iter().map(|column| String::from_utf8_lossy(column).trim().to_lowercase()).collect();
        Ok(Self { role, name, columns, reader, record: csv::ByteRecord::new() })
    }

    /// The place of a column.
    pub(crate) fn column(&self, name: &str) -> Result<usize, ImportError> {
        let wanted = name.trim().to_lowercase();
        self.columns.iter().position(|column| *column == wanted).ok_or_else(|| ImportError::NoColumn {
            role: self.role,
            file: self.name.clone(),
            column: name.to_owned(),
            found: self.columns.join(", "),
        })
    }

    /// The place of a column that the mapping may leave out.
    pub(crate) fn maybe(&self, name: Option<&String>) -> Result<Option<usize>, ImportError> {
        name.map(|name| self.column(name)).transpose()
    }

    /// The next row that is one: what is none is rejected on the way.
    pub(crate) fn next(&mut self, report: &mut Report) -> Result<Option<Row<'_>>, ImportError> {
        loop {
            let read = self.reader.read_byte_record(&mut self.record);
            let line = self.record.position().map_or(0, csv::Position::line);
            let broken = |what: String| ImportError::Csv { file: self.name.clone(), line, what };
            if !read.map_err(|error| broken(error.to_string()))? {
                return Ok(None);
            }
            *report.rows_read.entry(self.name.clone()).or_default() += 1;
            let (found, columns) = (self.record.len(), self.columns.len());
            let rule = if found != columns {
                Some(format!("the row has {found} fields and the header {columns}"))
            } else if self.record.iter().any(|field| field.len() > FIELD_BYTES_MAX) {
                Some(format!("a field is longer than {FIELD_BYTES_MAX} bytes"))
            } else {
                None
            };
            match rule {
                Some(rule) => report.reject(self.rejected(line, "", "", &rule)),
                None => {
                    if self.record.iter().any(|field| std::str::from_utf8(field).is_err()) {
                        return Err(broken("the file is not UTF-8: export it as UTF-8".to_owned()));
                    }
                    break;
                }
            }
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        Ok(Some(Row { line, fields: &self.record }))
    }

    /// The reject of a row.
    pub(crate) fn rejected(&self, line: u64, column: &str, value: &str, rule: &str) -> Reject {
        let value = value.chars().take(100).collect();
        Reject { file: self.name.clone(), line, column: column.to_owned(), value, rule: rule.to_owned() }
    }
}

impl<'a> Row<'a> {
    /// The trimmed value of a column.
    pub(crate) fn get(&self, column: usize) -> &'a str {
        self.fields.get(column).and_then(|field| std::str::from_utf8(field).ok()).unwrap_or_default().trim()
    }

    /// The value of a column that may be left out or blank.
    pub(crate) fn maybe(&self, column: Option<usize>) -> Option<&'a str> {
        column.map(|column| self.get(column)).filter(|value| !value.is_empty())
    }
}
