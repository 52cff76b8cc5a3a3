//! What an envelope says without being opened. Nobody has checked that it is true.
#![forbid(unsafe_code)]

use super::Moment;
use super::error::Result;
use crate::clock;
use crate::envelope::{self, Header, Kind, Strength, Window};
use crate::os;
use crate::tether::Wrap;

/// An envelope from outside.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// Hexadecimal.
    pub id: String,
    /// `key`, `data` or `token`.
    pub kind: &'static str,
    /// Tick and moment of its sealing.
    pub created: (u64, Moment),
    /// First tick and its beginning; `None`: at once.
    pub opens: Option<(u64, Moment)>,
    /// Last tick and its end; `None`: never closes.
    pub closes: Option<(u64, Moment)>,
    /// Low and high in 1/10000 of a phase.
    pub gate: Option<(u32, u32)>,
    /// How many of its members open it.
    pub k: u8,
    /// The siblings that it was sealed to.
    pub members: Vec<Member>,
    /// Who makes the window close.
    pub strength: String,
    /// Whether a context (`--context`) is needed to open it.
    pub context: bool,
    /// By the host's clock.
    pub state: State,
    /// Seconds until it closes, or until it opens where it is not open yet; `None`: never closes.
    pub left: Option<u64>,
    /// Bytes.
    pub size: usize,
    /// The size of its own bytes under raw DEFLATE, level 9 (operator CS87).
    pub floor: usize,
}

/// One sibling of an envelope.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its id when this was sealed, where it is named.
    pub sibling: Option<String>,
    /// Of its master key, hexadecimal: what it is found by.
    pub fingerprint: String,
    /// How its share is wrapped.
    pub wrap: &'static str,
    /// `module`, `provider` or `erased`.
    pub strength: &'static str,
}

/// A window against the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It opens later.
    NotOpenYet,
    /// Between its first and last tick.
    Open,
    /// Gone.
    Closed,
}

impl State {
    /// `not open yet`, `open` or `closed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotOpenYet => "not open yet",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// Reads an envelope's header.
///
/// # Errors
/// [`Failure::Damaged`](super::Failure::Damaged): it is no envelope.
pub fn inspect(bytes: &[u8]) -> Result<Inspected> {
    let header = envelope::inspect(bytes)?;
    Ok(told(&header, bytes, os::realtime_ns()))
}

pub(super) fn told(header: &Header, bytes: &[u8], now: i64) -> Inspected {
    let window = header.window;
    let begin = |tick| (tick, Moment(clock::tick_begin(tick)));
    let created = header.created;
    let at = clock::tick_begin(created.tick).saturating_add(created.ns.into());
    Inspected {
        id: hex(&header.id),
        kind: kind(header.kind),
        created: (created.tick, Moment(at)),
        opens: window.opens.map(begin),
        closes: window
            .closes
            .map(|tick| (tick, Moment(clock::tick_end(tick)))),
        gate: window.gate.map(|gate| (gate.low, gate.high)),
        k: header.k,
        members: header.members.iter().map(member).collect(),
        strength: strength(header),
        context: header.aad_tag.is_some(),
        state: state(&window, now),
        left: left(&window, now),
        size: bytes.len(),
        floor: miniz_oxide::deflate::compress_to_vec(bytes, 9).len(),
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Key => "key",
        Kind::Data => "data",
        Kind::Token => "token",
    }
}

fn member(member: &envelope::Member) -> Member {
    Member {
        sibling: member.sibling.clone(),
        fingerprint: hex(&member.fingerprint),
        wrap: wrap(member.wrap),
        strength: name(member.strength),
    }
}

/// As the envelope's own page calls them.
fn wrap(wrap: Wrap) -> &'static str {
    match wrap {
        Wrap::AssociatedData => "associated data",
        Wrap::Oaep => "oaep",
        Wrap::Ecdh => "ecdh",
        Wrap::Kwp => "kwp",
        Wrap::MlKem => "ml-kem",
        Wrap::Hybrid => "hybrid",
        Wrap::Soft => "soft",
    }
}

fn name(strength: Strength) -> &'static str {
    match strength {
        Strength::Module => "module",
        Strength::Provider => "provider",
        Strength::Erased => "erased",
    }
}

/// Soft has no clock of its own: with no other member nobody witnesses the time.
fn strength(header: &Header) -> String {
    let strength = header.strength();
    let alone = header
        .members
        .iter()
        .all(|member| member.wrap == Wrap::Soft);
    match strength == Strength::Module && alone {
        true => "module, unwitnessed".to_string(),
        false => name(strength).to_string(),
    }
}

fn state(window: &Window, now: i64) -> State {
    match window.holds(now) {
        Ok(()) => State::Open,
        Err(envelope::Error::NotOpenYet) => State::NotOpenYet,
        Err(_) => State::Closed,
    }
}

fn left(window: &Window, now: i64) -> Option<u64> {
    let until = match (state(window, now), window.opens) {
        (State::NotOpenYet, Some(opens)) => clock::tick_begin(opens).saturating_sub(now),
        _ => window.left_ns(now)?,
    };
    Some(until.unsigned_abs() / 1_000_000_000)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
