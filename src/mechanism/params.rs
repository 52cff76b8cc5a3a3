//! Mechanism parameters as Rust values. `abi/params.rs` reads the C structures into them, one arm a
//! [`Shape`], never one a mechanism.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

/// The hash functions that parameters can name.
pub(crate) use crate::lc::digest::Hash;

/// Which C structure a mechanism's parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// NULL and 0; anything else is `CKR_MECHANISM_PARAM_INVALID`.
    None,
    /// A byte string of exactly 16 bytes: an IV.
    Iv16,
    /// NULL, or a byte string of 8 (KW) or 4 (KWP) bytes: an IV other than the default.
    WrapIv,
    /// `CK_AES_CTR_PARAMS`.
    Ctr,
    /// `CK_GCM_PARAMS` by its length (rule 37).
    Gcm,
    /// `CK_RSA_PKCS_OAEP_PARAMS`.
    Oaep,
    /// `CK_RSA_PKCS_PSS_PARAMS`.
    Pss,
    /// `CK_RSA_AES_KEY_WRAP_PARAMS`.
    RsaAes,
    /// `CK_ECDH1_DERIVE_PARAMS`.
    Ecdh,
    /// `CK_HKDF_PARAMS`.
    Hkdf,
    /// NULL, or `CK_EDDSA_PARAMS`.
    Eddsa,
    /// `CK_MAC_GENERAL_PARAMS`: the length of the MAC.
    MacLength,
    /// NULL, or `CK_ZEQ_ENVELOPE_PARAMS`.
    Envelope,
}

/// Parameters, copied from the host's memory.
pub(crate) enum Params {
    None,
    Iv(Vec<u8>),
    Ctr {
        bits: CK_ULONG,
        block: [u8; 16],
    },
    Gcm {
        iv: Vec<u8>,
        aad: Vec<u8>,
        tag_bits: CK_ULONG,
    },
    Oaep {
        hash: Hash,
        mgf: Hash,
        label: Vec<u8>,
    },
    Pss {
        hash: Hash,
        mgf: Hash,
        salt: usize,
    },
    RsaAes {
        aes_bits: CK_ULONG,
        hash: Hash,
        mgf: Hash,
        label: Vec<u8>,
    },
    /// `kdf` NULL is `None`; else X9.63 with that hash and `shared` as its SharedInfo.
    Ecdh {
        kdf: Option<Hash>,
        shared: Vec<u8>,
        public: Vec<u8>,
    },
    Hkdf {
        extract: bool,
        expand: bool,
        hash: Hash,
        salt: Salt,
        info: Vec<u8>,
    },
    /// `prehash`: Ed25519ph.
    Eddsa {
        prehash: bool,
        context: Vec<u8>,
    },
    MacLength(usize),
    Envelope(EnvelopeParams),
}

/// Where HKDF's salt comes from.
pub(crate) enum Salt {
    Null,
    Bytes(Vec<u8>),
    Key(CK_OBJECT_HANDLE),
}

/// `CK_ZEQ_ENVELOPE_PARAMS` (rule 34), read and checked for version and unknown flags. The default
/// is what a NULL parameter means.
#[derive(Default)]
pub(crate) struct EnvelopeParams {
    /// Flag 1: the first tick.
    pub(crate) opens: Option<u64>,
    /// Flags 2 and 4: the last tick, or never.
    pub(crate) closes: Option<Closes>,
    /// Flag 8: low and high in 1/10000 of a phase.
    pub(crate) gate: Option<(u32, u32)>,
    pub(crate) aad: Vec<u8>,
}

/// What a host says of the close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closes {
    At(u64),
    Never,
}
