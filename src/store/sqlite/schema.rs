//! The tables, and how an older file becomes a newer one. docs/store.md says what each row is.
#![forbid(unsafe_code)]

use rusqlite::Connection;
use rusqlite::Result as Sqlite;

use crate::store::Error;

/// `PRAGMA application_id` of a store: "zeqB".
const APPLICATION: i64 = 0x7a65_7142;

/// Step `n` takes a file of schema `n` to `n + 1`; a new file goes through all of them. A step that
/// has been released is never edited.
const STEPS: &[&str] = &[include_str!("schema-1.sql")];

/// What a file is to this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// As this library writes it.
    Current,
    /// Nothing is in it yet.
    Empty,
    /// This many steps have been taken.
    Older,
}

/// Looks without writing.
///
/// # Errors
/// `Newer`; `Damaged` for another program's database.
pub(super) fn state(db: &Connection) -> Result<State, Error> {
    state_of(db, STEPS)
}

/// Brings the file to this library's schema, in one transaction that the caller has begun.
///
/// # Errors
/// As [`state`], and what the disk says.
pub(super) fn migrate(db: &Connection) -> Result<(), Error> {
    migrate_by(db, STEPS)
}

/// In a write transaction: has a newer library been here since the connection was opened?
///
/// # Errors
/// `Newer`.
pub(super) fn still_current(db: &Connection) -> Result<(), Error> {
    match version(db)? {
        found if found > known(STEPS) => Err(newer(found, STEPS)),
        _ => Ok(()),
    }
}

fn state_of(db: &Connection, steps: &[&str]) -> Result<State, Error> {
    let found = version(db)?;
    let application: i64 = number(db, "PRAGMA application_id")?;
    match found {
        0 if application == 0 && number(db, "SELECT count(*) FROM sqlite_schema")? == 0 => {
            Ok(State::Empty)
        }
        _ if application != APPLICATION => {
            Err(Error::Damaged("the file is another program's".into()))
        }
        _ if found > known(steps) => Err(newer(found, steps)),
        _ if found == known(steps) => Ok(State::Current),
        _ => Ok(State::Older),
    }
}

fn migrate_by(db: &Connection, steps: &[&str]) -> Result<(), Error> {
    state_of(db, steps)?;
    let taken = usize::try_from(version(db)?).unwrap_or(0);
    for step in steps.iter().skip(taken) {
        db.execute_batch(step)?;
    }
    db.pragma_update(None, "application_id", APPLICATION)?;
    Ok(db.pragma_update(None, "user_version", known(steps))?)
}

fn known(steps: &[&str]) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
}

fn newer(found: i64, steps: &[&str]) -> Error {
    let small = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    Error::Newer {
        found: small(found),
        known: small(known(steps)),
    }
}

fn version(db: &Connection) -> Sqlite<i64> {
    number(db, "PRAGMA user_version")
}

fn number(db: &Connection, sql: &str) -> Sqlite<i64> {
    db.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Schema 1 as it was released, with rows: never edited.
    const OLD: &str = include_str!("schema-1-fixture.sql");
    const NEXT: &str = "ALTER TABLE token ADD COLUMN later INTEGER NOT NULL DEFAULT 7;";

    fn old() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(OLD).unwrap();
        db
    }

    #[test]
    fn a_new_file_becomes_a_store_of_the_newest_schema() {
        let db = Connection::open_in_memory().unwrap();
        assert_eq!(state(&db).unwrap(), State::Empty);
        migrate(&db).unwrap();
        assert_eq!(state(&db).unwrap(), State::Current);
    }

    #[test]
    fn the_released_schema_is_what_a_new_file_gets() {
        let new = Connection::open_in_memory().unwrap();
        migrate_by(&new, &STEPS[..1]).unwrap();
        assert_eq!(tables(&new), tables(&old()));
    }

    fn tables(db: &Connection) -> Vec<(String, Option<String>)> {
        let sql = "SELECT name, sql FROM sqlite_schema ORDER BY name";
        let plain =
            |sql: Option<String>| sql.map(|s| s.split_whitespace().collect::<Vec<_>>().join(" "));
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, plain(row.get(1)?))));
        rows.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn an_older_file_is_taken_on_with_its_rows() {
        let db = old();
        let steps = [STEPS, &[NEXT]].concat();
        assert_eq!(state_of(&db, &steps).unwrap(), State::Older);
        migrate_by(&db, &steps).unwrap();
        assert_eq!(state_of(&db, &steps).unwrap(), State::Current);
        let sql = "SELECT count(*) FROM object JOIN token ON token = nr WHERE later = 7";
        assert_eq!(number(&db, sql).unwrap(), 2);
    }

    #[test]
    fn a_newer_file_is_refused_with_both_numbers() {
        let db = old();
        db.pragma_update(None, "user_version", 99).unwrap();
        let known = u32::try_from(STEPS.len()).unwrap();
        for said in [state(&db).map(drop), still_current(&db), migrate(&db)] {
            assert!(matches!(said, Err(Error::Newer { found: 99, known: k }) if k == known));
        }
    }

    #[test]
    fn another_programs_database_is_left_alone() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(state(&db), Err(Error::Damaged(_))));
        assert!(matches!(migrate(&db), Err(Error::Damaged(_))));
    }
}
