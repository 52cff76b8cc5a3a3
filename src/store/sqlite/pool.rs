//! Connections to one store file: each lent to one caller at a time and made when none is idle.
//!
//! Nothing is made before the first write: a store that does not exist reads as an empty one. What
//! may not be written is still read. No lock is held while SQLite works, and nothing here needs
//! `Drop`: a forked child leaks what it inherited, since it may neither use nor close it.
#![forbid(unsafe_code)]

use std::path::Path;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

use parking_lot::Mutex;
use rusqlite::Connection;
use rusqlite::Result as Sqlite;

use super::failure;
use super::file;
use super::file::Identity;
use super::link::Link;
use super::schema;
use super::schema::State;
use crate::log;
use crate::store::Error;

/// How long a write waits for other writers.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections kept for the next caller.
const IDLE: usize = 8;

/// What a write promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// On the disk when it returns.
    Durable,
    /// Seen by everybody when it returns; a power cut may take it back.
    Soon,
    /// The same, and it does not wait for other writers.
    Now,
}

pub(super) struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Link>>,
}

impl Pool {
    pub(super) fn new(path: PathBuf) -> Self {
        let idle = Mutex::new(Vec::new());
        Self { path, idle }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads, in a transaction for each statement; `None` where there is no store yet.
    pub(super) fn read<T>(
        &self,
        work: impl Fn(&Connection) -> Sqlite<T>,
    ) -> Result<Option<T>, Error> {
        let Some(link) = self.reader()? else {
            return Ok(None);
        };
        let read = patiently(PATIENCE, || work(&link.db))?;
        self.give_back(link);
        Ok(Some(read))
    }

    /// Writes in one transaction, all of it or nothing.
    pub(super) fn write<T>(
        &self,
        how: How,
        work: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut link = self.writer()?;
        link.set_durable(how == How::Durable)?;
        let patience = match how {
            How::Durable | How::Soon => PATIENCE,
            How::Now => Duration::ZERO,
        };
        let done = transaction(&link.db, patience, work);
        self.give_back(link);
        done
    }

    /// A connection that sees what everybody has written; `None` where there is no store yet.
    pub(super) fn reader(&self) -> Result<Option<Link>, Error> {
        let Some(identity) = file::identity(&self.path)? else {
            return Ok(None);
        };
        if let Some(link) = self.idle_of(identity) {
            return Ok(Some(link));
        }
        let link = Link::open(&self.path)?;
        match schema::state(&link.db)? {
            State::Current => Ok(Some(link)),
            State::Empty => Ok(None),
            State::Older => {
                prepare(&link)?;
                Ok(Some(link))
            }
        }
    }

    fn writer(&self) -> Result<Link, Error> {
        let identity = match file::identity(&self.path)? {
            Some(identity) => identity,
            None => file::create(&self.path)?,
        };
        let link = match self.idle_of(identity) {
            Some(link) => link,
            None => Link::open(&self.path)?,
        };
        if !link.writable() {
            let path = self.path.display();
            return Err(Error::NotWritable(format!("{path} may only be read")));
        }
        if schema::state(&link.db)? != State::Current {
            prepare(&link)?;
        }
        Ok(link)
    }

    /// Would a write be tried?
    pub(super) fn writable(&self) -> bool {
        match self.reader() {
            Ok(Some(link)) => {
                let writable = link.writable();
                self.give_back(link);
                writable
            }
            Ok(None) => file::can_be_made(&self.path),
            Err(_) => false,
        }
    }

    fn idle_of(&self, identity: Identity) -> Option<Link> {
        let mut idle = self.idle.lock();
        while let Some(link) = idle.pop() {
            if link.identity() == identity {
                return Some(link);
            }
            link.leak();
        }
        None
    }

    fn give_back(&self, link: Link) {
        let mut idle = self.idle.lock();
        if link.reusable() && idle.len() < IDLE {
            idle.push(link);
        }
    }
}

/// Makes the tables, or brings them up to date. Several processes may be about it at once.
fn prepare(link: &Link) -> Result<(), Error> {
    if !link.writable() {
        let why = "its tables are of an older version, and it may only be read";
        return Err(Error::NotWritable(why.into()));
    }
    patiently(PATIENCE, || link.start_journal())?;
    transaction(&link.db, PATIENCE, schema::migrate)
}

fn transaction<T>(
    db: &Connection,
    patience: Duration,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    patiently(patience, || run(db, "BEGIN IMMEDIATE"))?;
    let done = schema::still_current(db)
        .and_then(|()| work(db))
        .and_then(|done| commit(db).map(|()| done));
    if done.is_err() && !db.is_autocommit() {
        run(db, "ROLLBACK")?;
    }
    done
}

fn commit(db: &Connection) -> Result<(), Error> {
    Ok(patiently(PATIENCE, || run(db, "COMMIT"))?)
}

pub(super) fn run(db: &Connection, sql: &str) -> Sqlite<()> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}

/// Again and again while somebody else is at it. SQLite's own waiting is off: it would hold the
/// connection's locks while it sleeps.
pub(super) fn patiently<T>(
    patience: Duration,
    mut attempt: impl FnMut() -> Sqlite<T>,
) -> Sqlite<T> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(100);
    loop {
        match attempt() {
            Err(error) if failure::busy(&error) && start.elapsed() < patience => sleep(pause),
            done => return done,
        }
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// Moves what the journal holds into the file and empties it, so that what was overwritten is gone
/// from both. Readers in the way, and a full disk, leave it to the next time: the change itself is
/// done, and an error would say that it is not.
pub(super) fn empty_journal(pool: &Pool) {
    if let Err(why) = try_to_empty_journal(pool) {
        log::debug(format_args!("the journal was not emptied: {why}"));
    }
}

fn try_to_empty_journal(pool: &Pool) -> Result<(), Error> {
    let checkpoint = |db: &Connection| {
        let mut statement = db.prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")?;
        statement.query_row([], |row| row.get::<_, i64>(0))
    };
    for _ in 0..20 {
        if pool.read(checkpoint)? != Some(1) {
            break;
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}
