//! Verifying signatures and MACs (PKCS#11 3.2, 5.15).

use cryptoki_sys::*;

use super::args;
use super::entry::entry;
use super::params;
use crate::session::on;

/// Starts, or with a NULL mechanism ends.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_VerifyInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_VerifyInit", || {
        on(session, |session| {
            if mechanism.is_null() {
                return session.verify_cancel();
            }
            // SAFETY: pointer contract 1.
            session.verify_init(|| unsafe { params::how(mechanism) }, key)
        })
    })
}

/// Everything in one part.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_Verify(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_len: CK_ULONG,
) -> CK_RV {
    entry("C_Verify", || {
        on(session, |session| {
            // SAFETY: pointer contract 1 and 3; used in this call only.
            let data = unsafe { args::bytes((data.cast_const(), data_len)) };
            // SAFETY: as above.
            let signature = unsafe { args::bytes((signature.cast_const(), signature_len)) };
            session.verify(data.and_then(|data| Ok((data, signature?))))
        })
    })
}

/// The next part.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_VerifyUpdate(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
) -> CK_RV {
    entry("C_VerifyUpdate", || {
        on(session, |session| {
            // SAFETY: pointer contract 1 and 3; used in this call only.
            session.verify_update(unsafe { args::bytes((data.cast_const(), data_len)) })
        })
    })
}

/// The end.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_VerifyFinal(
    session: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    signature_len: CK_ULONG,
) -> CK_RV {
    entry("C_VerifyFinal", || {
        on(session, |session| {
            // SAFETY: pointer contract 1 and 3; used in this call only.
            session.verify_final(unsafe { args::bytes((signature.cast_const(), signature_len)) })
        })
    })
}
