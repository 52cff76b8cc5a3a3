//! aws-lc, safely: a file a family, each C object a type that frees itself. One of the three homes
//! of `unsafe`.

pub(crate) mod random;

use std::ffi::c_void;

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
