//! k of n siblings. Who seals hands over the content key and gets a wrapped share for each member;
//! who opens hands those back and gets the content key. One member is a quorum of one.
#![forbid(unsafe_code)]

mod quorum;
mod shares;

use std::fmt;
use std::sync::Arc;

pub(crate) use quorum::{Given, Quorum};
pub(crate) use shares::{combine, split};

use crate::sibling;
// What callers above need of the layer below.
pub(crate) use crate::sibling::Error as SiblingError;
#[cfg(test)]
pub(crate) use crate::sibling::soft::Fixed;
pub(crate) use crate::sibling::{Binding, Cost, Record, Role, Sibling, Wrap, Wrapped};

/// The lone Soft sibling of a token, locked.
pub(crate) fn soft(id: &str) -> Quorum {
    Quorum::lone(Arc::new(sibling::soft::Soft::locked(id)))
}

/// The same with a new root, in use at once: what `C_InitToken` seals to before it replaces the old.
pub(crate) fn fresh_soft(id: &str, token: [u8; 16]) -> Result<Quorum, Error> {
    let soft = sibling::soft::Soft::fresh(id, token).map_err(|e| Error::one(id, e))?;
    Ok(Quorum::lone(Arc::new(soft)))
}

/// Why a tether did not do it.
#[derive(Debug)]
pub(crate) enum Error {
    /// Fewer than k siblings did; each with its reason.
    TooFew(Vec<(String, sibling::Error)>),
    /// No member keeps its master key under a PIN.
    NoPin,
    /// No memory that may hold secrets.
    Memory,
}

impl Error {
    /// Nobody failed: each that was asked says that the bytes are not those that it wrapped.
    pub(crate) fn is_mismatch(&self) -> bool {
        match self {
            Self::TooFew(why) => {
                let mismatch = |(_, why): &(_, _)| matches!(why, sibling::Error::Mismatch);
                !why.is_empty() && why.iter().all(mismatch)
            }
            Self::NoPin | Self::Memory => false,
        }
    }

    fn one(id: &str, why: sibling::Error) -> Self {
        Self::TooFew(vec![(id.to_string(), why)])
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew(why) => {
                f.write_str("too few siblings")?;
                why.iter()
                    .try_for_each(|(id, why)| write!(f, "; {id}: {why}"))
            }
            Self::NoPin => f.write_str("no sibling here keeps its master key under a PIN"),
            Self::Memory => f.write_str("out of memory"),
        }
    }
}

impl std::error::Error for Error {}
