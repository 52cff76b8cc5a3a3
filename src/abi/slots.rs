//! Slots and tokens (PKCS#11 3.2, 5.5). All but PINs and C_InitToken is local: no network.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::args;
use super::args::padded;
use super::entry::entry;
use super::general::{Interface, MANUFACTURER, version};
use crate::error::{Code, Result};
use crate::session::{SlotInfo, library, on};

/// Lists the slots; each has its token.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetSlotList(
    _token_present: CK_BBOOL,
    list: *mut CK_SLOT_ID,
    count: *mut CK_ULONG,
) -> CK_RV {
    entry("C_GetSlotList", || {
        let slots = library()?.slots();
        // SAFETY: pointer contract 2.
        unsafe { args::list(slots.iter().map(|slot| slot.id()), list, count) }
    })
}

/// Describes a slot.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    entry("C_GetSlotInfo", || {
        let slot = library()?.slot(slot)?;
        args::present(info)?;
        let about = CK_SLOT_INFO {
            slotDescription: padded(&format!("Zeq BYOK {}", slot.info().id)),
            manufacturerID: padded(MANUFACTURER),
            flags: CKF_TOKEN_PRESENT,
            hardwareVersion: version(),
            firmwareVersion: version(),
        };
        // SAFETY: pointer contract 2.
        unsafe { args::write(info, about) }
    })
}

/// Describes a token.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetTokenInfo(
    slot: CK_SLOT_ID,
    info: *mut CK_TOKEN_INFO,
) -> CK_RV {
    entry("C_GetTokenInfo", || {
        let slot = library()?.slot(slot)?;
        args::present(info)?;
        // SAFETY: pointer contract 2.
        unsafe { args::write(info, token_info(&slot.info())) }
    })
}

fn token_info(slot: &SlotInfo) -> CK_TOKEN_INFO {
    CK_TOKEN_INFO {
        label: padded(&slot.token.label),
        manufacturerID: padded(MANUFACTURER),
        model: padded(&slot.token.model),
        serialNumber: padded(&slot.token.serial),
        flags: slot.token.flags,
        ulMaxSessionCount: CK_EFFECTIVELY_INFINITE,
        ulSessionCount: slot.sessions as CK_ULONG,
        ulMaxRwSessionCount: CK_EFFECTIVELY_INFINITE,
        ulRwSessionCount: slot.writers as CK_ULONG,
        ulMaxPinLen: 255,
        ulMinPinLen: 4,
        ulTotalPublicMemory: CK_UNAVAILABLE_INFORMATION,
        ulFreePublicMemory: CK_UNAVAILABLE_INFORMATION,
        ulTotalPrivateMemory: CK_UNAVAILABLE_INFORMATION,
        ulFreePrivateMemory: CK_UNAVAILABLE_INFORMATION,
        hardwareVersion: version(),
        firmwareVersion: version(),
        utcTime: padded(""),
    }
}

/// Lists the mechanisms.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetMechanismList(
    slot: CK_SLOT_ID,
    list: *mut CK_MECHANISM_TYPE,
    count: *mut CK_ULONG,
) -> CK_RV {
    entry("C_GetMechanismList", || {
        let slot = library()?.slot(slot)?;
        let kinds = slot.mechanisms().iter().map(|line| line.kind);
        // SAFETY: pointer contract 2.
        unsafe { args::list(kinds, list, count) }
    })
}

/// Describes a mechanism.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetMechanismInfo(
    slot: CK_SLOT_ID,
    kind: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    entry("C_GetMechanismInfo", || {
        // SAFETY: pointer contract 2.
        unsafe { mechanism_info(slot, kind, info, Interface::V3_2) }
    })
}

/// [`C_GetMechanismInfo`] of the 3.0 list.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetMechanismInfo_3_0(
    slot: CK_SLOT_ID,
    kind: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    entry("C_GetMechanismInfo_3_0", || {
        // SAFETY: pointer contract 2.
        unsafe { mechanism_info(slot, kind, info, Interface::V3_0) }
    })
}

/// [`C_GetMechanismInfo`] of the 2.40 list (rule 1).
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetMechanismInfo_2_40(
    slot: CK_SLOT_ID,
    kind: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    entry("C_GetMechanismInfo_2_40", || {
        // SAFETY: pointer contract 2.
        unsafe { mechanism_info(slot, kind, info, Interface::V2_40) }
    })
}

/// # Safety
/// The pointer contract of [`super`].
unsafe fn mechanism_info(
    slot: CK_SLOT_ID,
    kind: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
    interface: Interface,
) -> Result<()> {
    let slot = library()?.slot(slot)?;
    args::present(info)?;
    let line = slot.mechanism(kind)?;
    let about = CK_MECHANISM_INFO {
        ulMinKeySize: line.sizes.0,
        ulMaxKeySize: line.sizes.1,
        flags: line.flags & interface.flags(),
    };
    // SAFETY: pointer contract 2.
    unsafe { args::write(info, about) }
}

/// Empties a token and gives it a label and an SO PIN.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_InitToken(
    slot: CK_SLOT_ID,
    pin: *mut CK_UTF8CHAR,
    pin_len: CK_ULONG,
    label: *mut CK_UTF8CHAR,
) -> CK_RV {
    entry("C_InitToken", || {
        let slot = library()?.slot(slot)?;
        args::present(pin)?;
        // SAFETY: pointer contract 1 and 3; used in this call only.
        let pin = unsafe { args::bytes((pin.cast_const(), pin_len)) }?;
        // SAFETY: pointer contract 1: a label is 32 bytes.
        let label = unsafe { args::read(label.cast::<[u8; 32]>().cast_const()) }?;
        slot.init_token(pin, unpadded(&label)?)
    })
}

fn unpadded(label: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(label).map_err(|_| Code::ArgumentsBad)?;
    Ok(text.trim_end_matches(' '))
}

/// The user's PIN, from the SO.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_InitPIN(
    session: CK_SESSION_HANDLE,
    pin: *mut CK_UTF8CHAR,
    pin_len: CK_ULONG,
) -> CK_RV {
    entry("C_InitPIN", || {
        on(session, |session| {
            args::present(pin)?;
            // SAFETY: pointer contract 1 and 3; used in this call only.
            session.init_pin(unsafe { args::bytes((pin.cast_const(), pin_len)) }?)
        })
    })
}

/// Another PIN for whoever is logged in.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_SetPIN(
    session: CK_SESSION_HANDLE,
    old: *mut CK_UTF8CHAR,
    old_len: CK_ULONG,
    new: *mut CK_UTF8CHAR,
    new_len: CK_ULONG,
) -> CK_RV {
    entry("C_SetPIN", || {
        on(session, |session| {
            args::present(old)?;
            args::present(new)?;
            // SAFETY: pointer contract 1 and 3; used in this call only.
            let old = unsafe { args::bytes((old.cast_const(), old_len)) }?;
            // SAFETY: as above.
            let new = unsafe { args::bytes((new.cast_const(), new_len)) }?;
            session.set_pin(old, new)
        })
    })
}

/// Slots neither come nor go: waits for C_Finalize.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_WaitForSlotEvent(
    flags: CK_FLAGS,
    slot: *mut CK_SLOT_ID,
    reserved: *mut c_void,
) -> CK_RV {
    entry("C_WaitForSlotEvent", || {
        let library = library()?;
        match slot.is_null() || !reserved.is_null() {
            true => Err(Code::ArgumentsBad.into()),
            false => library.wait_for_slot_event(flags & CKF_DONT_BLOCK == 0),
        }
    })
}
