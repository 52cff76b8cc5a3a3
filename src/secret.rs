//! Key bytes: in memory that is locked, kept out of core dumps, wiped on fork and on free; never
//! printed, compared in constant time.
#![forbid(unsafe_code)]

use std::fmt;

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
