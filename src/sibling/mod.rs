//! Who can wrap a share: the one joint. A provider is one file, one line in a table, one feature.
#![forbid(unsafe_code)]

use std::fmt;

use crate::cbor::{Item, or_null};
use crate::error;
use crate::error::Code;
use crate::lc;
use crate::secret::Secret;

mod pin;
pub(crate) mod soft;

pub(crate) use pin::{Cost, Record, Role};

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

impl Binding {
    /// `binding` of formats.md §1: what a share's wrapping authenticates.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            envelope,
            header,
            index,
            opens,
            closes,
        } = self;
        Item::Array(&[
            Item::Text("zeq-byok/1 binding"),
            Item::Bytes(envelope),
            Item::Bytes(header),
            Item::Uint((*index).into()),
            or_null(*opens),
            or_null(*closes),
        ])
        .to_vec()
    }
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
}

/// The fingerprint of a master key with this canonical name and, where it has one, public key
/// (formats.md §2).
pub(crate) fn fingerprint(name: &str, spki: Option<&[u8]>) -> [u8; 8] {
    let named = Item::Array(&[
        Item::Text("zeq-byok/1 key name"),
        Item::Text(name),
        spki.map_or(Item::Null, Item::Bytes),
    ]);
    let [a, b, c, d, e, f, g, h, ..] = lc::digest::sha256(&[&named.to_vec()]);
    [a, b, c, d, e, f, g, h]
}

/// Why a sibling did not do it.
#[derive(Debug)]
pub(crate) enum Error {
    #[expect(dead_code, reason = "remote siblings say so")]
    /// It answered, and said no: policy, disabled key.
    Denied(String),
    #[expect(dead_code, reason = "remote siblings say so")]
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
    /// A defect of ours or of aws-lc.
    Internal(&'static str),
}

/// A provider of one master key.
pub(crate) trait Sibling: Send + Sync {
    fn id(&self) -> &str;
    /// `None` while locked, where the name comes of the root (Soft).
    fn master(&self) -> Option<Master>;
    /// An upper bound of a wrapped 32-byte share, in bytes; known while locked.
    fn wrapped_len(&self) -> usize;
    fn wrap(&self, binding: &Binding, share: &Secret) -> Result<Wrapped, Error>;
    fn unwrap(&self, binding: &Binding, wrapped: &Wrapped) -> Result<Secret, Error>;
    /// The sibling as one whose master key rests under PINs; `None`: it keeps none here.
    fn pinned(&self) -> Option<&dyn Pinned> {
        None
    }
}

/// A sibling whose master key rests under PINs, in records that its caller keeps.
pub(crate) trait Pinned {
    /// Opens the record's root and takes it into use.
    fn unlock(
        &self,
        pin: &[u8],
        token: &[u8; 16],
        role: Role,
        record: &Record,
    ) -> Result<(), Error>;
    /// Checks a PIN against a record; nothing changes.
    fn check(&self, pin: &[u8], token: &[u8; 16], role: Role, record: &Record)
    -> Result<(), Error>;
    /// A new record of the root that is in use, under a fresh salt; [`Error::Locked`] without one.
    fn rewrap(&self, pin: &[u8], role: Role, cost: Cost) -> Result<Record, Error>;
    /// Wipes the root.
    fn lock(&self);
    fn is_locked(&self) -> bool;
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
            Self::Internal(what) => write!(f, "a defect in this library: {what}"),
        }
    }
}

impl std::error::Error for Error {}

/// Sealing and deriving fail for want of memory, and for nothing else that a caller could cause.
impl From<error::Error> for Error {
    fn from(e: error::Error) -> Self {
        match e.code == Code::HostMemory {
            true => Self::Memory,
            false => Self::Internal(e.code.name()),
        }
    }
}
