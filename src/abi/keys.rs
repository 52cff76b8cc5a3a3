//! Making, wrapping, unwrapping and deriving keys (PKCS#11 3.2, 5.18).

use cryptoki_sys::*;

use super::args;
use super::entry::entry;
use super::params;
use super::template;
use crate::session::on;

/// A secret key.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GenerateKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_GenerateKey", || {
        on(session, |session| {
            args::present(key)?;
            // SAFETY: pointer contract 1.
            let how = unsafe { params::how(mechanism) }?;
            // SAFETY: pointer contract 1.
            let template = unsafe { template::read(attributes, count) }?;
            // SAFETY: pointer contract 2.
            unsafe { args::write(key, session.generate(&how, template)?) }
        })
    })
}

/// A public and a private key.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GenerateKeyPair(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    private: *mut CK_ATTRIBUTE,
    private_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_GenerateKeyPair", || {
        on(session, |session| {
            args::present(public_key)?;
            args::present(private_key)?;
            // SAFETY: pointer contract 1.
            let how = unsafe { params::how(mechanism) }?;
            // SAFETY: pointer contract 1.
            let public = unsafe { template::read(public, public_count) }?;
            // SAFETY: pointer contract 1.
            let private = unsafe { template::read(private, private_count) }?;
            let (public, private) = session.generate_pair(&how, public, private)?;
            // SAFETY: pointer contract 2.
            unsafe { args::write(public_key, public) }?;
            // SAFETY: pointer contract 2.
            unsafe { args::write(private_key, private) }
        })
    })
}

/// A key under another.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_WrapKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    wrapping_key: CK_OBJECT_HANDLE,
    key: CK_OBJECT_HANDLE,
    wrapped: *mut CK_BYTE,
    wrapped_len: *mut CK_ULONG,
) -> CK_RV {
    entry("C_WrapKey", || {
        on(session, |session| {
            // SAFETY: pointer contract 1.
            let how = unsafe { params::how(mechanism) }?;
            // SAFETY: pointer contract 2 and 3.
            unsafe {
                args::fill((wrapped, wrapped_len), |output| {
                    session.wrap(&how, (wrapping_key, key), output?)
                })
            }
        })
    })
}

/// A key from under another.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_UnwrapKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    unwrapping_key: CK_OBJECT_HANDLE,
    wrapped: *mut CK_BYTE,
    wrapped_len: CK_ULONG,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_UnwrapKey", || {
        on(session, |session| {
            args::present(key)?;
            // SAFETY: pointer contract 1.
            let how = unsafe { params::how(mechanism) }?;
            // SAFETY: pointer contract 1 and 3; used in this call only.
            let wrapped = unsafe { args::bytes((wrapped.cast_const(), wrapped_len)) }?;
            // SAFETY: pointer contract 1.
            let template = unsafe { template::read(attributes, count) }?;
            let handle = session.unwrap(&how, unwrapping_key, wrapped, template)?;
            // SAFETY: pointer contract 2.
            unsafe { args::write(key, handle) }
        })
    })
}

/// A key from another.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_DeriveKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    base: CK_OBJECT_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_DeriveKey", || {
        on(session, |session| {
            // SAFETY: pointer contract 1.
            let how = unsafe { params::how(mechanism) }?;
            // SAFETY: pointer contract 1.
            let template = unsafe { template::read(attributes, count) }?;
            args::present(key)?;
            // SAFETY: pointer contract 2.
            unsafe { args::write(key, session.derive(&how, base, template)?) }
        })
    })
}
