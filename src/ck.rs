//! The vendor's numbers: what `include/zeq_byok.h` declares. A test holds the two together.
#![forbid(unsafe_code)]

use cryptoki_sys::{CK_ATTRIBUTE_TYPE, CK_MECHANISM_TYPE, CK_ULONG};

/// Seals a key or data into an envelope; parameter NULL or `CK_ZEQ_ENVELOPE_PARAMS`.
pub(crate) const CKM_ZEQ_ENVELOPE: CK_MECHANISM_TYPE = 0x8000_5A45;

/// Read-only: 8 bytes, the first tick, big endian; empty: at once.
pub(crate) const CKA_ZEQ_OPENS: CK_ATTRIBUTE_TYPE = 0x8000_5A01;
/// Read-only: 8 bytes, the last tick, big endian; empty: never.
pub(crate) const CKA_ZEQ_CLOSES: CK_ATTRIBUTE_TYPE = 0x8000_5A02;
/// Read-only: two CK_ULONG, low and high in 1/10000 of a phase; empty: none.
pub(crate) const CKA_ZEQ_GATE: CK_ATTRIBUTE_TYPE = 0x8000_5A03;
/// Read-only: 16 bytes.
pub(crate) const CKA_ZEQ_ENVELOPE_ID: CK_ATTRIBUTE_TYPE = 0x8000_5A04;
/// Read-only: the id of the sibling or tether that it was sealed to.
pub(crate) const CKA_ZEQ_SIBLING: CK_ATTRIBUTE_TYPE = 0x8000_5A05;
/// Read-only CK_ULONG: 1 module, 2 provider, 3 erased.
pub(crate) const CKA_ZEQ_STRENGTH: CK_ATTRIBUTE_TYPE = 0x8000_5A06;
/// Read-only CK_ULONG: the kind of envelope, 0 key, 1 data, 2 token.
pub(crate) const CKA_ZEQ_KIND: CK_ATTRIBUTE_TYPE = 0x8000_5A07;
/// In a key's own template: a duration such as "30d" that narrows the window it is sealed with.
pub(crate) const CKA_ZEQ_WINDOW: CK_ATTRIBUTE_TYPE = 0x8000_5A08;

/// Read-only: the associated data that an unwrapped key's envelope is opened with at each lease.
pub(crate) const CKA_ZEQ_CONTEXT: CK_ATTRIBUTE_TYPE = 0x8000_5A09;

/// `CK_ZEQ_ENVELOPE_PARAMS.ulVersion`.
pub(crate) const ENVELOPE_PARAMS_VERSION: CK_ULONG = 1;
/// `CK_ZEQ_ENVELOPE_PARAMS.ulFlags`.
pub(crate) const CKF_ZEQ_OPENS: CK_ULONG = 1;
pub(crate) const CKF_ZEQ_CLOSES: CK_ULONG = 2;
pub(crate) const CKF_ZEQ_NEVER: CK_ULONG = 4;
pub(crate) const CKF_ZEQ_GATE: CK_ULONG = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;
    use std::collections::BTreeMap;

    /// What `#define NAME NUMBER` says in the header.
    fn declared() -> BTreeMap<&'static str, u64> {
        let defines = include_str!("../include/zeq_byok.h").lines();
        let define = |line: &'static str| {
            let (name, value) = line.strip_prefix("#define ")?.split_once(' ')?;
            let value = value.strip_suffix("UL")?;
            let number = match value.strip_prefix("0x") {
                Some(hex) => u64::from_str_radix(hex, 16),
                None => value.parse(),
            };
            Some((name, number.unwrap()))
        };
        defines.filter_map(define).collect()
    }

    #[test]
    fn the_header_declares_what_the_library_uses_and_no_more() {
        macro_rules! ours {
            ($($name:ident),*) => { [$((stringify!($name), $name)),*] };
        }
        let constants = ours![
            CKM_ZEQ_ENVELOPE,
            CKA_ZEQ_OPENS,
            CKA_ZEQ_CLOSES,
            CKA_ZEQ_GATE,
            CKA_ZEQ_ENVELOPE_ID,
            CKA_ZEQ_SIBLING,
            CKA_ZEQ_STRENGTH,
            CKA_ZEQ_KIND,
            CKA_ZEQ_WINDOW,
            CKF_ZEQ_OPENS,
            CKF_ZEQ_CLOSES,
            CKF_ZEQ_NEVER,
            CKF_ZEQ_GATE
        ];
        let version = ("ZEQ_ENVELOPE_PARAMS_VERSION", ENVELOPE_PARAMS_VERSION);
        let reasons = Reason::ALL
            .iter()
            .map(|(name, number)| (*name, u64::from(*number)));
        let ours: BTreeMap<_, _> = constants
            .into_iter()
            .chain([version])
            .chain(reasons)
            .collect();
        assert_eq!(declared(), ours);
    }
}
