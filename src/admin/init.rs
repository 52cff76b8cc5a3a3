//! A first configuration, commented, and its store.
#![forbid(unsafe_code)]

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::{Error, Failure, Result};
use crate::config::Config;
use crate::os;
use crate::paths;
use crate::store::sqlite::SqliteStore;
use crate::store::{Entry, Store};

/// What was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The configuration.
    pub configuration: PathBuf,
    /// The store.
    pub store: PathBuf,
    /// Whether programs find it only by `ZEQ_BYOK_CONF`.
    pub must_be_named: bool,
}

/// Writes a configuration with one Soft sibling and makes its store. In a folder, both lie there;
/// else where `conf` or `ZEQ_BYOK_CONF` says, else where the module looks for the user's.
///
/// # Errors
/// [`Failure::Setup`]: there is one already, or it cannot be written.
pub fn init(folder: Option<&Path>, conf: Option<&Path>) -> Result<Made> {
    let in_folder = folder.map(|folder| folder.join("config.toml"));
    let (file, store) = Config::places(in_folder.as_deref().or(conf));
    let file = std::path::absolute(&file).map_err(|why| failed(&file, &why))?;
    let store = std::path::absolute(&store).map_err(|why| failed(&store, &why))?;
    write(&file, &text(&store)?).map_err(|why| failed(&file, &why))?;
    let config = Config::load(Some(&file))?;
    make_store(&config)?;
    let (unnamed, _) = Config::places(None);
    Ok(Made {
        must_be_named: unnamed != file,
        configuration: file,
        store,
    })
}

/// Makes the folders too, for their owner alone.
fn write(file: &Path, text: &str) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(paths::folder_of(file))?;
    let mut options = OpenOptions::new();
    let mut open = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()
}

/// A store is made at its first write: here the record that it was made.
fn make_store(config: &Config) -> Result<()> {
    let entry = Entry {
        unix_ns: os::realtime_ns(),
        token: "",
        what: "store-init",
        detail: String::new(),
    };
    Ok(SqliteStore::open(&config.store)?.audit(&entry)?)
}

fn failed(file: &Path, why: &io::Error) -> Error {
    let error = Error::new(Failure::Setup, format!("{}: {why}", file.display()));
    match why.kind() == io::ErrorKind::AlreadyExists {
        true => error.hint("it is left as it is; another place: --dir FOLDER"),
        false => error,
    }
}

fn text(store: &Path) -> Result<String> {
    let store = store.to_str().ok_or_else(|| {
        let what = format!("{} is not UTF-8", store.display());
        Error::new(Failure::Setup, what).hint("another place: --dir FOLDER")
    })?;
    Ok(CONFIGURATION.replace("@STORE@", &toml_text(store)))
}

/// Between quotes.
fn toml_text(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
            c => c.to_string(),
        })
        .collect()
}

const CONFIGURATION: &str = include_str!("config.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_written_is_read_back_and_never_written_over() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a \"quoted\\ folder");
        let made = init(Some(&folder), None).unwrap();
        let config = Config::load(Some(&made.configuration)).unwrap();
        assert_eq!(config.store, made.store);
        assert_eq!(config.siblings.len(), 1);
        assert!(made.store.exists() && made.must_be_named);
        let before = fs::read(&made.configuration).unwrap();
        let again = init(Some(&folder), None).unwrap_err();
        assert_eq!(again.failure, Failure::Setup);
        assert_eq!(fs::read(&made.configuration).unwrap(), before);
    }
}
