//! AES-GCM (NIST SP 800-38D) in one part, on a context that any number of threads share.

use std::ptr::NonNull;

use aws_lc_sys::*;

use crate::error::{Code, Result};
use crate::lc::succeeded;
use crate::secret::Secret;

/// A whole tag's length in bytes.
pub(crate) const TAG: usize = 16;

/// An AES key's schedule and hash key for GCM. It is not changed by use.
pub(crate) struct Gcm(NonNull<EVP_AEAD_CTX>);

// SAFETY: owned, with no ties to a thread.
unsafe impl Send for Gcm {}
// SAFETY: sealing and opening take `*const EVP_AEAD_CTX` and change nothing ("may be used
// concurrently", openssl/aead.h).
unsafe impl Sync for Gcm {}

impl Gcm {
    /// `tag` bytes of tag, at most [`TAG`].
    ///
    /// # Errors
    /// `CKR_KEY_SIZE_RANGE` for a key that is not of 16, 24 or 32 bytes, `CKR_HOST_MEMORY`.
    pub(crate) fn new(key: &[u8], tag: usize) -> Result<Self> {
        let aead: unsafe extern "C" fn() -> *const EVP_AEAD = match key.len() {
            16 => EVP_aead_aes_128_gcm,
            24 => EVP_aead_aes_192_gcm,
            32 => EVP_aead_aes_256_gcm,
            _ => return Err(Code::KeySizeRange.into()),
        };
        // SAFETY: takes nothing and gives a static.
        let aead = unsafe { aead() };
        // SAFETY: a static AEAD and a readable key of its length.
        let context = unsafe { EVP_AEAD_CTX_new(aead, key.as_ptr(), key.len(), tag) };
        NonNull::new(context)
            .map(Self)
            .ok_or_else(|| Code::HostMemory.into())
    }

    /// Writes ciphertext and tag to the front of `out` and gives their length. The nonce may have
    /// any length but 0.
    ///
    /// # Errors
    /// `CKR_DATA_LEN_RANGE` for an `out` that is too short, or more than GCM can take.
    pub(crate) fn seal(
        &self,
        nonce: &[u8],
        aad: &[u8],
        plain: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let mut len = 0;
        // SAFETY: an initialised context; `out` is writable and the inputs are readable for their
        // lengths; a borrowed `out` cannot overlap them.
        let answer = unsafe {
            EVP_AEAD_CTX_seal(
                self.0.as_ptr(),
                out.as_mut_ptr(),
                &raw mut len,
                out.len(),
                nonce.as_ptr(),
                nonce.len(),
                plain.as_ptr(),
                plain.len(),
                aad.as_ptr(),
                aad.len(),
            )
        };
        match succeeded(answer) {
            true => Ok(len),
            false => Err(Code::DataLenRange.into()),
        }
    }

    /// Writes the plaintext to the front of `out`, which has room for it, and gives its length.
    /// Nothing but zeroes is written where the tag is wrong.
    ///
    /// # Errors
    /// `CKR_ENCRYPTED_DATA_INVALID`.
    pub(crate) fn open(
        &self,
        nonce: &[u8],
        aad: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let mut len = 0;
        // SAFETY: as in `seal`.
        let answer = unsafe {
            EVP_AEAD_CTX_open(
                self.0.as_ptr(),
                out.as_mut_ptr(),
                &raw mut len,
                out.len(),
                nonce.as_ptr(),
                nonce.len(),
                sealed.as_ptr(),
                sealed.len(),
                aad.as_ptr(),
                aad.len(),
            )
        };
        match succeeded(answer) {
            true => Ok(len),
            false => Err(Code::EncryptedDataInvalid.into()),
        }
    }
}

impl Drop for Gcm {
    fn drop(&mut self) {
        // SAFETY: made by EVP_AEAD_CTX_new and freed here alone; aws-lc wipes what it frees.
        unsafe { EVP_AEAD_CTX_free(self.0.as_ptr()) };
    }
}

/// Seals once under a key of 16, 24 or 32 bytes: ciphertext and tag.
///
/// # Errors
/// `CKR_HOST_MEMORY`, `CKR_KEY_SIZE_RANGE`, `CKR_DATA_LEN_RANGE`.
pub(crate) fn seal(key: &[u8], nonce: &[u8; 12], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let room = plain.len().checked_add(TAG).ok_or(Code::DataLenRange)?;
    let mut out = Vec::new();
    out.try_reserve_exact(room).map_err(|_| Code::HostMemory)?;
    out.resize(room, 0);
    Gcm::new(key, TAG)?.seal(nonce, aad, plain, &mut out)?;
    Ok(out)
}

/// Opens what [`seal`] made.
///
/// # Errors
/// `CKR_ENCRYPTED_DATA_INVALID` for anything that was not sealed with this key, nonce and
/// associated data; `CKR_HOST_MEMORY`, `CKR_KEY_SIZE_RANGE`.
pub(crate) fn open(key: &[u8], nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Result<Secret> {
    let len = sealed
        .len()
        .checked_sub(TAG)
        .ok_or(Code::EncryptedDataInvalid)?;
    let mut plain = Secret::zeroed(len)?;
    Gcm::new(key, TAG)?.open(nonce, aad, sealed, plain.expose_mut())?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", cases 13 and 14.
    #[test]
    fn sealing_zeroes_under_a_zero_key_gives_the_published_answer() {
        let hex = |bytes: Vec<u8>| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
        let empty = seal(&[0; 32], &[0; 12], b"", b"").unwrap();
        assert_eq!(hex(empty), "530f8afbc74536b9a963b4f1c4cb738b");
        let block = seal(&[0; 32], &[0; 12], b"", &[0; 16]).unwrap();
        assert_eq!(
            hex(block),
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
        );
    }

    #[test]
    fn what_was_sealed_opens_and_any_other_thing_does_not() {
        let sealed = seal(&KEY, &[1; 12], b"aad", b"secret").unwrap();
        let code = |key: &[u8], nonce: u8, aad: &[u8], sealed: &[u8]| {
            open(key, &[nonce; 12], aad, sealed)
                .map(|plain| plain.expose().to_vec())
                .map_err(|e| e.code)
        };
        assert_eq!(code(&KEY, 1, b"aad", &sealed), Ok(b"secret".to_vec()));
        let refused = Err(Code::EncryptedDataInvalid);
        assert_eq!(code(&[8; 32], 1, b"aad", &sealed), refused);
        assert_eq!(code(&KEY, 2, b"aad", &sealed), refused);
        assert_eq!(code(&KEY, 1, b"dad", &sealed), refused);
        assert_eq!(code(&KEY, 1, b"aad", &sealed[..15]), refused);
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(code(&KEY, 1, b"aad", &damaged), refused, "byte {at}");
        }
    }

    #[test]
    fn keys_of_other_lengths_are_refused() {
        for len in [0, 15, 17, 31, 33, 64] {
            assert_eq!(
                Gcm::new(&vec![0; len], TAG).err().unwrap().code,
                Code::KeySizeRange
            );
        }
    }
}
