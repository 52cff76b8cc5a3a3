//! HMAC (RFC 2104, FIPS 198-1) and AES-CMAC (NIST SP 800-38B): a key made ready once, and MACs that
//! start from a copy of it.

use std::ptr::{NonNull, null_mut};

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

/// An AES-CMAC under way, or a key made ready.
pub(crate) struct Cmac(NonNull<CMAC_CTX>);

// SAFETY: the context is owned, has no ties to a thread.
unsafe impl Send for Cmac {}
// SAFETY: nothing changes through `&Cmac`; copying reads its source alone.
unsafe impl Sync for Cmac {}

impl Cmac {
    /// # Errors
    /// `CKR_KEY_SIZE_RANGE` for a key that is not of 16, 24 or 32 bytes, `CKR_HOST_MEMORY`.
    pub(crate) fn new(key: &[u8]) -> Result<Self> {
        let cipher: unsafe extern "C" fn() -> *const EVP_CIPHER = match key.len() {
            16 => EVP_aes_128_cbc,
            24 => EVP_aes_192_cbc,
            32 => EVP_aes_256_cbc,
            _ => return Err(Code::KeySizeRange.into()),
        };
        // SAFETY: takes nothing and gives a static.
        let cipher = unsafe { cipher() };
        let this = Self::empty()?;
        // SAFETY: a fresh context, a readable key of the cipher's length, no engine.
        done(unsafe {
            CMAC_Init(
                this.0.as_ptr(),
                key.as_ptr().cast(),
                key.len(),
                cipher,
                null_mut(),
            )
        })?;
        Ok(this)
    }

    /// A MAC that starts from this key.
    ///
    /// # Errors
    /// `CKR_HOST_MEMORY`.
    pub(crate) fn start(&self) -> Result<Self> {
        let copy = Self::empty()?;
        // SAFETY: a fresh context takes a copy of an initialised one.
        done(unsafe { CMAC_CTX_copy(copy.0.as_ptr(), self.0.as_ptr()) })?;
        Ok(copy)
    }

    pub(crate) fn update(&mut self, data: &[u8]) -> Result<()> {
        // SAFETY: the context is initialised, `data` readable for its length.
        done(unsafe { CMAC_Update(self.0.as_ptr(), data.as_ptr(), data.len()) })
    }

    /// The whole MAC.
    pub(crate) fn finish(&mut self) -> Result<[u8; 16]> {
        let (mut out, mut len) = ([0; 16], 0);
        // SAFETY: the context is initialised, `out` holds a block.
        done(unsafe { CMAC_Final(self.0.as_ptr(), out.as_mut_ptr(), &raw mut len) })?;
        Ok(out)
    }

    fn empty() -> Result<Self> {
        // SAFETY: takes nothing.
        let context = NonNull::new(unsafe { CMAC_CTX_new() });
        context.map(Self).ok_or_else(|| Code::HostMemory.into())
    }
}

impl Drop for Cmac {
    fn drop(&mut self) {
        // SAFETY: made by CMAC_CTX_new and freed here alone; aws-lc wipes what it frees.
        unsafe { CMAC_CTX_free(self.0.as_ptr()) };
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

    /// RFC 4493, 4, examples 1 and 3.
    #[test]
    fn cmac_is_that_of_rfc_4493_also_from_one_ready_key() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        let ready = Cmac::new(&key).unwrap();
        let mac = |parts: &[&[u8]]| {
            let mut mac = ready.start().unwrap();
            parts.iter().try_for_each(|part| mac.update(part)).unwrap();
            u128::from_be_bytes(mac.finish().unwrap())
        };
        let first = 0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128.to_be_bytes();
        let second = 0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51_u128.to_be_bytes();
        let third = 0x30c8_1c46_a35c_e411_u64.to_be_bytes();
        assert_eq!(mac(&[]), 0xbb1d_6929_e959_3728_7fa3_7d12_9b75_6746);
        assert_eq!(
            mac(&[&first, &second, &third]),
            0xdfa6_6747_de9a_e630_30ca_3261_1497_c827
        );
    }

    #[test]
    fn an_empty_key_is_a_key_and_no_key_is_an_error() {
        assert!(hmac_sha256(b"", &[]).is_ok());
        assert!(Hmac::blank().update(b"x").is_err());
        assert!(Hmac::blank().finish().is_err());
        assert!(Hmac::blank().start(&Hmac::blank()).is_err());
    }
}
