//! k of n siblings.
#![forbid(unsafe_code)]

use std::fmt;

/// Why a tether did not do it.
#[derive(Debug)]
pub(crate) enum Error {
    /// Fewer than k siblings did; each with its reason.
    TooFew(Vec<(String, crate::sibling::Error)>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew(why) => write!(f, "too few siblings: {why:?}"),
        }
    }
}
