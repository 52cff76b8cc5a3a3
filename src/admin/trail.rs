//! The audit trail from outside: its records, whether the chain holds, what failed last.
#![forbid(unsafe_code)]

use std::fmt;
use std::fs;
use std::str::FromStr;

use super::Moment;
use super::error::{Error, Failure, Result};
use super::inspect::hex;
use super::setup::Setup;
use crate::log::Sink;
use crate::store::Store;
use crate::store::audit::Link;
use crate::store::audit::Record;

/// Records that are read at a time.
const PAGE: usize = 1000;

/// A record of the trail.
#[derive(Clone, Debug)]
pub struct Event {
    /// From 1, without gaps.
    pub number: u64,
    /// When.
    pub at: Moment,
    /// The Zeqond.
    pub tick: i64,
    /// In 1/10000 of it, truncated.
    pub phase: u16,
    /// R(t) in millionths.
    pub r: u32,
    /// The sibling or tether; empty: the store as a whole.
    pub token: String,
    /// What was done.
    pub what: String,
    /// To what, and why.
    pub detail: String,
    /// Hexadecimal, over this record and the hash before it.
    pub hash: String,
}

/// The end of a chain, `NUMBER:HASH`. Kept elsewhere, it shows whether a trail was written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    number: u64,
    hash: String,
}

/// What failed last.
#[derive(Clone, Debug)]
pub struct LastError {
    /// The last refusal in the audit trail.
    pub refusal: Option<Event>,
    /// The last warning or error in the log, where that is a file.
    pub log: Option<String>,
}

/// Gives every record to `each`, in order, and then the head. Verifies nothing.
///
/// # Errors
/// [`Failure::Setup`], and what `each` says.
pub fn export(setup: &Setup, mut each: impl FnMut(Event) -> Result<()>) -> Result<Head> {
    let mut head = Link::default();
    pages(setup, |page| {
        if let Some(last) = page.last() {
            head = Link {
                number: last.number,
                hash: last.hash,
            };
        }
        page.iter().map(Event::of).try_for_each(&mut each)
    })?;
    Ok(Head::of(head))
}

/// Follows the chain from its first record to its head. A head that was kept must lie on it.
///
/// # Errors
/// [`Failure::Damaged`], with the number of the first record that does not fit.
pub fn verify(setup: &Setup, kept: Option<&Head>) -> Result<Head> {
    let (mut link, mut met) = (Link::default(), kept.is_none());
    let mut check = |page: &[Record]| {
        for record in page {
            link = link.follow(std::slice::from_ref(record)).map_err(broken)?;
            met |= kept.is_some_and(|kept| *kept == Head::of(link));
        }
        Ok(())
    };
    pages(setup, &mut check)?;
    match met || kept == Some(&Head::of(Link::default())) {
        true => Ok(Head::of(link)),
        false => Err(Error::new(
            Failure::Damaged,
            "the audit trail does not lead through that head",
        )
        .hint("it was cut, written anew, or is another store's")),
    }
}

/// The last refusal in the trail, and the last complaint in the log.
///
/// # Errors
/// [`Failure::Setup`].
pub fn last_error(setup: &Setup) -> Result<LastError> {
    let mut refusal = None;
    let mut note = |record: &Record| {
        if record.what.ends_with("-refuse") {
            refusal = Some(Event::of(record));
        }
    };
    pages(setup, |page| {
        page.iter().for_each(&mut note);
        Ok(())
    })?;
    Ok(LastError {
        refusal,
        log: last_complaint(&setup.config.log),
    })
}

fn pages(setup: &Setup, mut each: impl FnMut(&[Record]) -> Result<()>) -> Result<()> {
    let store = setup.store()?;
    let mut from = 1;
    loop {
        let page = store.trail(from, PAGE)?;
        each(&page)?;
        match page.last() {
            Some(last) if page.len() == PAGE => from = last.number.saturating_add(1),
            _ => return Ok(()),
        }
    }
}

fn broken(number: u64) -> Error {
    let what = format!("the audit trail breaks at record {number}");
    Error::new(Failure::Damaged, what).hint("it, or the one before it, was changed or is missing")
}

fn last_complaint(sink: &Sink) -> Option<String> {
    let Sink::File(path) = sink else { return None };
    let bytes = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let complains = |line: &&str| line.contains("] warning: ") || line.contains("] error: ");
    text.lines().rev().find(complains).map(str::to_string)
}

impl Event {
    fn of(record: &Record) -> Self {
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
        } = record;
        Self {
            number: *number,
            at: Moment(*unix_ns),
            tick: *tick,
            phase: *phase,
            r: *r,
            token: token.clone(),
            what: what.clone(),
            detail: detail.clone(),
            hash: hex(hash),
        }
    }
}

impl Head {
    fn of(link: Link) -> Self {
        Self {
            number: link.number,
            hash: hex(&link.hash),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.hash)
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parse = || {
            let (number, hash) = text.split_once(':')?;
            let is_hex = hash.len() == 64 && hash.bytes().all(|c| c.is_ascii_hexdigit());
            Some(Self {
                number: number.parse().ok().filter(|_| is_hex)?,
                hash: hash.to_ascii_lowercase(),
            })
        };
        parse().ok_or_else(|| "NUMBER:HASH is wanted, as `audit export` prints it".to_string())
    }
}
