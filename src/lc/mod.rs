//! aws-lc, safely: a file a family, each C object a type that frees itself. One of the three homes
//! of `unsafe`.

pub(crate) mod aead;
mod bn;
pub(crate) mod cipher;
pub(crate) mod digest;
pub(crate) mod ec;
pub(crate) mod ed25519;
mod gate;
pub(crate) mod kdf;
pub(crate) mod keywrap;
pub(crate) mod mac;
pub(crate) mod random;
pub(crate) mod rsa;
pub(crate) mod rsa_oaep;
mod rsa_parts;

use std::ffi::{c_int, c_void};

use crate::error::{Code, Result};

/// Equality in constant time of two byte strings of the same length; another length is unequal.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    // SAFETY: both pointers are readable for the common length.
    a.len() == b.len()
        && unsafe {
            aws_lc_sys::CRYPTO_memcmp(
                a.as_ptr().cast::<c_void>(),
                b.as_ptr().cast::<c_void>(),
                a.len(),
            )
        } == 0
}

/// Whether a call of aws-lc, which answers 1 for success, succeeded. What it left in the thread's
/// error queue is dropped.
pub(crate) fn succeeded(answer: c_int) -> bool {
    if answer != 1 {
        // SAFETY: takes no argument and touches this thread's queue alone.
        unsafe { aws_lc_sys::ERR_clear_error() };
    }
    answer == 1
}

/// The same for a call that can fail for want of memory or by a defect of ours only.
///
/// # Errors
/// `CKR_GENERAL_ERROR`.
pub(crate) fn done(answer: c_int) -> Result<()> {
    match succeeded(answer) {
        true => Ok(()),
        false => Err(Code::GeneralError.into()),
    }
}

/// A C structure of integers alone: it needs no destructor, and all zeroes is a value of it.
///
/// # Safety
/// The type holds no pointer, no reference and nothing else that all zeroes is not a value of.
unsafe trait Flat: Sized {
    fn zeroed() -> Self {
        // SAFETY: `Flat` says that all zeroes is a value.
        unsafe { std::mem::zeroed() }
    }

    fn wipe(&mut self) {
        let place = (&raw mut *self).cast::<c_void>();
        // SAFETY: a whole, exclusively borrowed value, of which all zeroes is another.
        unsafe { aws_lc_sys::OPENSSL_cleanse(place, size_of::<Self>()) };
    }
}

// SAFETY: words of a key schedule, and their number.
unsafe impl Flat for aws_lc_sys::AES_KEY {}
// SAFETY: chaining words, counters and a block.
unsafe impl Flat for aws_lc_sys::SHA_CTX {}
// SAFETY: as SHA_CTX.
unsafe impl Flat for aws_lc_sys::SHA256_CTX {}
// SAFETY: as SHA_CTX.
unsafe impl Flat for aws_lc_sys::SHA512_CTX {}
// SAFETY: bytes.
unsafe impl<const N: usize> Flat for [u8; N] {}
