//! Digesting (PKCS#11 3.2, 5.12).

use cryptoki_sys::*;

use super::args;
use super::entry::entry;
use super::params;
use crate::session::on;

/// Starts, or with a NULL mechanism ends.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_DigestInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
) -> CK_RV {
    entry("C_DigestInit", || {
        on(session, |session| {
            if mechanism.is_null() {
                return session.digest_cancel();
            }
            // SAFETY: pointer contract 1.
            session.digest_init(|| unsafe { params::how(mechanism) })
        })
    })
}

/// Everything in one part.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_Digest(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    digest: *mut CK_BYTE,
    digest_len: *mut CK_ULONG,
) -> CK_RV {
    entry("C_Digest", || {
        on(session, |session| {
            let (data, digest) = ((data.cast_const(), data_len), (digest, digest_len));
            // SAFETY: pointer contract 1, 2 and 3.
            unsafe { args::through(data, digest, |given| session.digest(given)) }
        })
    })
}

/// The next part.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_DigestUpdate(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
) -> CK_RV {
    entry("C_DigestUpdate", || {
        on(session, |session| {
            // SAFETY: pointer contract 1 and 3; used in this call only.
            session.digest_update(unsafe { args::bytes((data.cast_const(), data_len)) })
        })
    })
}

/// A secret key's value as the next part.
///
/// # Safety
/// None: no pointers.
pub(super) unsafe extern "C" fn C_DigestKey(
    session: CK_SESSION_HANDLE,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_DigestKey", || {
        on(session, |session| session.digest_key(key))
    })
}

/// The end.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_DigestFinal(
    session: CK_SESSION_HANDLE,
    digest: *mut CK_BYTE,
    digest_len: *mut CK_ULONG,
) -> CK_RV {
    entry("C_DigestFinal", || {
        on(session, |session| {
            // SAFETY: pointer contract 2 and 3.
            unsafe { args::fill((digest, digest_len), |given| session.digest_final(given)) }
        })
    })
}
