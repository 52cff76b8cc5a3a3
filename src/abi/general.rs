//! General-purpose functions (PKCS#11 3.2, 5.4), and the configuration that a host passes.

use std::ffi::c_void;
use std::path::PathBuf;

use cryptoki_sys::*;

use super::args;
use super::args::padded;
use super::entry::entry;
use crate::error::{Code, Result};
use crate::session;
use crate::session::library;

/// The version of the interface that a function list is of.
#[derive(Clone, Copy)]
pub(super) struct Interface(pub(super) CK_VERSION);

/// Who made the library, its slots and its tokens.
pub(super) const MANUFACTURER: &str = "zeq-byok";

/// A `pReserved` string longer than this is none.
const LONGEST_RESERVED: usize = 64 * 1024;

/// Starts the library.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_Initialize(arguments: *mut c_void) -> CK_RV {
    entry("C_Initialize", || {
        // SAFETY: pointer contract 1.
        let configuration = unsafe { initialize_args(arguments.cast()) }?;
        session::initialize(configuration.as_deref())
    })
}

/// Ends the library's run.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_Finalize(reserved: *mut c_void) -> CK_RV {
    entry("C_Finalize", || match reserved.is_null() {
        true => session::finalize(),
        false => Err(Code::ArgumentsBad.into()),
    })
}

/// Describes the library.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetInfo(info: *mut CK_INFO) -> CK_RV {
    entry("C_GetInfo", || {
        // SAFETY: pointer contract 2.
        unsafe { get_info(info, Interface::V3_2) }
    })
}

/// [`C_GetInfo`] of the 3.0 list.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetInfo_3_0(info: *mut CK_INFO) -> CK_RV {
    entry("C_GetInfo_3_0", || {
        // SAFETY: pointer contract 2.
        unsafe { get_info(info, Interface::V3_0) }
    })
}

/// [`C_GetInfo`] of the 2.40 list (rule 1).
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetInfo_2_40(info: *mut CK_INFO) -> CK_RV {
    entry("C_GetInfo_2_40", || {
        // SAFETY: pointer contract 2.
        unsafe { get_info(info, Interface::V2_40) }
    })
}

impl Interface {
    pub(super) const V3_2: Self = Self(CK_VERSION { major: 3, minor: 2 });
    pub(super) const V3_0: Self = Self(CK_VERSION { major: 3, minor: 0 });
    pub(super) const V2_40: Self = Self(CK_VERSION {
        major: 2,
        minor: 40,
    });

    /// The mechanism flags that the version knows.
    pub(super) fn flags(self) -> CK_FLAGS {
        const SINCE_3_0: CK_FLAGS = CKF_MESSAGE_ENCRYPT
            | CKF_MESSAGE_DECRYPT
            | CKF_MESSAGE_SIGN
            | CKF_MESSAGE_VERIFY
            | CKF_MULTI_MESSAGE
            | CKF_FIND_OBJECTS
            | CKF_EC_CURVENAME;
        const SINCE_3_2: CK_FLAGS = CKF_ENCAPSULATE | CKF_DECAPSULATE;
        match (self.0.major, self.0.minor) {
            (2, _) => !(SINCE_3_0 | SINCE_3_2),
            (3, 0) => !SINCE_3_2,
            _ => !0,
        }
    }
}

/// # Safety
/// The pointer contract of [`super`].
unsafe fn get_info(info: *mut CK_INFO, interface: Interface) -> Result<()> {
    library()?;
    let about = CK_INFO {
        cryptokiVersion: interface.0,
        manufacturerID: padded(MANUFACTURER),
        flags: 0,
        libraryDescription: padded("Zeq BYOK"),
        libraryVersion: version(),
    };
    // SAFETY: pointer contract 2.
    unsafe { args::write(info, about) }
}

/// This library's version.
pub(super) fn version() -> CK_VERSION {
    let number = |text: &str| text.parse().unwrap_or(0);
    CK_VERSION {
        major: number(env!("CARGO_PKG_VERSION_MAJOR")),
        minor: number(env!("CARGO_PKG_VERSION_MINOR")),
    }
}

/// Checks `CK_C_INITIALIZE_ARGS` (5.4.1) and reads the configuration's path. The host's mutex
/// callbacks are not needed: our locks are the system's, which every host with threads has.
///
/// # Safety
/// The pointer contract of [`super`].
unsafe fn initialize_args(arguments: *const CK_C_INITIALIZE_ARGS) -> Result<Option<PathBuf>> {
    if arguments.is_null() {
        return Ok(None);
    }
    // SAFETY: pointer contract 1.
    let given = unsafe { args::read(arguments) }?;
    let callbacks = [
        given.CreateMutex.is_some(),
        given.DestroyMutex.is_some(),
        given.LockMutex.is_some(),
        given.UnlockMutex.is_some(),
    ];
    if callbacks.contains(&true) && callbacks.contains(&false) {
        return Err(Code::ArgumentsBad.into());
    }
    // SAFETY: pointer contract 1; `pReserved` is NULL or a C string.
    let reserved = unsafe { c_string(given.pReserved.cast()) }?;
    Ok(reserved.as_deref().and_then(configuration))
}

/// A copy of a C string.
///
/// # Safety
/// The pointer contract of [`super`].
unsafe fn c_string(from: *const u8) -> Result<Option<Vec<u8>>> {
    if from.is_null() {
        return Ok(None);
    }
    let mut text = Vec::new();
    loop {
        // SAFETY: pointer contract 1: readable up to its NUL, which was not seen yet.
        match unsafe { args::read(from.wrapping_add(text.len())) }? {
            0 => return Ok(Some(text)),
            _ if text.len() == LONGEST_RESERVED => return Err(Code::ArgumentsBad.into()),
            byte => text.push(byte),
        }
    }
}

/// PATH of `zeq_byok_conf=PATH`, a word among others; PATH may stand in quotes of either kind.
/// What other words mean is for other libraries: NSS sends its own.
fn configuration(reserved: &[u8]) -> Option<PathBuf> {
    const NAME: &str = "zeq_byok_conf=";
    let text = std::str::from_utf8(reserved).ok()?;
    let starts = |at: usize| text[..at].chars().last().is_none_or(char::is_whitespace);
    let (at, _) = text.match_indices(NAME).find(|(at, _)| starts(*at))?;
    let value = &text[at + NAME.len()..];
    let path = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
        _ => value.split(char::is_whitespace).next(),
    };
    path.filter(|path| !path.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_one_word_of_the_reserved_string() {
        let path = |text: &str| configuration(text.as_bytes()).map(|p| p.display().to_string());
        assert_eq!(path("zeq_byok_conf=/a/b").as_deref(), Some("/a/b"));
        assert_eq!(path("x=1 zeq_byok_conf='/a b' y").as_deref(), Some("/a b"));
        assert_eq!(path("zeq_byok_conf=\"/a b").as_deref(), Some("/a b"));
        assert_eq!(path("configdir='sql:/etc' flags=readOnly"), None);
        assert_eq!(path("my_zeq_byok_conf=/a"), None);
        assert_eq!(path("zeq_byok_conf="), None);
    }

    #[test]
    fn an_older_interface_does_not_know_newer_flags() {
        let all = CKF_ENCAPSULATE | CKF_MESSAGE_SIGN | CKF_SIGN;
        assert_eq!(Interface::V2_40.flags() & all, CKF_SIGN);
        assert_eq!(Interface::V3_0.flags() & all, CKF_SIGN | CKF_MESSAGE_SIGN);
        assert_eq!(Interface::V3_2.flags() & all, all);
    }
}
