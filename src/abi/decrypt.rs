//! Decrypting (PKCS#11 3.2, 5.10).

use cryptoki_sys::*;

use super::args;
use super::entry::entry;
use super::params;
use crate::session::{Way, on};

/// Starts, or with a NULL mechanism ends.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_DecryptInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_DecryptInit", || {
        on(session, |session| {
            if mechanism.is_null() {
                return session.cipher_cancel(Way::Decrypt);
            }
            // SAFETY: pointer contract 1.
            session.cipher_init(Way::Decrypt, || unsafe { params::how(mechanism) }, key)
        })
    })
}

/// Everything in one part.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_Decrypt(
    session: CK_SESSION_HANDLE,
    sealed: *mut CK_BYTE,
    sealed_len: CK_ULONG,
    plain: *mut CK_BYTE,
    plain_len: *mut CK_ULONG,
) -> CK_RV {
    entry("C_Decrypt", || {
        on(session, |session| {
            let (sealed, plain) = ((sealed.cast_const(), sealed_len), (plain, plain_len));
            // SAFETY: pointer contract 1, 2 and 3.
            unsafe { args::through(sealed, plain, |given| session.cipher(Way::Decrypt, given)) }
        })
    })
}

/// The next part.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_DecryptUpdate(
    session: CK_SESSION_HANDLE,
    sealed: *mut CK_BYTE,
    sealed_len: CK_ULONG,
    plain: *mut CK_BYTE,
    plain_len: *mut CK_ULONG,
) -> CK_RV {
    entry("C_DecryptUpdate", || {
        on(session, |session| {
            let (sealed, plain) = ((sealed.cast_const(), sealed_len), (plain, plain_len));
            // SAFETY: pointer contract 1, 2 and 3.
            unsafe {
                args::through(sealed, plain, |given| {
                    session.cipher_update(Way::Decrypt, given)
                })
            }
        })
    })
}

/// The end.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_DecryptFinal(
    session: CK_SESSION_HANDLE,
    plain: *mut CK_BYTE,
    plain_len: *mut CK_ULONG,
) -> CK_RV {
    entry("C_DecryptFinal", || {
        on(session, |session| {
            // SAFETY: pointer contract 2 and 3.
            unsafe {
                args::fill((plain, plain_len), |given| {
                    session.cipher_final(Way::Decrypt, given)
                })
            }
        })
    })
}
