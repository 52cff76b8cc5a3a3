//! Signing and MACing (PKCS#11 3.2, 5.13).

use cryptoki_sys::*;

use super::args;
use super::entry::entry;
use super::params;
use crate::session::on;

/// Starts, or with a NULL mechanism ends.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_SignInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_SignInit", || {
        on(session, |session| {
            if mechanism.is_null() {
                return session.sign_cancel();
            }
            // SAFETY: pointer contract 1.
            session.sign_init(|| unsafe { params::how(mechanism) }, key)
        })
    })
}

/// Everything in one part.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_Sign(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_len: *mut CK_ULONG,
) -> CK_RV {
    entry("C_Sign", || {
        on(session, |session| {
            let (data, signature) = ((data.cast_const(), data_len), (signature, signature_len));
            // SAFETY: pointer contract 1, 2 and 3.
            unsafe { args::through(data, signature, |given| session.sign(given)) }
        })
    })
}

/// The next part.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_SignUpdate(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
) -> CK_RV {
    entry("C_SignUpdate", || {
        on(session, |session| {
            // SAFETY: pointer contract 1 and 3; used in this call only.
            session.sign_update(unsafe { args::bytes((data.cast_const(), data_len)) })
        })
    })
}

/// The end.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_SignFinal(
    session: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    signature_len: *mut CK_ULONG,
) -> CK_RV {
    entry("C_SignFinal", || {
        on(session, |session| {
            let signature = (signature, signature_len);
            // SAFETY: pointer contract 2 and 3.
            unsafe { args::fill(signature, |given| session.sign_final(given)) }
        })
    })
}
