//! aws-lc, safely: a file a family, each C object a type that frees itself. One of the three homes
//! of `unsafe`.

pub(crate) mod aead;
mod bn;
pub(crate) mod cipher;
pub(crate) mod digest;
pub(crate) mod ec;
pub(crate) mod ed25519;
pub(crate) mod kdf;
pub(crate) mod keywrap;
pub(crate) mod mac;
pub(crate) mod random;
pub(crate) mod rsa;
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

/// Wipes a plain C structure that aws-lc has no destructor for.
pub(crate) fn cleanse<T>(state: &mut T) {
    // SAFETY: a whole, exclusively borrowed value of `size_of::<T>()` bytes; callers pass structures
    // of integers, for which all zeroes is a value.
    unsafe { aws_lc_sys::OPENSSL_cleanse((&raw mut *state).cast::<c_void>(), size_of::<T>()) };
}
