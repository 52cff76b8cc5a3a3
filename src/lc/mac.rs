//! HMAC (RFC 2104, FIPS 198-1): a key made ready once, and MACs that start from a copy of it.

use std::ptr::null_mut;

use aws_lc_sys::*;

use crate::error::{Code, Result};
use crate::lc::digest::{Hash, LONGEST};
use crate::lc::done;

/// A MAC under way, or a key made ready: HMAC's inner and outer states, flat and in place. It is
/// started where it lies and wiped when it goes, so that no copy of a keyed state stays behind.
pub(crate) struct Hmac(HMAC_CTX);

impl Hmac {
    /// No key yet: [`Hmac::update`] and [`Hmac::finish`] fail.
    pub(crate) fn blank() -> Self {
        // SAFETY: integers, and pointers that may be null; HMAC_CTX_init sets all to zero too.
        Self(unsafe { std::mem::zeroed() })
    }

    /// Takes a key; any length, also none (RFC 2104, 2).
    pub(crate) fn key(&mut self, hash: Hash, key: &[u8]) -> Result<()> {
        // SAFETY: a zeroed or initialised context, a readable key (never NULL, which would mean
        // "the same key"), a static hash, no engine.
        done(unsafe {
            HMAC_Init_ex(
                &raw mut self.0,
                key.as_ptr().cast(),
                key.len(),
                hash.md(),
                null_mut(),
            )
        })
    }

    /// Starts over from a key that was made ready.
    pub(crate) fn start(&mut self, ready: &Self) -> Result<()> {
        ready.is_keyed()?;
        // SAFETY: a zeroed or initialised context takes a flat copy of an initialised one.
        done(unsafe { HMAC_CTX_copy_ex(&raw mut self.0, &raw const ready.0) })
    }

    pub(crate) fn update(&mut self, data: &[u8]) -> Result<()> {
        self.is_keyed()?;
        // SAFETY: the context is initialised, `data` readable for its length.
        done(unsafe { HMAC_Update(&raw mut self.0, data.as_ptr(), data.len()) })
    }

    /// The whole MAC at the front of an array, and its length.
    pub(crate) fn finish(&mut self) -> Result<([u8; LONGEST], usize)> {
        self.is_keyed()?;
        let (mut out, mut len) = ([0; LONGEST], 0);
        // SAFETY: the context is initialised, `out` holds the longest MAC.
        done(unsafe { HMAC_Final(&raw mut self.0, out.as_mut_ptr(), &raw mut len) })?;
        Ok((out, usize::try_from(len).map_err(|_| Code::GeneralError)?))
    }

    fn is_keyed(&self) -> Result<()> {
        match self.0.methods.is_null() {
            true => Err(Code::GeneralError.into()),
            false => Ok(()),
        }
    }
}

// SAFETY: flat, owned, its pointers lead to statics.
unsafe impl Send for Hmac {}
// SAFETY: nothing changes through `&Hmac`.
unsafe impl Sync for Hmac {}

impl Drop for Hmac {
    fn drop(&mut self) {
        // SAFETY: a zeroed or initialised context; this wipes it.
        unsafe { HMAC_CTX_cleanup(&raw mut self.0) };
    }
}

/// HMAC-SHA-256 of the parts in a row.
///
/// # Errors
/// `CKR_GENERAL_ERROR`, which aws-lc gives no cause for here.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Result<[u8; 32]> {
    let mut mac = Hmac::blank();
    mac.key(Hash::Sha256, key)?;
    parts.iter().try_for_each(|part| mac.update(part))?;
    let (whole, _) = mac.finish()?;
    let [first, _] = whole.as_chunks().0 else {
        return Err(Code::GeneralError.into());
    };
    Ok(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_sha256_is_that_of_rfc_4231_case_2() {
        let mac = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]).unwrap();
        let hex: String = mac.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_key_made_ready_serves_many_macs_and_is_not_changed_by_them() {
        let mut ready = Hmac::blank();
        ready.key(Hash::Sha3_512, b"key").unwrap();
        let mac = |data: &[u8]| {
            let mut mac = Hmac::blank();
            mac.start(&ready).unwrap();
            mac.update(data).unwrap();
            mac.finish().unwrap()
        };
        assert_eq!(mac(b"a"), mac(b"a"));
        assert_ne!(mac(b"a"), mac(b"b"));
        assert_eq!(mac(b"a").1, 64);
    }

    #[test]
    fn an_empty_key_is_a_key_and_no_key_is_an_error() {
        assert!(hmac_sha256(b"", &[]).is_ok());
        assert!(Hmac::blank().update(b"x").is_err());
        assert!(Hmac::blank().finish().is_err());
        assert!(Hmac::blank().start(&Hmac::blank()).is_err());
    }
}
