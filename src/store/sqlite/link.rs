//! One connection, as this store wants it.
#![forbid(unsafe_code)]

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::MAIN_DB;
use rusqlite::OpenFlags;
use rusqlite::Result as Sqlite;
use rusqlite::backup::Backup;

use super::failure;
use super::file;
use super::file::Identity;
use super::pool::patiently;
use crate::os;
use crate::store::Error;

/// Overwritten secrets are zeroed; no temporary files; a long journal is cut at the next checkpoint.
const SETTINGS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
    PRAGMA journal_size_limit = 4194304;";

/// Pages that a backup copies at a time.
const PAGES: i32 = 4096;

pub(super) struct Link {
    pub(super) db: Connection,
    identity: Identity,
    durable: bool,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Writable,
    ReadOnly,
    /// Neither the journal nor its index may be made beside the file, and there is none: the file
    /// is read as if nobody wrote it, for one call.
    Frozen,
}

impl Link {
    /// Opens a store that exists, to write if that is permitted, else to read.
    ///
    /// # Errors
    /// `Unsafe`, `Damaged`, `Unreadable`.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let identity = file::check(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (db, kind) = match connect(path, flags) {
            Err(why) if failure::wants_to_write(&why) && !file::has_journal(path) => {
                (connect_frozen(path)?, Kind::Frozen)
            }
            Err(why) => return Err(why.into()),
            Ok(db) if db.is_readonly(MAIN_DB)? => (db, Kind::ReadOnly),
            Ok(db) => (db, Kind::Writable),
        };
        Ok(Self {
            db,
            identity,
            durable: true,
            kind,
        })
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    pub(super) fn writable(&self) -> bool {
        self.kind == Kind::Writable
    }

    pub(super) fn frozen(&self) -> bool {
        self.kind == Kind::Frozen
    }

    /// May the next caller have it?
    pub(super) fn reusable(&self) -> bool {
        !self.frozen() && self.db.is_autocommit()
    }

    /// Whether a commit waits for the disk.
    pub(super) fn set_durable(&mut self, durable: bool) -> Sqlite<()> {
        if self.durable != durable {
            let level = if durable { "FULL" } else { "NORMAL" };
            self.db.pragma_update(None, "synchronous", level)?;
            self.durable = durable;
        }
        Ok(())
    }

    /// For a connection to a file that has been removed or replaced: SQLite's close would remove the
    /// journal of the one that took its name.
    pub(super) fn leak(self) {
        Box::leak(Box::new(self));
    }

    /// Copies everything into a new file.
    ///
    /// # Errors
    /// `NotWritable`, also where the file exists.
    pub(super) fn copy_to(&self, to: &Path) -> Result<(), Error> {
        file::make(to)?;
        let mut copy = Connection::open(to)?;
        let backup = Backup::new(&self.db, &mut copy)?;
        Ok(backup.run_to_completion(PAGES, Duration::ZERO, None)?)
    }

    /// A write-ahead log lets readers and a writer work at once. Where the file system has no shared
    /// memory SQLite keeps its older journal, which is as safe.
    pub(super) fn start_journal(&self) -> Sqlite<()> {
        let mode = "PRAGMA journal_mode = WAL";
        self.db.query_row(mode, [], |_| Ok(()))
    }
}

/// Reads once, since SQLite opens the journal no earlier.
fn connect(path: &Path, flags: OpenFlags) -> Sqlite<Connection> {
    // A forked child would otherwise think itself locked, as its parent was.
    os::sqlite_tells_processes_apart();
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(Duration::ZERO)?;
    db.set_prepared_statement_cache_capacity(64);
    patiently(Duration::from_secs(10), || {
        db.execute_batch(SETTINGS)?;
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
    })?;
    Ok(db)
}

fn connect_frozen(path: &Path) -> Sqlite<Connection> {
    let encoded: String = path
        .as_os_str()
        .as_bytes()
        .iter()
        .map(|byte| format!("%{byte:02x}"))
        .collect();
    let uri = format!("file:{encoded}?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    connect(Path::new(&uri), flags)
}
