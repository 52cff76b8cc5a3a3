//! RSAES-OAEP (RFC 8017, 7.1) with any hash, any MGF1 hash and any label.

use std::ptr::{NonNull, null_mut};

use aws_lc_sys::*;
use zeroize::Zeroizing;

use crate::error::{Code, Result};
use crate::lc::digest::Hash;
use crate::lc::rsa::{Rsa, room};
use crate::lc::{done, succeeded};

/// OAEP's parameters.
#[derive(Clone, Copy)]
pub(crate) struct Oaep<'a> {
    pub(crate) hash: Hash,
    pub(crate) mgf: Hash,
    pub(crate) label: &'a [u8],
}

impl Rsa {
    /// Encrypts under OAEP (RFC 8017, 7.1).
    ///
    /// # Errors
    /// `CKR_DATA_LEN_RANGE` for data longer than the key takes with this hash.
    pub(crate) fn encrypt_oaep(
        &self,
        oaep: Oaep<'_>,
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let Oaep { hash, mgf, label } = oaep;
        let mut padded = Zeroizing::new(room(self.size())?);
        let (to, room) = (padded.as_mut_ptr(), padded.len());
        // SAFETY: `padded` is writable, data and label readable for their lengths, the hashes static.
        let rc = unsafe {
            RSA_padding_add_PKCS1_OAEP_mgf1(
                to,
                room,
                data.as_ptr(),
                data.len(),
                label.as_ptr(),
                label.len(),
                hash.md(),
                mgf.md(),
            )
        };
        match succeeded(rc) {
            true => self.encrypt(&padded, out, RSA_NO_PADDING),
            false => Err(Code::DataLenRange.into()),
        }
    }

    /// What is under OAEP, or nothing; constant time as for [`Rsa::decrypt_pkcs1`].
    pub(crate) fn decrypt_oaep(
        &self,
        oaep: Oaep<'_>,
        data: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let mut out = Zeroizing::new(room(self.size())?);
        let context = Decryption::new(self, oaep)?;
        let mut len = out.len();
        let (to, from, from_len) = (out.as_mut_ptr(), data.as_ptr(), data.len());
        // SAFETY: `out` is writable for `len`, `data` readable for its length, the context prepared.
        let rc = unsafe { EVP_PKEY_decrypt(context.0.as_ptr(), to, &raw mut len, from, from_len) };
        let right = succeeded(rc);
        out.truncate(if right { len } else { 0 });
        Ok(right.then_some(out))
    }
}

/// An OAEP decryption, prepared.
struct Decryption(NonNull<EVP_PKEY_CTX>);

impl Decryption {
    fn new(key: &Rsa, oaep: Oaep<'_>) -> Result<Self> {
        let context = Self::of(key)?;
        let raw = context.0.as_ptr();
        // SAFETY: a live context of an RSA key.
        done(unsafe { EVP_PKEY_decrypt_init(raw) })?;
        // SAFETY: a context that decrypts.
        done(unsafe { EVP_PKEY_CTX_set_rsa_padding(raw, RSA_PKCS1_OAEP_PADDING) })?;
        // SAFETY: a context that decrypts under OAEP, a static hash.
        done(unsafe { EVP_PKEY_CTX_set_rsa_oaep_md(raw, oaep.hash.md()) })?;
        // SAFETY: a context that decrypts under OAEP, a static hash.
        done(unsafe { EVP_PKEY_CTX_set_rsa_mgf1_md(raw, oaep.mgf.md()) })?;
        context.label(oaep.label)?;
        Ok(context)
    }

    fn of(key: &Rsa) -> Result<Self> {
        // SAFETY: takes nothing.
        let holder = NonNull::new(unsafe { EVP_PKEY_new() }).ok_or(Code::HostMemory)?;
        // SAFETY: a fresh EVP_PKEY and a live key, of which it takes a reference.
        let set = done(unsafe { EVP_PKEY_set1_RSA(holder.as_ptr(), key.raw()) });
        // SAFETY: a live EVP_PKEY, of which the context takes a reference; no engine.
        let context = unsafe { EVP_PKEY_CTX_new(holder.as_ptr(), null_mut()) };
        // SAFETY: our own reference, given back once.
        unsafe { EVP_PKEY_free(holder.as_ptr()) };
        let context = NonNull::new(context).map(Self).ok_or(Code::HostMemory)?;
        set.map(|()| context)
    }

    /// The label goes over to the context, which frees it; without one there is nothing to set.
    fn label(&self, label: &[u8]) -> Result<()> {
        if label.is_empty() {
            return Ok(());
        }
        // SAFETY: `label` is readable for its length.
        let copy = unsafe { OPENSSL_memdup(label.as_ptr().cast(), label.len()) };
        if copy.is_null() {
            return Err(Code::HostMemory.into());
        }
        // SAFETY: a context under OAEP takes over a copy made by aws-lc's allocator.
        let rc =
            unsafe { EVP_PKEY_CTX_set0_rsa_oaep_label(self.0.as_ptr(), copy.cast(), label.len()) };
        done(rc).inspect_err(|_| {
            // SAFETY: a copy that was not taken over.
            unsafe { OPENSSL_free(copy) }
        })
    }
}

impl Drop for Decryption {
    fn drop(&mut self) {
        // SAFETY: made by EVP_PKEY_CTX_new and freed here alone.
        unsafe { EVP_PKEY_CTX_free(self.0.as_ptr()) };
    }
}
