//! The store from outside: SQLite's own shell, in a process of its own, since two SQLites in one
//! process would break each other's locks.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::process;

/// Runs SQL on the store of a test's folder; what it prints, without the last line feed.
pub(crate) fn sql(home: &Path, text: &str) -> String {
    let mut shell = Command::new("sqlite3");
    shell.args(["-cmd", ".timeout 10000"]);
    shell.arg(home.join("store.db")).arg(text);
    let said = process::run(&mut shell, Duration::from_secs(60));
    assert!(said.status.success(), "{text}: {}", said.err);
    said.out.trim_end_matches('\n').to_owned()
}

/// One column of the row with this label, in hexadecimal.
pub(crate) fn column(home: &Path, label: &str, name: &str) -> String {
    let found = sql(
        home,
        &format!("SELECT hex({name}) FROM object WHERE label = CAST('{label}' AS BLOB)"),
    );
    assert!(!found.is_empty(), "{label} has no {name}");
    found
}

/// Puts bytes (hexadecimal) into a column of the row with this label.
pub(crate) fn put(home: &Path, label: &str, name: &str, hex: &str) {
    sql(
        home,
        &format!("UPDATE object SET {name} = X'{hex}' WHERE label = CAST('{label}' AS BLOB)"),
    );
}

/// A flag as a row's attributes spell it: CBOR of its type, then false or true.
fn flag(kind: u64, value: bool) -> String {
    let head = match kind {
        0..=23 => format!("{kind:02X}"),
        24..=0xff => format!("18{kind:02X}"),
        _ => format!("19{kind:04X}"),
    };
    format!("{head}F{}", if value { 5 } else { 4 })
}

/// Turns a flag of a row over.
pub(crate) fn turn(home: &Path, label: &str, kind: u64, to: bool) {
    let before = column(home, label, "attributes");
    let after = before.replacen(&flag(kind, !to), &flag(kind, to), 1);
    assert_ne!(before, after, "{label} has {kind:#x} so already");
    put(home, label, "attributes", &after);
}

/// The log of a test's folder.
pub(crate) fn log(home: &Path) -> String {
    std::fs::read_to_string(home.join("log")).unwrap_or_default()
}
