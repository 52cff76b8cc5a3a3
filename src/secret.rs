//! Key bytes: in memory that is locked, kept out of core dumps, wiped on fork and on free; never
//! printed, compared in constant time.
#![forbid(unsafe_code)]

use std::fmt;

use crate::cbor::Item;
use crate::error::{Code, Result};
use crate::lc;
use crate::os::Locked;

/// Key bytes of a fixed length.
pub(crate) struct Secret(Locked);

impl Secret {
    /// `len` zero bytes to be filled in place.
    ///
    /// # Errors
    /// `CKR_HOST_MEMORY`.
    pub(crate) fn zeroed(len: usize) -> Result<Self> {
        Locked::new(len)
            .map(Self)
            .ok_or_else(|| Code::HostMemory.into())
    }

    /// A copy; the caller wipes the original.
    pub(crate) fn copy(bytes: &[u8]) -> Result<Self> {
        let mut secret = Self::zeroed(bytes.len())?;
        secret.expose_mut().copy_from_slice(bytes);
        Ok(secret)
    }

    /// `len` fresh random bytes.
    pub(crate) fn random(len: usize) -> Result<Self> {
        let mut secret = Self::zeroed(len)?;
        lc::random::fill(secret.expose_mut());
        Ok(secret)
    }

    /// HKDF-SHA-256 of these bytes, 32 bytes out (formats.md writes `HKDF(ikm, salt, info)`).
    pub(crate) fn derive(&self, salt: &[u8], info: Item<'_>) -> Result<Self> {
        let mut out = Self::zeroed(32)?;
        lc::kdf::hkdf_sha256(self.expose(), salt, &info.to_vec(), out.expose_mut())?;
        Ok(out)
    }

    /// AES-256-GCM with a nonce of zeroes (`GCM(k, aad, m)`): a key for one message, ever.
    pub(crate) fn seal_once(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        lc::aead::seal(self.expose(), &[0; 12], aad, plain)
    }

    /// What [`Self::seal_once`] sealed.
    ///
    /// # Errors
    /// `CKR_ENCRYPTED_DATA_INVALID` where it was not; `CKR_HOST_MEMORY`.
    pub(crate) fn open_once(&self, aad: &[u8], sealed: &[u8]) -> Result<Self> {
        lc::aead::open(self.expose(), &[0; 12], aad, sealed)
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.0.bytes()
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8] {
        self.0.bytes_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.expose().len()
    }

    pub(crate) fn try_clone(&self) -> Result<Self> {
        Self::copy(self.expose())
    }

    /// Equality in constant time; lengths are not secret.
    pub(crate) fn is(&self, other: &[u8]) -> bool {
        lc::equal(self.expose(), other)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
