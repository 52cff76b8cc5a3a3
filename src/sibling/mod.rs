//! Who can wrap a share: the one joint. A provider is one file, one line in a table, one feature.
#![forbid(unsafe_code)]

use std::fmt;

use crate::secret::Secret;

/// How a master key takes a share (formats.md §1, Member 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrap {
    AssociatedData = 0,
    Oaep = 1,
    Ecdh = 2,
    Kwp = 3,
    MlKem = 4,
    Hybrid = 5,
    Soft = 6,
}

/// The facts that a wrapped share is tied to (formats.md §1).
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) envelope: [u8; 16],
    pub(crate) header: [u8; 32],
    /// From 1.
    pub(crate) index: u8,
    pub(crate) opens: Option<u64>,
    pub(crate) closes: Option<u64>,
}

/// A share as a provider wrapped it.
#[derive(Clone, Debug)]
pub(crate) struct Wrapped {
    pub(crate) bytes: Vec<u8>,
    /// Key version, where the provider has them.
    pub(crate) version: Option<u64>,
}

/// What a sibling's master key is. Local, no network.
#[derive(Clone, Debug)]
pub(crate) struct Master {
    pub(crate) wrap: Wrap,
    /// formats.md §2.
    pub(crate) fingerprint: [u8; 8],
    /// An upper bound of a wrapped 32-byte share.
    pub(crate) wrapped_len: usize,
}

/// Why a sibling did not do it.
#[derive(Debug)]
pub(crate) enum Error {
    /// It answered, and said no: policy, disabled key.
    Denied(String),
    /// It did not answer in time.
    Unreachable(String),
    /// It refused our credentials, or is locked.
    Locked,
    /// It says that these bytes are not what it wrapped under this binding.
    Mismatch,
    /// A Soft blob that no Soft made.
    Damaged,
    /// The PIN is not the one (Soft).
    PinIncorrect,
    /// No memory that may hold secrets.
    Memory,
}

/// A provider of one master key.
pub(crate) trait Sibling: Send + Sync {
    fn id(&self) -> &str;
    /// `None` while locked, where the name comes of the root (Soft).
    fn master(&self) -> Option<Master>;
    fn wrap(&self, binding: &Binding, share: &Secret) -> Result<Wrapped, Error>;
    fn unwrap(&self, binding: &Binding, wrapped: &Wrapped) -> Result<Secret, Error>;
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(why) => write!(f, "refused: {why}"),
            Self::Unreachable(why) => write!(f, "no answer: {why}"),
            Self::Locked => f.write_str("locked"),
            Self::Mismatch => f.write_str("not what was wrapped under this binding"),
            Self::Damaged => f.write_str("damaged PIN record"),
            Self::PinIncorrect => f.write_str("wrong PIN"),
            Self::Memory => f.write_str("out of memory"),
        }
    }
}

impl std::error::Error for Error {}
