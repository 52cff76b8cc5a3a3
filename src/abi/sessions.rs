//! Sessions and login (PKCS#11 3.2, 5.6).

use std::ffi::c_void;

use cryptoki_sys::*;

use super::args;
use super::entry::entry;
use crate::error::{Code, Result};
use crate::session::{Mode, Session, library, on};

/// Opens a session.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_OpenSession(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    _application: *mut c_void,
    _notify: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    entry("C_OpenSession", || {
        let library = library()?;
        let slot = library.slot(slot)?;
        args::present(session)?;
        let handle = library.open(&slot, mode(flags)?)?;
        // SAFETY: pointer contract 2.
        unsafe { args::write(session, handle) }
    })
}

fn mode(flags: CK_FLAGS) -> Result<Mode> {
    if flags & CKF_SERIAL_SESSION == 0 {
        return Err(Code::SessionParallelNotSupported.into());
    }
    if flags & CKF_ASYNC_SESSION != 0 {
        return Err(Code::SessionAsyncNotSupported.into());
    }
    Ok(match flags & CKF_RW_SESSION {
        0 => Mode::ReadOnly,
        _ => Mode::ReadWrite,
    })
}

/// Closes a session.
///
/// # Safety
/// None: no pointers.
pub(super) unsafe extern "C" fn C_CloseSession(session: CK_SESSION_HANDLE) -> CK_RV {
    entry("C_CloseSession", || library()?.close(session))
}

/// Closes a token's sessions.
///
/// # Safety
/// None: no pointers.
pub(super) unsafe extern "C" fn C_CloseAllSessions(slot: CK_SLOT_ID) -> CK_RV {
    entry("C_CloseAllSessions", || {
        let library = library()?;
        library.close_all(&library.slot(slot)?);
        Ok(())
    })
}

/// Describes a session. Its own failure is no last failure (rule 26).
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetSessionInfo(
    session: CK_SESSION_HANDLE,
    info: *mut CK_SESSION_INFO,
) -> CK_RV {
    entry("C_GetSessionInfo", || {
        let session = library()?.session(session)?;
        // SAFETY: pointer contract 2.
        unsafe { args::write(info, session.info()) }
    })
}

/// Ends operations by their flags.
///
/// # Safety
/// None: no pointers.
pub(super) unsafe extern "C" fn C_SessionCancel(
    session: CK_SESSION_HANDLE,
    flags: CK_FLAGS,
) -> CK_RV {
    entry("C_SessionCancel", || {
        on(session, |session| {
            session.cancel(flags);
            Ok(())
        })
    })
}

/// Logs in to the token of a session.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_Login(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    pin_len: CK_ULONG,
) -> CK_RV {
    entry("C_Login", || {
        on(session, |session| {
            // SAFETY: pointer contract 1 and 3.
            unsafe { login(session, user, (pin.cast_const(), pin_len)) }
        })
    })
}

/// Logs in by name. No token of this version has names for its users.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_LoginUser(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    pin_len: CK_ULONG,
    name: *mut CK_UTF8CHAR,
    name_len: CK_ULONG,
) -> CK_RV {
    entry("C_LoginUser", || {
        on(session, |session| {
            // SAFETY: pointer contract 1 and 3; used in this call only.
            let name = unsafe { args::bytes((name.cast_const(), name_len)) }?;
            if !name.is_empty() {
                return Err(Code::FunctionNotSupported.into());
            }
            // SAFETY: pointer contract 1 and 3.
            unsafe { login(session, user, (pin.cast_const(), pin_len)) }
        })
    })
}

/// A NULL PIN is the protected path.
///
/// # Safety
/// The pointer contract of [`super`].
unsafe fn login(session: &Session, user: CK_USER_TYPE, pin: args::Input) -> Result<()> {
    // SAFETY: pointer contract 1 and 3; used in this call only.
    let bytes = unsafe { args::bytes(pin) }?;
    session.login(user, (!pin.0.is_null()).then_some(bytes))
}

/// Logs out of the token of a session.
///
/// # Safety
/// None: no pointers.
pub(super) unsafe extern "C" fn C_Logout(session: CK_SESSION_HANDLE) -> CK_RV {
    entry("C_Logout", || {
        let library = library()?;
        on(session, |session| library.logout(session))
    })
}
