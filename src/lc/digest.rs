//! Hash functions (FIPS 180-4, FIPS 202): which there are, and one under way. SHA-1 and SHA-2 keep
//! their state in place, so that a digest costs no allocation; SHA-3's state is aws-lc's own.

use std::ptr::{NonNull, null_mut};

use aws_lc_sys::*;

use crate::error::{Code, Result};
use crate::lc::Flat;
use crate::lc::done;

/// The longest digest, in bytes.
pub(crate) const LONGEST: usize = 64;

/// The hash functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_224,
    Sha512_256,
    Sha3_224,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

impl Hash {
    /// Every one.
    pub(crate) const ALL: [Self; 11] = [
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Sha512_224,
        Self::Sha512_256,
        Self::Sha3_224,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
    ];

    /// The digest's length in bytes.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 | Self::Sha512_224 | Self::Sha3_224 => 28,
            Self::Sha256 | Self::Sha512_256 | Self::Sha3_256 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 => 64,
        }
    }

    /// aws-lc's name for it; a static.
    pub(crate) fn md(self) -> *const EVP_MD {
        let md: unsafe extern "C" fn() -> *const EVP_MD = match self {
            Self::Sha1 => EVP_sha1,
            Self::Sha224 => EVP_sha224,
            Self::Sha256 => EVP_sha256,
            Self::Sha384 => EVP_sha384,
            Self::Sha512 => EVP_sha512,
            Self::Sha512_224 => EVP_sha512_224,
            Self::Sha512_256 => EVP_sha512_256,
            Self::Sha3_224 => EVP_sha3_224,
            Self::Sha3_256 => EVP_sha3_256,
            Self::Sha3_384 => EVP_sha3_384,
            Self::Sha3_512 => EVP_sha3_512,
        };
        // SAFETY: takes nothing and gives a static.
        unsafe { md() }
    }
}

/// SHA-256 of the parts in a row.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut state = SHA256_CTX::zeroed();
    let mut out = [0; 32];
    // SAFETY: `state` is a whole SHA256_CTX.
    unsafe { SHA256_Init(&raw mut state) };
    for part in parts {
        // SAFETY: `state` is initialised, `part` readable for its length.
        unsafe { SHA256_Update(&raw mut state, part.as_ptr().cast(), part.len()) };
    }
    // SAFETY: `state` is initialised, `out` holds a SHA-256 digest.
    unsafe { SHA256_Final(out.as_mut_ptr(), &raw mut state) };
    state.wipe();
    out
}

macro_rules! in_place {
    ($($name:ident: $context:ident, $init:ident, $update:ident, $finish:ident;)*) => {
        enum State {
            $($name($context),)*
            Sponge(Sponge),
        }

        impl State {
            fn start(hash: Hash) -> Result<Self> {
                match hash {
                    $(Hash::$name => {
                        let mut context = $context::zeroed();
                        // SAFETY: a whole context of this hash.
                        done(unsafe { $init(&raw mut context) })?;
                        Ok(Self::$name(context))
                    })*
                    Hash::Sha3_224 | Hash::Sha3_256 | Hash::Sha3_384 | Hash::Sha3_512 => {
                        Sponge::start(hash).map(Self::Sponge)
                    }
                }
            }

            fn update(&mut self, data: &[u8]) -> Result<()> {
                match self {
                    $(Self::$name(context) => {
                        // SAFETY: the context is initialised, `data` readable for its length.
                        done(unsafe { $update(context, data.as_ptr().cast(), data.len()) })
                    })*
                    Self::Sponge(sponge) => sponge.update(data),
                }
            }

            /// Writes the whole digest: `out` is of its length.
            fn finish(&mut self, out: &mut [u8]) -> Result<()> {
                match self {
                    $(Self::$name(context) => {
                        // SAFETY: the context is initialised, `out` has room for its digest.
                        done(unsafe { $finish(out.as_mut_ptr(), context) })
                    })*
                    Self::Sponge(sponge) => sponge.finish(out),
                }
            }

            fn wipe(&mut self) {
                match self {
                    $(Self::$name(context) => context.wipe(),)*
                    Self::Sponge(_) => {}
                }
            }
        }
    };
}

in_place! {
    Sha1: SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final;
    Sha224: SHA256_CTX, SHA224_Init, SHA224_Update, SHA224_Final;
    Sha256: SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final;
    Sha384: SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final;
    Sha512: SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final;
    Sha512_224: SHA512_CTX, SHA512_224_Init, SHA512_224_Update, SHA512_224_Final;
    Sha512_256: SHA512_CTX, SHA512_256_Init, SHA512_256_Update, SHA512_256_Final;
}

/// A hash under way; wiped when it goes, for it may hold a key's bytes.
pub(crate) struct Hasher {
    hash: Hash,
    state: State,
}

impl Hasher {
    /// # Errors
    /// `CKR_GENERAL_ERROR` where aws-lc gets no memory (SHA-3).
    pub(crate) fn new(hash: Hash) -> Result<Self> {
        State::start(hash).map(|state| Self { hash, state })
    }

    pub(crate) fn hash(&self) -> Hash {
        self.hash
    }

    pub(crate) fn update(&mut self, data: &[u8]) -> Result<()> {
        self.state.update(data)
    }

    /// Writes the digest to the front of `out` and gives its length. The hasher is spent: what it
    /// gives afterwards is not defined.
    ///
    /// # Errors
    /// `CKR_GENERAL_ERROR` for an `out` that is too short.
    pub(crate) fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let len = self.hash.len();
        let out = out.get_mut(..len).ok_or(Code::GeneralError)?;
        self.state.finish(out)?;
        Ok(len)
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.state.wipe();
    }
}

/// The digest of the parts in a row, at the front of an array, and its length.
pub(crate) fn hash(hash: Hash, parts: &[&[u8]]) -> Result<([u8; LONGEST], usize)> {
    let mut hasher = Hasher::new(hash)?;
    parts.iter().try_for_each(|part| hasher.update(part))?;
    let mut out = [0; LONGEST];
    hasher.finish(&mut out).map(|len| (out, len))
}

/// SHA-3 under way.
struct Sponge(NonNull<EVP_MD_CTX>);

// SAFETY: the context is owned, has no ties to a thread, and is changed through `&mut` only.
unsafe impl Send for Sponge {}

impl Sponge {
    fn start(hash: Hash) -> Result<Self> {
        // SAFETY: takes nothing.
        let context = NonNull::new(unsafe { EVP_MD_CTX_new() }).ok_or(Code::HostMemory)?;
        let sponge = Self(context);
        // SAFETY: a fresh context, a static hash, no engine.
        done(unsafe { EVP_DigestInit_ex(sponge.0.as_ptr(), hash.md(), null_mut()) })?;
        Ok(sponge)
    }

    fn update(&mut self, data: &[u8]) -> Result<()> {
        // SAFETY: the context is initialised, `data` readable for its length.
        done(unsafe { EVP_DigestUpdate(self.0.as_ptr(), data.as_ptr().cast(), data.len()) })
    }

    /// Writes the whole digest: `out` is of its length.
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        // SAFETY: the context is initialised, `out` has room for its digest.
        done(unsafe { EVP_DigestFinal_ex(self.0.as_ptr(), out.as_mut_ptr(), null_mut()) })
    }
}

impl Drop for Sponge {
    fn drop(&mut self) {
        // SAFETY: made by EVP_MD_CTX_new and freed here alone; aws-lc wipes what it frees.
        unsafe { EVP_MD_CTX_free(self.0.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// FIPS 180-4 and FIPS 202 examples, "abc".
    const ABC: [(Hash, &str); 11] = [
        (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            Hash::Sha224,
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
        ),
        (
            Hash::Sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            Hash::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            Hash::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (
            Hash::Sha512_224,
            "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa",
        ),
        (
            Hash::Sha512_256,
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
        ),
        (
            Hash::Sha3_224,
            "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf",
        ),
        (
            Hash::Sha3_256,
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
        ),
        (
            Hash::Sha3_384,
            "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
        ),
        (
            Hash::Sha3_512,
            "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
        ),
    ];

    #[test]
    fn every_hash_gives_the_published_digest_of_abc() {
        for (kind, expected) in ABC {
            let (digest, len) = hash(kind, &[b"a", b"", b"bc"]).unwrap();
            assert_eq!(hex(&digest[..len]), expected, "{kind:?}");
            assert_eq!(len, kind.len());
        }
        assert_eq!(hex(&sha256(&[b"ab", b"c"])), ABC[2].1);
    }

    #[test]
    fn too_little_room_is_refused_and_nothing_is_written() {
        let mut hasher = Hasher::new(Hash::Sha256).unwrap();
        let mut out = [7; 31];
        assert!(hasher.finish(&mut out).is_err());
        assert_eq!(out, [7; 31]);
    }
}
