//! Where the configuration and, without one, the store lie. A process with more rights than who
//! started it reads no environment: its home is the one that the system knows.
#![forbid(unsafe_code)]

use std::env;
use std::path::Path;
use std::path::PathBuf;

use crate::os;

const OF_THE_MACHINE: &str = "/etc/zeq-byok/config.toml";

/// The file to read, if there is one. One that was named is read even if it is not there.
pub(super) fn find(named: Option<&Path>) -> Option<PathBuf> {
    if let Some(named) = chosen(named) {
        return Some(named);
    }
    let files = [of_the_user(), Some(PathBuf::from(OF_THE_MACHINE))];
    // What cannot be looked at is read, so that its error is told.
    let there = |file: &PathBuf| file.try_exists().unwrap_or(true);
    files.into_iter().flatten().find(there)
}

/// The file to make: the one that is named, else the user's.
pub(super) fn to_make(named: Option<&Path>) -> PathBuf {
    chosen(named).unwrap_or_else(unnamed)
}

/// The file to make where nobody names one.
pub(super) fn unnamed() -> PathBuf {
    of_the_user().unwrap_or_else(|| PathBuf::from(OF_THE_MACHINE))
}

fn chosen(named: Option<&Path>) -> Option<PathBuf> {
    named
        .map(Path::to_path_buf)
        .or_else(|| variable("ZEQ_BYOK_CONF").map(PathBuf::from))
}

fn of_the_user() -> Option<PathBuf> {
    folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("zeq-byok/config.toml"))
}

/// In the user's data folder; the machine's for a user without a home.
pub(super) fn default_store() -> PathBuf {
    folder("XDG_DATA_HOME", ".local/share")
        .unwrap_or_else(|| PathBuf::from("/var/lib"))
        .join("zeq-byok/store.db")
}

fn folder(name: &str, below_home: &str) -> Option<PathBuf> {
    let named = variable(name).map(PathBuf::from);
    named
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(home()?.join(below_home)))
}

fn home() -> Option<PathBuf> {
    variable("HOME")
        .map(PathBuf::from)
        .filter(|home| home.is_absolute())
        .or_else(os::home)
}

fn variable(name: &str) -> Option<std::ffi::OsString> {
    match os::secure() {
        true => None,
        false => env::var_os(name).filter(|value| !value.is_empty()),
    }
}
