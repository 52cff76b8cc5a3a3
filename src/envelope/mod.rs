//! A key at rest, its window, who can open it. docs/envelope.md has the bytes and the procedures.
//!
//! The clock is the caller's: it judges the host's time (`crate::clock::judge`) and passes it in.
//! [`Error::OutsideGate`] says how long until the gate is open; a caller that waits calls
//! [`wait_for_gate`], reads the clock again and opens again.
#![forbid(unsafe_code)]

mod format;
mod header;
mod keys;
mod member;
mod open;
pub(crate) mod payload;
mod seal;
mod window;

#[cfg(test)]
mod second;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

use std::fmt;

pub(crate) use header::Header;
pub(crate) use member::{Member, Strength};
pub(crate) use open::{Opened, open};
pub(crate) use seal::{Request, Sealed, len_bound, seal};
pub(crate) use window::{Window, wait_for_gate};

use crate::cbor::Malformed;
use crate::error;
use crate::error::Code;
use crate::tether;

/// What an envelope holds; kinds never mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// [`payload::encode`]: for `C_UnwrapKey` alone.
    Key = 0,
    /// Bytes: for `C_Decrypt` alone.
    Data = 1,
    /// [`payload::Token`]: for object/sealed.rs alone.
    Token = 2,
}

/// What an envelope says without being opened. Nobody has checked that it is true.
///
/// # Errors
/// [`Error::Malformed`].
pub(crate) fn inspect(bytes: &[u8]) -> Result<Header, Error> {
    Ok(format::decode(bytes)?.header)
}

/// Whether what can be read of any bytes is written as it was read; nothing to read is fine: for the
/// fuzz target.
#[cfg(feature = "fuzzing")]
pub(crate) fn reads_as_written(bytes: &[u8]) -> bool {
    let _payload = payload::decode(bytes, |kind| kind == cryptoki_sys::CKA_VALUE);
    let _token = payload::Token::decode(bytes);
    let Ok(read) = format::decode(bytes) else {
        return true;
    };
    let written = format::encode(read.protected, read.content, &read.recipients);
    written == bytes && read.header.encode() == read.protected
}

/// Why an envelope was not made or did not open.
#[derive(Debug)]
pub(crate) enum Error {
    /// Not an envelope: cut, extended, re-encoded, foreign, of a later version.
    Malformed(Malformed),
    /// It was one, and was changed, or its sealer made it wrong.
    Damaged(Damage),
    WrongKind,
    /// It names a member that is not ours.
    OtherSibling,
    Closed,
    NotOpenYet,
    /// Inside its ticks; the gate is open in so many nanoseconds, less than a Zeqond.
    OutsideGate {
        wait_ns: u64,
    },
    /// The associated data are not those it was sealed with.
    Context,
    /// A window that closes before it opens, or has closed.
    BadWindow,
    /// What came back through the siblings is not what was sealed; so far from it, in percent.
    Unverified {
        error_pct: f64,
    },
    /// Too few siblings did; each says why.
    Siblings(tether::Error),
    /// No memory that may hold secrets.
    Memory,
    /// A defect of ours or of aws-lc.
    Internal(&'static str),
}

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The header, or a wrapped share: no sibling failed, and each says that these are not the bytes
    /// that it wrapped.
    Share,
    /// The shares, to each other or to the content key: its sealer's doing.
    Key,
    /// The content, to the key that the header gives.
    Content,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Share => "its header or its wrapped share was changed",
            Self::Key => "its sealer's shares do not fit together",
            Self::Content => "its content was changed",
        })
    }
}

impl From<Malformed> for Error {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

impl From<tether::Error> for Error {
    fn from(why: tether::Error) -> Self {
        Self::Siblings(why)
    }
}

/// Sealing and deriving fail for want of memory, and for nothing else that a caller could cause.
impl From<error::Error> for Error {
    fn from(e: error::Error) -> Self {
        match e.code == Code::HostMemory {
            true => Self::Memory,
            false => Self::Internal(e.code.name()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "not an envelope: {why}"),
            Self::Damaged(why) => write!(f, "damaged envelope: {why}"),
            Self::WrongKind => f.write_str("an envelope of another kind"),
            Self::OtherSibling => f.write_str("sealed to another sibling"),
            Self::Closed => f.write_str("its window has closed"),
            Self::NotOpenYet => f.write_str("its window is not open yet"),
            Self::OutsideGate { wait_ns } => {
                write!(
                    f,
                    "outside its gate, for {} ms more",
                    wait_ns.div_ceil(1_000_000)
                )
            }
            Self::Context => f.write_str("sealed with other associated data"),
            Self::BadWindow => f.write_str("a window that closes before it opens, or has closed"),
            Self::Unverified { error_pct } => {
                write!(
                    f,
                    "what came back is not what was sealed: error {error_pct:.3} %"
                )
            }
            Self::Siblings(why) => write!(f, "{why}"),
            Self::Memory => f.write_str("out of memory"),
            Self::Internal(what) => write!(f, "a defect in this library: {what}"),
        }
    }
}

impl std::error::Error for Error {}
