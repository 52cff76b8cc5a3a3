//! The audit trail: a hash chain. Unkeyed, so it shows accidents; its head, kept elsewhere, shows more.
#![forbid(unsafe_code)]

/// A record as it rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// From 1, without gaps.
    pub(crate) number: u64,
    pub(crate) unix_ns: i64,
    pub(crate) token: String,
    pub(crate) what: String,
    pub(crate) detail: String,
    /// SHA-256 over the one before and this record.
    pub(crate) hash: [u8; 32],
}
