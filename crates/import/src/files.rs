//! The CSV files: found by name in folders, read row by row.

use crate::{
    lines::{PlainLines, Unread},
    mapping::Mapping,
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

/// What files are for.
const ROLES: [&str; 4] = ["products", "accounts", "people", "deals"];

/// Where the files are.
pub(crate) struct Files<'a> {
    pub(crate) folders: &'a [PathBuf],
    pub(crate) given: &'a BTreeMap<String, PathBuf>,
}

impl Files<'_> {
    /// Whether every folder is one and has a file of the mapping, and every file that was given is of a role of it.
    pub(crate) fn check(&self, mapping: &Mapping) -> Result<(), ImportError> {
        let mapped = mapping.files();
        for (role, path) in self.given {
            if !ROLES.contains(&role.as_str()) {
                return Err(ImportError::NoRole(role.clone()));
            }
            if !mapped.iter().any(|(known, _)| known == role) {
                return Err(ImportError::UnmappedRole(role.clone()));
            }
            regular(path)?;
        }
        for folder in self.folders {
            if !folder.is_dir() {
                return Err(ImportError::NoFolder(folder.clone()));
            }
            if !mapped.iter().any(|(_, name)| folder.join(name).exists()) && self.given.len() < mapped.len() {
                let names: Vec<_> = mapped.iter().map(|(_, name)| *name).collect();
                return Err(ImportError::NothingIn { folder: folder.clone(), files: names.join(", ") });
            }
        }
        Ok(())
    }

    /// The file of a role: the one that was given, else that of the last folder that has it.
    pub(crate) fn find(&self, role: &'static str, name: &str) -> Result<PathBuf, ImportError> {
        if let Some(given) = self.given.get(role) {
            return Ok(given.clone());
        }
        let places = self.folders.iter().rev().map(|folder| folder.join(name));
        let found = places.into_iter().find(|path| path.exists()).ok_or_else(|| ImportError::NoFile {
            role,
            name: name.to_owned(),
            folders: self.folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", "),
        })?;
        regular(&found)?;
        Ok(found)
    }
}

/// Files are read twice, so that a pipe would be empty the second time.
fn regular(path: &Path) -> Result<(), ImportError> {
    let metadata = path.metadata().map_err(|source| ImportError::File { path: path.to_path_buf(), source })?;
    if metadata.is_file() { Ok(()) } else { Err(ImportError::NoRegularFile(path.to_path_buf())) }
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

/// A row of a file.
pub(crate) struct Row<'a> {
    pub(crate) line: u64,
    fields: &'a csv::ByteRecord,
}

impl Sheet {
    pub(crate) fn open(role: &'static str, path: &Path, delimiter: char) -> Result<Self, ImportError> {
        let broken = |source| ImportError::File { path: path.to_path_buf(), source };
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut file = BufReader::new(File::open(path).map_err(broken)?);
        let mut start = Vec::new();
        file.by_ref().take(3).read_to_end(&mut start).map_err(broken)?;
        let in_header = |what: String| ImportError::Csv { file: name.clone(), line: 1, what };
        if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) || start.contains(&0) {
            return Err(in_header("the file is UTF-16: export it as UTF-8".to_owned()));
        }
        if start == [0xEF, 0xBB, 0xBF] {
            start.clear();
        }
        let sign = u8::try_from(delimiter).unwrap_or(b',');
        let bytes: Box<dyn Read> = Box::new(PlainLines::new(std::io::Cursor::new(start).chain(file), sign));
        let mut reader = csv::ReaderBuilder::new().flexible(true).delimiter(sign).from_reader(bytes);
        let header = reader.byte_headers().map_err(|error| unread(&name, 1, error))?;
        let columns: Vec<String> =
            header.iter().map(|column| String::from_utf8_lossy(column).trim().to_lowercase()).collect();
        if let [only] = columns.as_slice()
            && let Some(other) = [',', ';', '\t', '|'].into_iter().find(|other| only.contains(*other))
        {
            let what = format!("the header is one column and holds {other:?}: say delimiter = {:?}", other.to_string());
            return Err(in_header(what));
        }
        Ok(Self { role, name, columns, reader, record: csv::ByteRecord::new() })
    }

    /// The place of a column.
    pub(crate) fn column(&self, name: &str) -> Result<usize, ImportError> {
        let wanted = name.trim().to_lowercase();
        let mut places = (0..).zip(&self.columns).filter(|(_, column)| **column == wanted).map(|(place, _)| place);
        let (role, file, column) = (self.role, self.name.clone(), name.to_owned());
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => Err(ImportError::ColumnTwice { role, file, column }),
            (None, _) => Err(ImportError::NoColumn { role, file, column, found: self.columns.join(", ") }),
        }
    }

    /// The place of a column that the mapping may leave out.
    pub(crate) fn maybe(&self, name: Option<&String>) -> Result<Option<usize>, ImportError> {
        name.map(|name| self.column(name)).transpose()
    }

    /// The next row that is one: blank ones are counted and passed over, what is none is rejected on the way.
    pub(crate) fn next(&mut self, report: &mut Report) -> Result<Option<Row<'_>>, ImportError> {
        loop {
            let read = self.reader.read_byte_record(&mut self.record);
            let line = self.record.position().map_or(0, csv::Position::line);
            if !read.map_err(|error| unread(&self.name, line, error))? {
                return Ok(None);
            }
            if self.record.iter().all(|field| field.trim_ascii().is_empty()) {
                *report.blank_rows.entry(self.name.clone()).or_default() += 1;
                continue;
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
                        let what = "the file is not UTF-8: export it as UTF-8".to_owned();
                        return Err(ImportError::Csv { file: self.name.clone(), line, what });
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

/// What the CSV reader could not read.
fn unread(file: &str, line: u64, error: csv::Error) -> ImportError {
    let (file, what) = (file.to_owned(), error.to_string());
    match error.into_kind() {
        csv::ErrorKind::Io(error) => match error.get_ref().and_then(|error| error.downcast_ref::<Unread>()) {
            Some(unread) => ImportError::Csv { file, line: unread.line, what: unread.what.clone() },
            None => ImportError::Csv { file, line, what },
        },
        _ => ImportError::Csv { file, line, what },
    }
}
