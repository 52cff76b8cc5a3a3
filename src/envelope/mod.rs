//! A key at rest, its window, who can open it. The bytes are formats.md §1 and docs/envelope.md.
#![forbid(unsafe_code)]

use std::fmt;

/// What an envelope holds; kinds never mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Key = 0,
    Data = 1,
    Token = 2,
}

/// Ticks `opens..=closes` and a gate of phases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    /// `None`: at once.
    pub(crate) opens: Option<u64>,
    /// `None`: never.
    pub(crate) closes: Option<u64>,
    /// Low and high in 1/10000 of a phase; may wrap past 1.
    pub(crate) gate: Option<(u32, u32)>,
}

/// Why an envelope was not made or did not open.
#[derive(Debug)]
pub(crate) enum Error {
    /// Not an envelope: cut, extended, re-encoded, foreign.
    Malformed(String),
    /// It was one, and was changed.
    Damaged(String),
    WrongKind,
    /// None of its members is ours.
    OtherSibling,
    Closed,
    NotOpenYet,
    OutsideGate,
    /// The associated data are not those it was sealed with.
    Context,
    /// A window that closes before it opens, or has closed.
    BadWindow,
    Tether(String),
    /// A sibling said why.
    Sibling(crate::tether::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Error {}
