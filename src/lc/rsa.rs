//! RSA (RFC 8017): keys as aws-lc keeps them, and its operations on them. An `RSA` caches its
//! Montgomery forms and its blinding behind a lock of its own, so that one key serves any number of
//! threads and costs what aws-lc costs; what is read here from a key never changes once it is made.

use std::ffi::{c_int, c_uint};
use std::ptr::{NonNull, null_mut};

use aws_lc_sys::*;
use zeroize::Zeroizing;

use crate::error::{Code, Result};
use crate::lc::bn;
use crate::lc::bn::Bn;
use crate::lc::digest::Hash;
use crate::lc::rsa_parts::Parts;
use crate::lc::{done, succeeded};
use crate::secret::Secret;

/// A public key, or a private one with its primes. Clones share the key.
pub(crate) struct Rsa(NonNull<RSA>);

// SAFETY: aws-lc counts references atomically and guards what an RSA caches by the key's own lock;
// nothing here changes a key once it is made.
unsafe impl Send for Rsa {}
// SAFETY: as above.
unsafe impl Sync for Rsa {}

/// Which number of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Modulus,
    PublicExponent,
    PrivateExponent,
    Prime1,
    Prime2,
    Exponent1,
    Exponent2,
    Coefficient,
}

impl Rsa {
    /// A fresh key pair. aws-lc rounds the length down to a multiple of 128 bits, so callers ask for
    /// such lengths only.
    ///
    /// # Errors
    /// `CKR_GENERAL_ERROR` where aws-lc makes none, as for an even exponent or one over 32 bits.
    pub(crate) fn generate(bits: usize, exponent: &[u8]) -> Result<Self> {
        let bits = c_int::try_from(bits).map_err(|_| Code::KeySizeRange)?;
        let exponent = Bn::from_bytes(exponent)?;
        // SAFETY: takes nothing.
        let key = Self::owned(unsafe { RSA_new() })?;
        // SAFETY: a fresh RSA and a BIGNUM of ours, no callback.
        done(unsafe { RSA_generate_key_ex(key.raw(), bits, exponent.as_ptr(), null_mut()) })?;
        Ok(key)
    }

    /// A public key from big-endian numbers.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for an even modulus, an exponent that is even, 1 or over 33
    /// bits.
    pub(crate) fn public(modulus: &[u8], exponent: &[u8]) -> Result<Self> {
        let (n, e) = (Bn::from_bytes(modulus)?, Bn::from_bytes(exponent)?);
        // SAFETY: two BIGNUMs of ours, which the callee copies.
        Self::valid(unsafe { RSA_new_public_key(n.as_ptr(), e.as_ptr()) })
    }

    /// A private key from big-endian numbers; primes and coefficients that are missing are computed.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for numbers that are not one key's.
    pub(crate) fn private(parts: &Given<'_>) -> Result<Self> {
        let Parts {
            n,
            e,
            d,
            p,
            q,
            dp,
            dq,
            qi,
        } = Parts::complete(parts)?;
        // SAFETY: eight BIGNUMs of ours, which the callee copies and checks against each other.
        Self::valid(unsafe {
            RSA_new_private_key(
                n.as_ptr(),
                e.as_ptr(),
                d.as_ptr(),
                p.as_ptr(),
                q.as_ptr(),
                dp.as_ptr(),
                dq.as_ptr(),
                qi.as_ptr(),
            )
        })
    }

    /// The public half alone.
    pub(crate) fn to_public(&self) -> Result<Self> {
        let (n, e) = (self.part(Part::Modulus)?, self.part(Part::PublicExponent)?);
        Self::public(n.expose(), e.expose())
    }

    /// The modulus's length in bytes: that of every signature and ciphertext.
    pub(crate) fn size(&self) -> usize {
        // SAFETY: a live key.
        unsafe { RSA_size(self.raw()) as usize }
    }

    /// The modulus's length in bits.
    pub(crate) fn bits(&self) -> usize {
        // SAFETY: a live key.
        unsafe { RSA_bits(self.raw()) as usize }
    }

    pub(crate) fn is_private(&self) -> bool {
        self.number(Part::PrivateExponent).is_some()
    }

    /// A number of the key, big-endian, without leading zeroes.
    ///
    /// # Errors
    /// `CKR_GENERAL_ERROR` for a private part of a public key.
    pub(crate) fn part(&self, part: Part) -> Result<Secret> {
        let number = self.number(part).ok_or(Code::GeneralError)?;
        bn::secret(number, bn::bits(number).div_ceil(8))
    }

    fn number(&self, part: Part) -> Option<&BIGNUM> {
        let get = match part {
            Part::Modulus => RSA_get0_n,
            Part::PublicExponent => RSA_get0_e,
            Part::PrivateExponent => RSA_get0_d,
            Part::Prime1 => RSA_get0_p,
            Part::Prime2 => RSA_get0_q,
            Part::Exponent1 => RSA_get0_dmp1,
            Part::Exponent2 => RSA_get0_dmq1,
            Part::Coefficient => RSA_get0_iqmp,
        };
        // SAFETY: a live key.
        let number = unsafe { get(self.raw()) };
        // SAFETY: NULL or a number that lives unchanged as long as the key, hence as `self`.
        unsafe { number.as_ref() }
    }

    /// Writes the signature of `data` under type 1 padding (RFC 8017, 8.2) to `out`.
    ///
    /// # Errors
    /// `CKR_DATA_LEN_RANGE` for data longer than the key takes.
    pub(crate) fn sign_pkcs1(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        match data.len() + 11 > self.size() {
            true => Err(Code::DataLenRange.into()),
            false => self.sign_raw(data, out, RSA_PKCS1_PADDING),
        }
    }

    /// Writes the signature of a digest under type 1 padding, in its DigestInfo.
    ///
    /// # Errors
    /// `CKR_KEY_SIZE_RANGE` for a key too short for the hash.
    pub(crate) fn sign_digest(&self, hash: Hash, digest: &[u8], out: &mut [u8]) -> Result<usize> {
        let out = self.room(out)?;
        let mut len: c_uint = 0;
        let (data, at, key) = (digest.as_ptr(), out.as_mut_ptr(), self.raw());
        // SAFETY: `digest` is readable for its length, `out` holds a signature of the key.
        let rc = unsafe { RSA_sign(nid(hash), data, digest.len(), at, &raw mut len, key) };
        match succeeded(rc) {
            true => Ok(len as usize),
            false => Err(Code::KeySizeRange.into()),
        }
    }

    /// Whether a signature over a digest, in its DigestInfo, is right.
    pub(crate) fn verifies_digest(&self, hash: Hash, digest: &[u8], signature: &[u8]) -> bool {
        let (data, at) = (digest.as_ptr(), signature.as_ptr());
        let (data_len, len) = (digest.len(), signature.len());
        // SAFETY: both are readable for their lengths, the key is live.
        succeeded(unsafe { RSA_verify(nid(hash), data, data_len, at, len, self.raw()) })
    }

    /// The data that a signature under type 1 padding holds; nothing where it is wrong.
    pub(crate) fn recover_pkcs1(&self, signature: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut out = room(self.size())?;
        let mut len = 0;
        let (to, room) = (out.as_mut_ptr(), out.len());
        let (from, from_len) = (signature.as_ptr(), signature.len());
        // SAFETY: `out` is writable and `signature` readable for its length, the key is live.
        let rc = unsafe {
            RSA_verify_raw(
                self.raw(),
                &raw mut len,
                to,
                room,
                from,
                from_len,
                RSA_PKCS1_PADDING,
            )
        };
        out.truncate(len);
        Ok(succeeded(rc).then_some(out))
    }

    /// Writes the PSS signature of a digest (RFC 8017, 8.1) with a fresh salt of `salt` bytes.
    ///
    /// # Errors
    /// `CKR_KEY_SIZE_RANGE` for a key too short for hash and salt.
    pub(crate) fn sign_pss(&self, pss: Pss, digest: &[u8], out: &mut [u8]) -> Result<usize> {
        let out = self.room(out)?;
        let Pss { hash, mgf, salt } = pss;
        let (mut len, at, room) = (0, out.as_mut_ptr(), out.len());
        let (from, from_len) = (digest.as_ptr(), digest.len());
        // SAFETY: `out` is writable and `digest` readable for its length, the hashes are static.
        let rc = unsafe {
            RSA_sign_pss_mgf1(
                self.raw(),
                &raw mut len,
                at,
                room,
                from,
                from_len,
                hash.md(),
                mgf.md(),
                c_int::from(salt),
            )
        };
        match succeeded(rc) {
            true => Ok(len),
            false => Err(Code::KeySizeRange.into()),
        }
    }

    /// Whether a PSS signature over a digest, with a salt of exactly that length, is right.
    pub(crate) fn verifies_pss(&self, pss: Pss, digest: &[u8], signature: &[u8]) -> bool {
        let Pss { hash, mgf, salt } = pss;
        let (data, data_len) = (digest.as_ptr(), digest.len());
        let (at, len) = (signature.as_ptr(), signature.len());
        // SAFETY: both are readable for their lengths, the hashes are static, the key is live.
        succeeded(unsafe {
            RSA_verify_pss_mgf1(
                self.raw(),
                data,
                data_len,
                hash.md(),
                mgf.md(),
                c_int::from(salt),
                at,
                len,
            )
        })
    }

    /// The private operation on a number of the key's size (RFC 8017, 5.1.2).
    ///
    /// # Errors
    /// `CKR_DATA_INVALID` for 0, 1 and what is not under the modulus less 1.
    pub(crate) fn private_raw(&self, number: &[u8], out: &mut [u8]) -> Result<usize> {
        self.sign_raw(number, out, RSA_NO_PADDING)
    }

    /// The public operation on a number of the key's size (RFC 8017, 5.1.1).
    ///
    /// # Errors
    /// `CKR_DATA_INVALID` for what is not under the modulus.
    pub(crate) fn public_raw(&self, number: &[u8], out: &mut [u8]) -> Result<usize> {
        self.encrypt(number, out, RSA_NO_PADDING)
    }

    /// Encrypts under type 2 padding (RFC 8017, 7.2).
    ///
    /// # Errors
    /// `CKR_DATA_LEN_RANGE` for data longer than the key takes.
    pub(crate) fn encrypt_pkcs1(&self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        match data.len() + 11 > self.size() {
            true => Err(Code::DataLenRange.into()),
            false => self.encrypt(data, out, RSA_PKCS1_PADDING),
        }
    }

    /// What is under type 2 padding, or nothing: aws-lc looks at the padding in constant time up to
    /// the one answer whether it is right.
    pub(crate) fn decrypt_pkcs1(&self, data: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let mut out = Zeroizing::new(room(self.size())?);
        let mut len = 0;
        let (to, room) = (out.as_mut_ptr(), out.len());
        let (from, from_len) = (data.as_ptr(), data.len());
        // SAFETY: `out` is writable and `data` readable for its length, the key is live.
        let rc = unsafe {
            RSA_decrypt(
                self.raw(),
                &raw mut len,
                to,
                room,
                from,
                from_len,
                RSA_PKCS1_PADDING,
            )
        };
        let right = succeeded(rc);
        out.truncate(len);
        Ok(right.then_some(out))
    }

    fn sign_raw(&self, data: &[u8], out: &mut [u8], padding: c_int) -> Result<usize> {
        let out = self.room(out)?;
        let (mut len, at, room) = (0, out.as_mut_ptr(), out.len());
        let (from, from_len) = (data.as_ptr(), data.len());
        // SAFETY: `out` is writable and `data` readable for its length, the key is live.
        let rc =
            unsafe { RSA_sign_raw(self.raw(), &raw mut len, at, room, from, from_len, padding) };
        match succeeded(rc) {
            true => Ok(len),
            false => Err(Code::DataInvalid.into()),
        }
    }

    pub(super) fn encrypt(&self, data: &[u8], out: &mut [u8], padding: c_int) -> Result<usize> {
        let out = self.room(out)?;
        let (mut len, at, room) = (0, out.as_mut_ptr(), out.len());
        let (from, from_len) = (data.as_ptr(), data.len());
        // SAFETY: `out` is writable and `data` readable for its length, the key is live.
        let rc =
            unsafe { RSA_encrypt(self.raw(), &raw mut len, at, room, from, from_len, padding) };
        match succeeded(rc) {
            true => Ok(len),
            false => Err(Code::DataInvalid.into()),
        }
    }

    /// As much of `out` as a result fills.
    fn room<'a>(&self, out: &'a mut [u8]) -> Result<&'a mut [u8]> {
        out.get_mut(..self.size())
            .ok_or_else(|| Code::GeneralError.into())
    }

    fn owned(key: *mut RSA) -> Result<Self> {
        NonNull::new(key)
            .map(Self)
            .ok_or_else(|| Code::HostMemory.into())
    }

    /// What aws-lc's own checks let through.
    fn valid(key: *mut RSA) -> Result<Self> {
        match succeeded(c_int::from(!key.is_null())) {
            true => Self::owned(key),
            false => Err(Code::AttributeValueInvalid.into()),
        }
    }

    pub(super) fn raw(&self) -> *mut RSA {
        self.0.as_ptr()
    }
}

impl Clone for Rsa {
    fn clone(&self) -> Self {
        // SAFETY: a live key; the count is atomic, and the copy gives its reference back on drop.
        unsafe { RSA_up_ref(self.raw()) };
        Self(self.0)
    }
}

impl Drop for Rsa {
    fn drop(&mut self) {
        // SAFETY: each Rsa holds one reference; aws-lc wipes the key with the last.
        unsafe { RSA_free(self.raw()) };
    }
}

/// A private key's numbers as a host gives them, big-endian.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) modulus: &'a [u8],
    pub(crate) public_exponent: &'a [u8],
    pub(crate) private_exponent: &'a [u8],
    pub(crate) primes: Option<(&'a [u8], &'a [u8])>,
    /// d mod p-1, d mod q-1, q^-1 mod p.
    pub(crate) coefficients: Option<(&'a [u8], &'a [u8], &'a [u8])>,
}

/// PSS's parameters; the salt's length in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pss {
    pub(crate) hash: Hash,
    pub(crate) mgf: Hash,
    pub(crate) salt: u16,
}

/// `len` zero bytes.
pub(super) fn room(len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Code::HostMemory)?;
    bytes.resize(len, 0);
    Ok(bytes)
}

/// aws-lc's number for a hash.
fn nid(hash: Hash) -> c_int {
    // SAFETY: a static hash.
    unsafe { EVP_MD_type(hash.md()) }
}
