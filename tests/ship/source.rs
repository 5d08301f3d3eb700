//! The sources of the house, for the rules about them.

use std::{collections::BTreeSet, path::Path};

/// A file of the house.
pub struct Source {
    /// Its path from the root.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// All files of the house with one of these endings, save what is built or fetched.
pub fn sources(root: &Path, endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                let skipped = ["target", ".git", "node_modules"].contains(&name.as_str());
                if !skipped {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| path.extension().is_some_and(|own| own == *ending)) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(Source { path: path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), text });
            }
        }
    }
    assert!(!found.is_empty(), "no file of {endings:?} under {}", root.display());
    found
}

/// The functions of a formatted Rust file, with the lines each takes.
pub fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let words: Vec<&str> = code.split([' ', '(', '<']).take(6).collect();
        let Some(place) = words.iter().position(|word| *word == "fn") else { continue };
        if code.starts_with("//") || place > 3 {
            continue;
        }
        let indent = line.len() - code.len();
        let closes =
            |line: &&str| line.len() > indent && line[..=indent].trim() == "}" && !line[..indent].contains('}');
        let end = lines[start..].iter().position(closes).unwrap_or(0);
        found.push((words.get(place + 1).unwrap_or(&"").to_string(), end + 1));
    }
    found
}

/// The modules of its own crate that a Rust file names, however it writes that: `crate::a::b`, `use crate::{a::b, c}`,
/// `super::super::a`.
pub fn named_crate_paths(text: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (start, before) in text.match_indices("crate::").chain(text.match_indices("super::super::")) {
        let rest = &text[start + before.len()..];
        let Some(inside) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (at, letter) in inside.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                letter if begins && !letter.is_whitespace() => {
                    found.insert(word(&inside[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn a_module_is_found_however_it_is_named() {
    let text =
        "use crate::{facts, deal::{self, Deal},\n team};\nlet a = crate::person::Person; super::super::stage::f();";
    let found: Vec<String> = named_crate_paths(text).into_iter().collect();
    assert_eq!(found, ["deal", "facts", "person", "stage", "team"]);
}
