//! One connection that never writes and notices whatever anybody commits.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::Result as Sqlite;

use super::file;
use super::link::Link;
use super::pool::Pool;
use crate::store::Error;

#[derive(Default)]
pub(super) struct Watch {
    link: Option<Link>,
    /// SQLite's number says something on one connection only.
    epoch: u32,
}

impl Watch {
    /// Another number after any commit; 0 before there is a store.
    pub(super) fn version(&mut self, pool: &Pool) -> Result<u64, Error> {
        let found = file::identity(pool.path())?;
        if found.is_none() || self.link.as_ref().map(Link::identity) != found {
            self.renew(pool)?;
        }
        let Some(link) = &self.link else {
            return Ok(0);
        };
        let version = match link.frozen() {
            true => stamp(pool.path()),
            false => commits(&link.db)?,
        };
        Ok(u64::from(self.epoch) << 32 | u64::from(version))
    }

    fn renew(&mut self, pool: &Pool) -> Result<(), Error> {
        if let Some(stale) = self.link.take() {
            stale.leak();
        }
        self.link = pool.reader()?;
        self.epoch = self.epoch.wrapping_add(u32::from(self.link.is_some()));
        Ok(())
    }
}

fn commits(db: &Connection) -> Sqlite<u32> {
    db.prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}

/// A store that is read as if nobody wrote it has only its file's time.
fn stamp(path: &Path) -> u32 {
    let changed = |file: fs::Metadata| (file.mtime() << 30) ^ file.mtime_nsec();
    fs::metadata(path)
        .map(changed)
        .map_or(0, |time| u32::try_from(time & 0xffff_ffff).unwrap_or(0))
}
