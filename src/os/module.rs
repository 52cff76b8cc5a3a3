//! A PKCS#11 module as a host loads it. For a process of its own: a library that is loaded once may
//! do anything, and is never unloaded.

use std::ffi::{CStr, CString, c_char};
use std::mem::{self, MaybeUninit};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use cryptoki_sys::*;

/// What a module says of itself.
#[derive(Debug)]
pub(crate) struct ModuleSays {
    pub(crate) interface: (u8, u8),
    pub(crate) library: (u8, u8),
    pub(crate) manufacturer: String,
    pub(crate) slots: u64,
}

/// Loads a module, starts it, asks what it is and how many slots it has, and ends it.
///
/// # Errors
/// What the loader says, or the call that failed and its CK_RV.
pub(crate) fn try_module(path: &Path) -> Result<ModuleSays, String> {
    let list = function_list(path)?;
    let initialise = list.C_Initialize.ok_or("no C_Initialize")?;
    // SAFETY: a NULL argument means the defaults.
    answered("C_Initialize", unsafe { initialise(ptr::null_mut()) })?;
    let info = info(&list)?;
    let slots = slots(&list)?;
    let finalise = list.C_Finalize.ok_or("no C_Finalize")?;
    // SAFETY: the argument is reserved and NULL.
    answered("C_Finalize", unsafe { finalise(ptr::null_mut()) })?;
    let manufacturer = String::from_utf8_lossy(&info.manufacturerID);
    Ok(ModuleSays {
        interface: (info.cryptokiVersion.major, info.cryptokiVersion.minor),
        library: (info.libraryVersion.major, info.libraryVersion.minor),
        manufacturer: manufacturer.trim_end().to_string(),
        slots,
    })
}

fn function_list(path: &Path) -> Result<CK_FUNCTION_LIST, String> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| "a NUL in the name")?;
    // SAFETY: `path` ends with a zero.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if library.is_null() {
        return Err(loader_says());
    }
    // SAFETY: `library` is loaded, and the name ends with a zero.
    let get = unsafe { libc::dlsym(library, c"C_GetFunctionList".as_ptr()) };
    if get.is_null() {
        return Err("it has no C_GetFunctionList: no PKCS#11 module".to_string());
    }
    // SAFETY: what has this name in a PKCS#11 module has this type (PKCS#11 3.2, 5.4).
    let get: unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV =
        unsafe { mem::transmute(get) };
    let mut list = ptr::null_mut();
    // SAFETY: `list` is writable.
    answered("C_GetFunctionList", unsafe { get(&raw mut list) })?;
    if list.is_null() {
        return Err("C_GetFunctionList gave nothing".to_string());
    }
    // SAFETY: the module's own list, which lives as long as it is loaded.
    Ok(unsafe { list.read() })
}

fn loader_says() -> String {
    // SAFETY: takes nothing; the text is this thread's until its next call.
    let text: *const c_char = unsafe { libc::dlerror() };
    if text.is_null() {
        return "it could not be loaded".to_string();
    }
    // SAFETY: a text with its zero.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_string_lossy().into_owned()
}

fn info(list: &CK_FUNCTION_LIST) -> Result<CK_INFO, String> {
    let get = list.C_GetInfo.ok_or("no C_GetInfo")?;
    let mut info = MaybeUninit::<CK_INFO>::zeroed();
    // SAFETY: `info` is writable.
    answered("C_GetInfo", unsafe { get(info.as_mut_ptr()) })?;
    // SAFETY: zeroed or filled; plain numbers and bytes.
    Ok(unsafe { info.assume_init() })
}

fn slots(list: &CK_FUNCTION_LIST) -> Result<u64, String> {
    let get = list.C_GetSlotList.ok_or("no C_GetSlotList")?;
    let mut count = 0;
    // SAFETY: a NULL list asks for the count alone, which is writable.
    answered("C_GetSlotList", unsafe {
        get(CK_FALSE, ptr::null_mut(), &raw mut count)
    })?;
    Ok(count)
}

fn answered(call: &str, rv: CK_RV) -> Result<(), String> {
    match rv {
        CKR_OK => Ok(()),
        rv => Err(format!("{call} answered 0x{rv:x}")),
    }
}
