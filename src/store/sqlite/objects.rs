//! Object rows, and the searches among them. Each search names its index: the planner, which knows
//! no counts, could choose a scan.
#![forbid(unsafe_code)]

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Result as Sqlite;
use rusqlite::Row;
use rusqlite::ToSql;
use rusqlite::params;

use crate::store::Columns;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::ObjectRow;
use crate::store::Query;

pub(super) fn insert(db: &Connection, token: i64, object: &ObjectRow) -> Sqlite<()> {
    let sql = "INSERT INTO object
        (token, id, revision, class, label, cka_id, subject, closes, attributes, sealed, trusted)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    write(db, sql, token, object).map(drop)
}

/// # Errors
/// `Changed` when the stored revision is not the one before; `Missing`.
pub(super) fn update(db: &Connection, token: i64, object: &ObjectRow) -> Result<(), Error> {
    let sql = "UPDATE object SET revision = ?3, class = ?4, label = ?5, cka_id = ?6, subject = ?7,
        closes = ?8, attributes = ?9, sealed = ?10, trusted = ?11
        WHERE token = ?1 AND id = ?2 AND revision = ?3 - 1";
    if write(db, sql, token, object)? == 1 {
        return Ok(());
    }
    let sql = "SELECT 1 FROM object WHERE token = ?1 AND id = ?2";
    match db.prepare_cached(sql)?.exists(params![token, object.id])? {
        true => Err(Error::Changed),
        false => Err(Error::Missing),
    }
}

fn write(db: &Connection, sql: &str, token: i64, object: &ObjectRow) -> Sqlite<usize> {
    let ObjectRow {
        id,
        revision,
        attributes,
        sealed,
        trusted,
        columns,
    } = object;
    let Columns {
        class,
        label,
        cka_id,
        subject,
        closes,
    } = columns;
    db.prepare_cached(sql)?.execute(params![
        token,
        id,
        revision.cast_signed(),
        class.cast_signed(),
        label,
        cka_id,
        subject,
        closes.map(ordered),
        attributes,
        sealed,
        trusted,
    ])
}

/// # Errors
/// `Missing`.
pub(super) fn delete(db: &Connection, token: i64, id: &ObjectId) -> Result<(), Error> {
    let sql = "DELETE FROM object WHERE token = ?1 AND id = ?2";
    match db.prepare_cached(sql)?.execute(params![token, id])? {
        0 => Err(Error::Missing),
        _ => Ok(()),
    }
}

pub(super) fn read(db: &Connection, name: &str, id: &ObjectId) -> Sqlite<Option<ObjectRow>> {
    let sql = "SELECT id, revision, class, label, cka_id, subject, closes, attributes, sealed,
        trusted FROM object WHERE token = (SELECT nr FROM token WHERE name = ?1) AND id = ?2";
    db.prepare_cached(sql)?
        .query_row(params![name, id], row)
        .optional()
}

fn row(row: &Row<'_>) -> Sqlite<ObjectRow> {
    Ok(ObjectRow {
        id: row.get("id")?,
        revision: row.get::<_, i64>("revision")?.cast_unsigned(),
        attributes: row.get("attributes")?,
        sealed: row.get("sealed")?,
        trusted: row.get("trusted")?,
        columns: Columns {
            class: row.get::<_, i64>("class")?.cast_unsigned(),
            label: row.get("label")?,
            cka_id: row.get("cka_id")?,
            subject: row.get("subject")?,
            closes: row.get::<_, Option<i64>>("closes")?.map(i64::cast_unsigned),
        },
    })
}

/// Ids and revisions of what matches, in order of creation.
pub(super) fn find(db: &Connection, name: &str, query: &Query<'_>) -> Sqlite<Vec<(ObjectId, u64)>> {
    let class = query.class.map(u64::cast_signed);
    let asked = asked(query, class.as_ref());
    let mut values: Vec<&dyn ToSql> = vec![&name];
    values.extend(asked.iter().map(|condition| condition.value));
    let mut statement = db.prepare_cached(&search(&asked))?;
    let found = statement.query_map(values.as_slice(), |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
    })?;
    found.collect()
}

struct Condition<'a> {
    column: &'static str,
    value: &'a dyn ToSql,
    /// An empty value is what many objects share: any other narrows more.
    narrow: bool,
}

/// In the order in which their indexes are worth using.
fn asked<'a>(query: &'a Query<'_>, class: Option<&'a i64>) -> Vec<Condition<'a>> {
    let bytes = |column, value: &'a Option<&[u8]>| {
        value.as_ref().map(|bytes| Condition {
            column,
            value: bytes,
            narrow: !bytes.is_empty(),
        })
    };
    let class = class.map(|class| Condition {
        column: "class",
        value: class,
        narrow: false,
    });
    [
        bytes("cka_id", &query.cka_id),
        bytes("label", &query.label),
        bytes("subject", &query.subject),
        class,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn search(asked: &[Condition<'_>]) -> String {
    let best = asked.iter().find(|c| c.narrow).or_else(|| asked.first());
    let index = best.map_or("class", |condition| condition.column);
    let conditions: String = asked
        .iter()
        .map(|condition| format!(" AND {} = ?", condition.column))
        .collect();
    format!(
        "SELECT id, revision FROM object INDEXED BY object_by_{index}
        WHERE token = (SELECT nr FROM token WHERE name = ?){conditions} ORDER BY seq"
    )
}

/// What had closed before a tick.
pub(super) fn closed(db: &Connection, name: &str, before: u64) -> Sqlite<Vec<ObjectId>> {
    let sql = "SELECT id FROM object INDEXED BY object_by_close
        WHERE token = (SELECT nr FROM token WHERE name = ?1) AND closes < ?2 ORDER BY closes";
    let mut statement = db.prepare_cached(sql)?;
    let found = statement.query_map(params![name, ordered(before)], |row| row.get(0))?;
    found.collect()
}

/// Columns that are compared keep their order; ticks past the year 200 billion are one.
fn ordered(tick: u64) -> i64 {
    i64::try_from(tick).unwrap_or(i64::MAX)
}
