//! Rows by name. Knows nothing of keys: what is secret arrives sealed.
#![forbid(unsafe_code)]

// What the time procedure keeps (formats.md §3) is the clock's own.
pub(crate) use crate::clock::{Base, State as ClockRow};

use std::fmt;

/// A token's id, new at each `C_InitToken` (formats.md §4.1: the instance).
pub(crate) type TokenId = [u8; 16];
/// An object's id, random.
pub(crate) type ObjectId = [u8; 16];

/// Which PIN record of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PinRole {
    So,
    User,
}

/// formats.md §4.2: head, check and box, as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PinRecord {
    pub(crate) head: Vec<u8>,
    pub(crate) check: Vec<u8>,
    pub(crate) sealed_root: Vec<u8>,
}

/// A token that has been initialised.
#[derive(Clone, Debug)]
pub(crate) struct TokenRow {
    pub(crate) id: TokenId,
    pub(crate) label: String,
    pub(crate) so: Option<PinRecord>,
    pub(crate) user: Option<PinRecord>,
    pub(crate) so_tries: u32,
    pub(crate) user_tries: u32,
    /// The token key's generation, from 1.
    pub(crate) generation: u64,
    /// The token key's envelope.
    pub(crate) token_key: Vec<u8>,
}

/// Which token a write means, as its writer last read it. A write finds another id or generation in
/// its transaction: [`Error::Replaced`], and nothing is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard<'a> {
    /// The sibling's or tether's id.
    pub(crate) name: &'a str,
    pub(crate) id: TokenId,
    pub(crate) generation: u64,
}

/// An object at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectRow {
    pub(crate) id: ObjectId,
    /// From 1, one more at each change.
    pub(crate) revision: u64,
    /// Deterministic CBOR of every attribute: what the sealed value is bound to.
    pub(crate) attributes: Vec<u8>,
    /// formats.md §4.7 (salt, then ciphertext), or an unwrapped key's envelope, or nothing.
    pub(crate) sealed: Option<Vec<u8>>,
    /// formats.md §4.8, where `CKA_TRUSTED` is TRUE.
    pub(crate) trusted: Option<Vec<u8>>,
    /// Copies of what is searched.
    pub(crate) columns: Columns,
}

/// Attributes that are searched by an index; the reader checks them against the row's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) class: u64,
    pub(crate) label: Option<Vec<u8>>,
    pub(crate) cka_id: Option<Vec<u8>>,
    pub(crate) subject: Option<Vec<u8>>,
    /// The window's last tick, where there is one: what a sweep looks for.
    pub(crate) closes: Option<u64>,
}

/// What a search names; `None` is not asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query<'a> {
    pub(crate) class: Option<u64>,
    pub(crate) label: Option<&'a [u8]>,
    pub(crate) cka_id: Option<&'a [u8]>,
    pub(crate) subject: Option<&'a [u8]>,
}

/// One record of the audit trail before it is chained. Never a secret.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    /// Unix time in nanoseconds: gives tick, phase and R(t).
    pub(crate) unix_ns: i64,
    /// The sibling's or tether's id.
    pub(crate) token: &'a str,
    /// What was done: `object-create`, `pin-set`, `envelope-open` …
    pub(crate) what: &'a str,
    /// To what, and why: ids, labels, reasons.
    pub(crate) detail: String,
}

/// Why the store did not do it.
#[derive(Debug)]
pub(crate) enum Error {
    /// The token was initialised again, or its key is of another generation.
    Replaced,
    /// What the write was computed from has changed (revision, PIN salt, envelope).
    Changed,
    /// No such row.
    Missing,
    /// The store may be read only, is full, or is locked for too long.
    NotWritable(String),
    /// Others may write it, or it belongs to neither root nor the caller.
    Unsafe(String),
    /// Its schema is newer than this library's.
    Newer { found: u32, known: u32 },
    /// It is no store, or is broken.
    Damaged(String),
    /// It could not be read.
    Unreadable(String),
}

/// Where rows rest. Every write is one transaction, durable when it returns.
pub(crate) trait Store: Send + Sync {
    /// Would a write be tried? False for a store that may only be read; one that is not there yet
    /// may be written if it can be made.
    fn writable(&self) -> bool;
    /// The token's row, if it was initialised.
    fn token(&self, name: &str) -> Result<Option<TokenRow>, Error>;
    /// Replaces everything that the token holds. `found` is the id that was read before, if any:
    /// another one now is [`Error::Changed`].
    fn init_token(
        &self,
        name: &str,
        found: Option<TokenId>,
        row: &TokenRow,
        audit: &Entry<'_>,
    ) -> Result<(), Error>;
    /// Takes the token's turn for a login, across processes, until the guard is dropped (formats.md
    /// §4: an OS advisory lock held over count, Argon2id and reset).
    fn login_turn(&self, name: &str) -> Result<Box<dyn Send>, Error>;
    /// Sets the tries of a role; in a commit of its own, `synchronous=NORMAL`.
    fn set_tries(&self, token: &Guard<'_>, role: PinRole, tries: u32) -> Result<(), Error>;
    /// Replaces a PIN record and clears its tries. `salts` are heads that must still be there.
    fn set_pin(
        &self,
        token: &Guard<'_>,
        role: PinRole,
        record: &PinRecord,
        still: &[(PinRole, &[u8])],
        audit: &Entry<'_>,
    ) -> Result<(), Error>;
    /// Puts a re-sealed token key in the place of `old`, else [`Error::Changed`].
    fn swap_token_key(
        &self,
        token: &Guard<'_>,
        old: &[u8],
        new: &[u8],
        audit: &Entry<'_>,
    ) -> Result<(), Error>;

    /// Inserts objects, all or none.
    fn insert(&self, token: &Guard<'_>, rows: &[ObjectRow], audit: &Entry<'_>)
    -> Result<(), Error>;
    /// Replaces the row of the same id and of `row.revision - 1`, else [`Error::Changed`].
    fn update(&self, token: &Guard<'_>, row: &ObjectRow, audit: &Entry<'_>) -> Result<(), Error>;
    fn delete(&self, token: &Guard<'_>, id: &ObjectId, audit: &Entry<'_>) -> Result<(), Error>;
    fn object(&self, name: &str, id: &ObjectId) -> Result<Option<ObjectRow>, Error>;
    /// Ids and revisions of what matches, in order of creation.
    fn find(&self, name: &str, query: &Query<'_>) -> Result<Vec<(ObjectId, u64)>, Error>;
    /// Changes whenever anybody, also another process, has written: cheap, for caches.
    fn version(&self) -> Result<u64, Error>;
    /// Objects whose `closes` lies before a tick.
    fn closed(&self, name: &str, before: u64) -> Result<Vec<ObjectId>, Error>;

    fn clock(&self, domain: &[u8; 16]) -> Result<ClockRow, Error>;
    /// One statement, no waiting: a busy or read-only store is [`Error::NotWritable`], which the
    /// caller may ignore. The mark is one for all domains.
    fn set_base(&self, domain: &[u8; 16], base: &Base) -> Result<(), Error>;
    /// Raises the mark, never lowers it.
    fn raise_mark(&self, mark: i64) -> Result<(), Error>;
    /// `clock accept`: mark and base as given.
    fn accept_clock(
        &self,
        domain: &[u8; 16],
        base: &Base,
        mark: i64,
        audit: &Entry<'_>,
    ) -> Result<(), Error>;

    /// Appends a record that belongs to no change of the store.
    fn audit(&self, entry: &Entry<'_>) -> Result<(), Error>;
    /// The trail from record `from` on (the first is 1), at most `most`, as stored.
    fn trail(&self, from: u64, most: usize) -> Result<Vec<audit::Record>, Error>;
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replaced => f.write_str("the token was initialised again"),
            Self::Changed => f.write_str("somebody else changed it first"),
            Self::Missing => f.write_str("no such row"),
            Self::NotWritable(why) => write!(f, "store not writable: {why}"),
            Self::Unsafe(why) => write!(f, "store not safe: {why}"),
            Self::Newer { found, known } => write!(
                f,
                "the store has schema {found}, this version knows {known}: use a newer zeq-byok"
            ),
            Self::Damaged(why) => write!(f, "store damaged: {why}"),
            Self::Unreadable(why) => write!(f, "store not readable: {why}"),
        }
    }
}

impl std::error::Error for Error {}

pub(crate) mod audit;
pub(crate) mod sqlite;
