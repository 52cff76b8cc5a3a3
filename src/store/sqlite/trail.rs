//! The audit trail's rows. A record is appended in the transaction of the change that it tells of.
#![forbid(unsafe_code)]

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Result as Sqlite;
use rusqlite::Row;
use rusqlite::params;

use crate::store::Entry;
use crate::store::audit::Link;
use crate::store::audit::Record;

pub(super) fn append(db: &Connection, entry: &Entry<'_>) -> Sqlite<()> {
    let sql = "INSERT INTO audit (number, unix_ns, tick, phase, r, token, what, detail, hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let Record {
        number,
        unix_ns,
        tick,
        phase,
        r,
        token,
        what,
        detail,
        hash,
    } = head(db)?.record(entry);
    db.prepare_cached(sql)?
        .execute(params![
            number.cast_signed(),
            unix_ns,
            tick,
            phase,
            r,
            token,
            what,
            detail,
            hash
        ])
        .map(drop)
}

fn head(db: &Connection) -> Sqlite<Link> {
    let sql = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1";
    let last = db.prepare_cached(sql)?.query_row([], |row| {
        Ok(Link {
            number: row.get::<_, i64>(0)?.cast_unsigned(),
            hash: row.get(1)?,
        })
    });
    Ok(last.optional()?.unwrap_or_default())
}

pub(super) fn read(db: &Connection, from: u64, most: usize) -> Sqlite<Vec<Record>> {
    let sql = "SELECT number, unix_ns, tick, phase, r, token, what, detail, hash FROM audit
        WHERE number >= ?1 ORDER BY number LIMIT ?2";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let mut statement = db.prepare_cached(sql)?;
    let records = statement.query_map([from, most], row)?;
    records.collect()
}

fn row(row: &Row<'_>) -> Sqlite<Record> {
    Ok(Record {
        number: row.get::<_, i64>("number")?.cast_unsigned(),
        unix_ns: row.get("unix_ns")?,
        tick: row.get("tick")?,
        phase: row.get("phase")?,
        r: row.get("r")?,
        token: row.get("token")?,
        what: row.get("what")?,
        detail: row.get("detail")?,
        hash: row.get("hash")?,
    })
}
