//! Encrypting (PKCS#11 3.2, 5.8).

use cryptoki_sys::*;

use super::args;
use super::entry::entry;
use super::params;
use crate::session::{Way, on};

/// Starts, or with a NULL mechanism ends.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_EncryptInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_EncryptInit", || {
        on(session, |session| {
            if mechanism.is_null() {
                return session.cipher_cancel(Way::Encrypt);
            }
            // SAFETY: pointer contract 1.
            session.cipher_init(Way::Encrypt, || unsafe { params::how(mechanism) }, key)
        })
    })
}

/// Everything in one part.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_Encrypt(
    session: CK_SESSION_HANDLE,
    plain: *mut CK_BYTE,
    plain_len: CK_ULONG,
    sealed: *mut CK_BYTE,
    sealed_len: *mut CK_ULONG,
) -> CK_RV {
    entry("C_Encrypt", || {
        on(session, |session| {
            let (plain, sealed) = ((plain.cast_const(), plain_len), (sealed, sealed_len));
            // SAFETY: pointer contract 1, 2 and 3.
            unsafe { args::through(plain, sealed, |given| session.cipher(Way::Encrypt, given)) }
        })
    })
}

/// The next part.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_EncryptUpdate(
    session: CK_SESSION_HANDLE,
    plain: *mut CK_BYTE,
    plain_len: CK_ULONG,
    sealed: *mut CK_BYTE,
    sealed_len: *mut CK_ULONG,
) -> CK_RV {
    entry("C_EncryptUpdate", || {
        on(session, |session| {
            let (plain, sealed) = ((plain.cast_const(), plain_len), (sealed, sealed_len));
            // SAFETY: pointer contract 1, 2 and 3.
            unsafe {
                args::through(plain, sealed, |given| {
                    session.cipher_update(Way::Encrypt, given)
                })
            }
        })
    })
}

/// The end.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_EncryptFinal(
    session: CK_SESSION_HANDLE,
    sealed: *mut CK_BYTE,
    sealed_len: *mut CK_ULONG,
) -> CK_RV {
    entry("C_EncryptFinal", || {
        on(session, |session| {
            // SAFETY: pointer contract 2 and 3.
            unsafe {
                args::fill((sealed, sealed_len), |given| {
                    session.cipher_final(Way::Encrypt, given)
                })
            }
        })
    })
}
