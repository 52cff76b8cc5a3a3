//! SQLite's reasons, in the store's words.
#![forbid(unsafe_code)]

use rusqlite::Error as Sqlite;
use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::paths::Refused;
use crate::store::Error;

impl From<Sqlite> for Error {
    fn from(error: Sqlite) -> Self {
        let why = error.to_string();
        match error.sqlite_error() {
            Some(code) if writes(code.extended_code) => Self::NotWritable(why),
            Some(code) => kind(code.code, why),
            None => Self::Damaged(why),
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "SQLite has codes that this build never gives"
)]
fn kind(code: ErrorCode, why: String) -> Error {
    use ErrorCode::*;
    match code {
        DatabaseBusy | DatabaseLocked => Error::NotWritable(format!("locked for too long: {why}")),
        ReadOnly | DiskFull | PermissionDenied => Error::NotWritable(why),
        NotADatabase | DatabaseCorrupt | TypeMismatch => Error::Damaged(why),
        // A table or a column that should be there is not.
        Unknown => Error::Damaged(why),
        ConstraintViolation => Error::Changed,
        _ => Error::Unreadable(why),
    }
}

/// Input and output errors of the writing kind: a full or failing disk.
fn writes(extended: i32) -> bool {
    [
        ffi::SQLITE_IOERR_WRITE,
        ffi::SQLITE_IOERR_FSYNC,
        ffi::SQLITE_IOERR_DIR_FSYNC,
        ffi::SQLITE_IOERR_TRUNCATE,
        ffi::SQLITE_IOERR_SHMSIZE,
        ffi::SQLITE_IOERR_SHMOPEN,
    ]
    .contains(&extended)
}

/// Somebody else is at it; again in a moment.
pub(super) fn busy(error: &Sqlite) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Reading failed for want of something beside the file that may not be made: its journal or the
/// journal's index.
pub(super) fn wants_to_write(error: &Sqlite) -> bool {
    let readonly = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::DiskFull)
    );
    readonly
        || error
            .sqlite_error()
            .is_some_and(|e| writes(e.extended_code))
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Open(..) | Refused::Foreign(..) => Self::Unsafe(refused.to_string()),
            Refused::Io(..) => Self::Unreadable(refused.to_string()),
        }
    }
}
