//! What the time procedure keeps: a base for each clock domain, one mark for all.
#![forbid(unsafe_code)]

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Result as Sqlite;
use rusqlite::Row;
use rusqlite::params;

use crate::store::Base;
use crate::store::ClockRow;

pub(super) fn read(db: &Connection, domain: &[u8; 16]) -> Sqlite<ClockRow> {
    let base = "SELECT off, floor, since, last, jumped FROM clock WHERE domain = ?1";
    let base = db
        .prepare_cached(base)?
        .query_row([domain], row)
        .optional()?;
    let mark = "SELECT ns FROM mark";
    let mark = db
        .prepare_cached(mark)?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(ClockRow { base, mark })
}

fn row(row: &Row<'_>) -> Sqlite<Base> {
    Ok(Base {
        off: row.get("off")?,
        floor: row.get("floor")?,
        since: row.get("since")?,
        last: row.get("last")?,
        jumped: row.get("jumped")?,
    })
}

pub(super) fn set_base(db: &Connection, domain: &[u8; 16], base: &Base) -> Sqlite<()> {
    let sql = "INSERT OR REPLACE INTO clock (domain, off, floor, since, last, jumped)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let Base {
        off,
        floor,
        since,
        last,
        jumped,
    } = base;
    db.prepare_cached(sql)?
        .execute(params![domain, off, floor, since, last, jumped])
        .map(drop)
}

/// Up, never down.
pub(super) fn raise_mark(db: &Connection, mark: i64) -> Sqlite<()> {
    let sql = "INSERT INTO mark (one, ns) VALUES (1, ?1)
        ON CONFLICT (one) DO UPDATE SET ns = max(ns, excluded.ns)";
    db.prepare_cached(sql)?.execute([mark]).map(drop)
}

/// Down too: for `clock accept` alone.
pub(super) fn set_mark(db: &Connection, mark: i64) -> Sqlite<()> {
    let sql = "INSERT OR REPLACE INTO mark (one, ns) VALUES (1, ?1)";
    db.prepare_cached(sql)?.execute([mark]).map(drop)
}
