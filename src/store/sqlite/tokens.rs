//! Token rows, PINs, and the guard that every write passes.
#![forbid(unsafe_code)]

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Result as Sqlite;
use rusqlite::Row;
use rusqlite::params;

use crate::store::Error;
use crate::store::Guard;
use crate::store::PinRecord;
use crate::store::PinRole;
use crate::store::TokenId;
use crate::store::TokenRow;

pub(super) fn read(db: &Connection, name: &str) -> Sqlite<Option<TokenRow>> {
    let sql = "SELECT id, label, generation, token_key, so_tries, user_tries,
        so_head, so_check, so_box, user_head, user_check, user_box FROM token WHERE name = ?1";
    db.prepare_cached(sql)?.query_row([name], row).optional()
}

fn row(row: &Row<'_>) -> Sqlite<TokenRow> {
    Ok(TokenRow {
        id: row.get("id")?,
        label: row.get("label")?,
        generation: row.get::<_, i64>("generation")?.cast_unsigned(),
        token_key: row.get("token_key")?,
        so_tries: row.get("so_tries")?,
        user_tries: row.get("user_tries")?,
        so: pin(row, ["so_head", "so_check", "so_box"])?,
        user: pin(row, ["user_head", "user_check", "user_box"])?,
    })
}

fn pin(row: &Row<'_>, [head, check, sealed]: [&str; 3]) -> Sqlite<Option<PinRecord>> {
    let Some(head) = row.get(head)? else {
        return Ok(None);
    };
    Ok(Some(PinRecord {
        head,
        check: row.get(check)?,
        sealed_root: row.get(sealed)?,
    }))
}

/// The row's number, if it is still the token that the writer means.
///
/// # Errors
/// `Replaced`.
pub(super) fn guard(db: &Connection, token: &Guard<'_>) -> Result<i64, Error> {
    let sql = "SELECT nr FROM token WHERE name = ?1 AND id = ?2 AND generation = ?3";
    let meant = params![token.name, token.id, token.generation.cast_signed()];
    let found = db.prepare_cached(sql)?.query_row(meant, |row| row.get(0));
    found.optional()?.ok_or(Error::Replaced)
}

/// Puts a new token in the place of whatever the name held.
///
/// # Errors
/// `Changed` when that is no longer `found`.
pub(super) fn replace(
    db: &Connection,
    name: &str,
    found: Option<TokenId>,
    new: &TokenRow,
) -> Result<(), Error> {
    let sql = "SELECT nr, id FROM token WHERE name = ?1";
    let old: Option<(i64, TokenId)> = db
        .prepare_cached(sql)?
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if old.map(|(_, id)| id) != found {
        return Err(Error::Changed);
    }
    if let Some((nr, _)) = old {
        clear(db, nr)?;
    }
    Ok(insert(db, name, new)?)
}

fn clear(db: &Connection, nr: i64) -> Sqlite<()> {
    for sql in [
        "DELETE FROM object WHERE token = ?1",
        "DELETE FROM state WHERE token = ?1",
        "DELETE FROM token WHERE nr = ?1",
    ] {
        db.prepare_cached(sql)?.execute([nr])?;
    }
    Ok(())
}

fn insert(db: &Connection, name: &str, token: &TokenRow) -> Sqlite<()> {
    let sql = "INSERT INTO token (name, id, label, generation, token_key, so_tries, user_tries,
        so_head, so_check, so_box, user_head, user_check, user_box)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let TokenRow {
        id,
        label,
        so,
        user,
        so_tries,
        user_tries,
        generation,
        token_key,
    } = token;
    let [so, user] = [so, user].map(Option::as_ref);
    db.prepare_cached(sql)?
        .execute(params![
            name,
            id,
            label,
            generation.cast_signed(),
            token_key,
            so_tries,
            user_tries,
            so.map(|pin| &pin.head),
            so.map(|pin| &pin.check),
            so.map(|pin| &pin.sealed_root),
            user.map(|pin| &pin.head),
            user.map(|pin| &pin.check),
            user.map(|pin| &pin.sealed_root),
        ])
        .map(drop)
}

pub(super) fn set_tries(db: &Connection, nr: i64, role: PinRole, tries: u32) -> Sqlite<()> {
    let sql = match role {
        PinRole::So => "UPDATE token SET so_tries = ?2 WHERE nr = ?1",
        PinRole::User => "UPDATE token SET user_tries = ?2 WHERE nr = ?1",
    };
    db.prepare_cached(sql)?
        .execute(params![nr, tries])
        .map(drop)
}

/// Replaces a PIN record and clears its tries.
pub(super) fn set_pin(db: &Connection, nr: i64, role: PinRole, pin: &PinRecord) -> Sqlite<()> {
    let sql = match role {
        PinRole::So => {
            "UPDATE token SET so_head = ?2, so_check = ?3, so_box = ?4, so_tries = 0 WHERE nr = ?1"
        }
        PinRole::User => {
            "UPDATE token SET user_head = ?2, user_check = ?3, user_box = ?4, user_tries = 0
                WHERE nr = ?1"
        }
    };
    db.prepare_cached(sql)?
        .execute(params![nr, pin.head, pin.check, pin.sealed_root])
        .map(drop)
}

/// Are these heads still there?
///
/// # Errors
/// `Changed`.
pub(super) fn still(db: &Connection, nr: i64, heads: &[(PinRole, &[u8])]) -> Result<(), Error> {
    for (role, head) in heads {
        let sql = match role {
            PinRole::So => "SELECT so_head FROM token WHERE nr = ?1",
            PinRole::User => "SELECT user_head FROM token WHERE nr = ?1",
        };
        let found: Option<Vec<u8>> = db.prepare_cached(sql)?.query_row([nr], |row| row.get(0))?;
        if found.as_deref() != Some(*head) {
            return Err(Error::Changed);
        }
    }
    Ok(())
}

/// # Errors
/// `Changed` when the token key's envelope is not `old`.
pub(super) fn swap_key(db: &Connection, nr: i64, old: &[u8], new: &[u8]) -> Result<(), Error> {
    let sql = "UPDATE token SET token_key = ?3 WHERE nr = ?1 AND token_key = ?2";
    match db.prepare_cached(sql)?.execute(params![nr, old, new])? {
        0 => Err(Error::Changed),
        _ => Ok(()),
    }
}
