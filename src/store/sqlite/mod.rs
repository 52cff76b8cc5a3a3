//! The store in an SQLite file beside the programs that use it: many processes of one machine share
//! it. docs/store.md says what each table holds and what survives what.
#![forbid(unsafe_code)]

mod clocks;
mod failure;
mod file;
mod link;
mod objects;
mod pool;
mod schema;
mod tokens;
mod trail;
mod turn;
mod watch;

use std::path::Path;

use parking_lot::Mutex;
use rusqlite::Connection;

use self::pool::How;
use self::pool::Pool;
use self::watch::Watch;
use super::Base;
use super::ClockRow;
use super::Entry;
use super::Error;
use super::Guard;
use super::ObjectId;
use super::ObjectRow;
use super::PinRecord;
use super::PinRole;
use super::Query;
use super::Store;
use super::TokenId;
use super::TokenRow;
use super::audit;

pub(crate) struct SqliteStore {
    pool: Pool,
    watch: Mutex<Watch>,
}

impl SqliteStore {
    /// Looks at the file if there is one; it is made at the first write, its folder too.
    ///
    /// # Errors
    /// `Unsafe`, `Newer`, `Damaged`, `Unreadable`.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let path = std::path::absolute(path).map_err(|why| Error::Unreadable(why.to_string()))?;
        let store = Self {
            pool: Pool::new(path),
            watch: Mutex::new(Watch::default()),
        };
        store.pool.read(|_| Ok(()))?;
        Ok(store)
    }

    /// Copies the store as it is now into a new file, by SQLite's own backup.
    ///
    /// # Errors
    /// `Missing` where there is no store; `NotWritable`, also where the file exists.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "`zeq-byok backup`, which comes with the databases"
        )
    )]
    pub(crate) fn backup(&self, to: &Path) -> Result<(), Error> {
        let link = self.pool.reader()?.ok_or(Error::Missing)?;
        link.copy_to(to)
    }

    /// A durable write of somebody who holds the token as it is now, and its audit record.
    fn change(
        &self,
        token: &Guard<'_>,
        audit: &Entry<'_>,
        work: impl FnOnce(&Connection, i64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.pool.write(How::Durable, |db| {
            let nr = tokens::guard(db, token)?;
            work(db, nr)?;
            Ok(trail::append(db, audit)?)
        })
    }
}

impl Store for SqliteStore {
    fn writable(&self) -> bool {
        self.pool.writable()
    }

    fn token(&self, name: &str) -> Result<Option<TokenRow>, Error> {
        Ok(self.pool.read(|db| tokens::read(db, name))?.flatten())
    }

    fn init_token(
        &self,
        name: &str,
        found: Option<TokenId>,
        row: &TokenRow,
        audit: &Entry<'_>,
    ) -> Result<(), Error> {
        self.pool.write(How::Durable, |db| {
            tokens::replace(db, name, found, row)?;
            Ok(trail::append(db, audit)?)
        })?;
        pool::empty_journal(&self.pool);
        Ok(())
    }

    fn login_turn(&self, name: &str) -> Result<Box<dyn Send>, Error> {
        Ok(Box::new(turn::take(self.pool.path(), name)?))
    }

    fn set_tries(&self, token: &Guard<'_>, role: PinRole, tries: u32) -> Result<(), Error> {
        self.pool.write(How::Soon, |db| {
            let nr = tokens::guard(db, token)?;
            Ok(tokens::set_tries(db, nr, role, tries)?)
        })
    }

    fn set_pin(
        &self,
        token: &Guard<'_>,
        role: PinRole,
        record: &PinRecord,
        still: &[(PinRole, &[u8])],
        audit: &Entry<'_>,
    ) -> Result<(), Error> {
        self.change(token, audit, |db, nr| {
            tokens::still(db, nr, still)?;
            Ok(tokens::set_pin(db, nr, role, record)?)
        })?;
        pool::empty_journal(&self.pool);
        Ok(())
    }

    fn swap_token_key(
        &self,
        token: &Guard<'_>,
        old: &[u8],
        new: &[u8],
        audit: &Entry<'_>,
    ) -> Result<(), Error> {
        self.change(token, audit, |db, nr| tokens::swap_key(db, nr, old, new))
    }

    fn insert(
        &self,
        token: &Guard<'_>,
        rows: &[ObjectRow],
        audit: &Entry<'_>,
    ) -> Result<(), Error> {
        self.change(token, audit, |db, nr| {
            let mut rows = rows.iter();
            Ok(rows.try_for_each(|row| objects::insert(db, nr, row))?)
        })
    }

    fn update(&self, token: &Guard<'_>, row: &ObjectRow, audit: &Entry<'_>) -> Result<(), Error> {
        self.change(token, audit, |db, nr| objects::update(db, nr, row))
    }

    fn delete(&self, token: &Guard<'_>, id: &ObjectId, audit: &Entry<'_>) -> Result<(), Error> {
        self.change(token, audit, |db, nr| objects::delete(db, nr, id))
    }

    fn object(&self, name: &str, id: &ObjectId) -> Result<Option<ObjectRow>, Error> {
        Ok(self.pool.read(|db| objects::read(db, name, id))?.flatten())
    }

    fn find(&self, name: &str, query: &Query<'_>) -> Result<Vec<(ObjectId, u64)>, Error> {
        let found = self.pool.read(|db| objects::find(db, name, query))?;
        Ok(found.unwrap_or_default())
    }

    fn version(&self) -> Result<u64, Error> {
        self.watch.lock().version(&self.pool)
    }

    fn closed(&self, name: &str, before: u64) -> Result<Vec<ObjectId>, Error> {
        let found = self.pool.read(|db| objects::closed(db, name, before))?;
        Ok(found.unwrap_or_default())
    }

    fn clock(&self, domain: &[u8; 16]) -> Result<ClockRow, Error> {
        let found = self.pool.read(|db| clocks::read(db, domain))?;
        Ok(found.unwrap_or_default())
    }

    fn set_base(&self, domain: &[u8; 16], base: &Base) -> Result<(), Error> {
        self.pool
            .write(How::Now, |db| Ok(clocks::set_base(db, domain, base)?))
    }

    fn raise_mark(&self, mark: i64) -> Result<(), Error> {
        self.pool
            .write(How::Now, |db| Ok(clocks::raise_mark(db, mark)?))
    }

    fn accept_clock(
        &self,
        domain: &[u8; 16],
        base: &Base,
        mark: i64,
        audit: &Entry<'_>,
    ) -> Result<(), Error> {
        self.pool.write(How::Durable, |db| {
            clocks::set_base(db, domain, base)?;
            clocks::set_mark(db, mark)?;
            Ok(trail::append(db, audit)?)
        })
    }

    fn audit(&self, entry: &Entry<'_>) -> Result<(), Error> {
        self.pool
            .write(How::Durable, |db| Ok(trail::append(db, entry)?))
    }

    fn trail(&self, from: u64, most: usize) -> Result<Vec<audit::Record>, Error> {
        let found = self.pool.read(|db| trail::read(db, from, most))?;
        Ok(found.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
