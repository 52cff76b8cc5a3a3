//! A table of the file, and errors that say where: file, line, key, what to do. An unknown key is an
//! error that names the nearest known one.
#![forbid(unsafe_code)]

use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use super::Error;
use super::value::FromToml;

/// The file that is read.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl Document<'_> {
    pub(super) fn error(&self, offset: usize, what: String) -> Error {
        let before = self.text.as_bytes().iter().take(offset);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        Error {
            line: Some(line),
            ..Error::of_file(self.file, what)
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    document: Document<'a>,
    /// Where it begins.
    offset: usize,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    pub(super) fn new(document: Document<'a>, offset: usize, table: &'a DeTable<'a>) -> Self {
        Self {
            document,
            offset,
            table,
        }
    }

    /// Refuses what is not among the known keys.
    pub(super) fn only(&self, known: &[&[&str]]) -> Result<(), Error> {
        let known = known.concat();
        let unknown = |key: &&Spanned<_>| !known.contains(&key_name(key));
        match self.table.keys().find(unknown) {
            None => Ok(()),
            Some(key) => Err(self
                .document
                .error(key.span().start, not_known(key_name(key), &known))),
        }
    }

    /// `None`: the key is not there.
    pub(super) fn get<T: FromToml>(&self, key: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.table.get(key) else {
            return Ok(None);
        };
        T::from_toml(value.get_ref()).map(Some).map_err(|what| {
            self.document
                .error(value.span().start, format!("{key}: {what}"))
        })
    }

    pub(super) fn get_or<T: FromToml>(&self, key: &str, default: T) -> Result<T, Error> {
        Ok(self.get(key)?.unwrap_or(default))
    }

    pub(super) fn must<T: FromToml>(&self, key: &str) -> Result<T, Error> {
        self.get(key)?
            .ok_or_else(|| self.error(format!("{key} is missing")))
    }

    /// Reads a value of one of several keys only to see that it is of its kind.
    pub(super) fn check<T: FromToml>(&self, keys: &[&str]) -> Result<(), Error> {
        keys.iter().try_for_each(|key| self.get::<T>(key).map(drop))
    }

    /// `[[key]]`, each.
    pub(super) fn tables(&self, key: &str) -> Result<Vec<Self>, Error> {
        let Some(value) = self.table.get(key) else {
            return Ok(Vec::new());
        };
        let wrong = || {
            let what = format!("{key} begins with [[{key}]], each");
            self.document.error(value.span().start, what)
        };
        let array = value.get_ref().as_array().ok_or_else(wrong)?;
        array
            .iter()
            .map(|one| {
                let table = one.get_ref().as_table().ok_or_else(wrong)?;
                Ok(Self::new(self.document, one.span().start, table))
            })
            .collect()
    }

    /// An error of the section as a whole.
    pub(super) fn error(&self, what: String) -> Error {
        self.document.error(self.offset, what)
    }

    /// An error of one key.
    pub(super) fn error_at(&self, key: &str, what: &str) -> Error {
        let place = self.table.get(key).map_or(self.offset, |v| v.span().start);
        self.document.error(place, format!("{key}: {what}"))
    }
}

fn key_name<T: AsRef<str>>(key: &Spanned<T>) -> &str {
    key.get_ref().as_ref()
}

fn not_known(key: &str, known: &[&str]) -> String {
    let nearest = known.iter().min_by_key(|name| distance(key, name));
    match nearest {
        Some(name) => format!("{key} is no key here; did you mean {name}?"),
        None => format!("{key} is no key here"),
    }
}

/// Levenshtein's: insertions, deletions and replacements from one to the other.
pub(super) fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (n, a) in from.chars().enumerate() {
        row = next_row(&row, n + 1, a, &to);
    }
    row.last().copied().unwrap_or(0)
}

fn next_row(above: &[usize], first: usize, a: char, to: &[char]) -> Vec<usize> {
    let mut row = vec![first];
    let mut left = first;
    for (pair, b) in above.windows(2).zip(to) {
        let &[corner, up] = pair else { continue };
        left = (left + 1).min(up + 1).min(corner + usize::from(a != *b));
        row.push(left);
    }
    row
}

/// A table's entries by name, for values that are tables.
pub(super) fn entries<T: FromToml>(
    value: &DeValue<'_>,
) -> Result<std::collections::BTreeMap<String, T>, String> {
    let table = value
        .as_table()
        .ok_or("a table is wanted: { name = value }")?;
    table
        .iter()
        .map(|(key, value)| {
            let name = key_name(key).to_string();
            let value = T::from_toml(value.get_ref()).map_err(|why| format!("{name}: {why}"))?;
            Ok((name, value))
        })
        .collect()
}
