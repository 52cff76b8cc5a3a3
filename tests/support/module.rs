//! A PKCS#11 library, loaded as a host loads it.

use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::ptr;

use cryptoki_sys::*;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::answer::{Answer, Rv};

/// Calls a function of the module's 2.40 list.
macro_rules! call {
    ($module:expr, $function:ident $(, $argument:expr)* $(,)?) => {{
        let function = $module.list.$function.expect(stringify!($function));
        // SAFETY: the arguments are numbers, NULL, or pointers to live values of the caller, of the
        // lengths that stand beside them.
        $crate::support::answer::Rv(unsafe { function($($argument),*) })
    }};
}
pub(crate) use call;

type GetFunctionList = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV;

pub(crate) struct Module {
    pub(crate) list: &'static CK_FUNCTION_LIST,
    pub(crate) path: PathBuf,
    library: Library,
}

impl Module {
    /// dlopen with RTLD_NOW | RTLD_LOCAL, then C_GetFunctionList.
    pub(crate) fn open(path: &Path) -> Self {
        // SAFETY: both modules of the tests may be loaded at any time.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
            .unwrap_or_else(|e| panic!("cannot load {}: {e}", path.display()));
        let get: GetFunctionList = symbol(&library, c"C_GetFunctionList");
        let mut list = ptr::null_mut();
        // SAFETY: `list` is a live out pointer.
        let rv = unsafe { get(&raw mut list) };
        assert_eq!(Rv(rv).ok(), Ok(()), "C_GetFunctionList");
        // SAFETY: the module answered CKR_OK, and its list is static.
        let list = unsafe { &*list };
        let path = path.to_owned();
        Self {
            list,
            path,
            library,
        }
    }

    /// SoftHSM as Debian installs it; `None` where it is not installed.
    pub(crate) fn softhsm() -> Option<Self> {
        let path = softhsm_path()?;
        Some(Self::open(&path))
    }

    /// The module that cargo built beside the test.
    pub(crate) fn ours() -> Self {
        Self::open(&ours_path())
    }

    /// The 3.2 list; `None` where the module has no C_GetInterface.
    pub(crate) fn list_3_2(&self) -> Option<&'static CK_FUNCTION_LIST_3_2> {
        type Get = unsafe extern "C" fn(
            *mut CK_UTF8CHAR,
            *mut CK_VERSION,
            *mut *mut CK_INTERFACE,
            CK_FLAGS,
        ) -> CK_RV;
        // SAFETY: the symbol has this type in every PKCS#11 3.x module.
        let get = unsafe { self.library.get::<Get>(b"C_GetInterface\0") }.ok()?;
        let mut version = CK_VERSION { major: 3, minor: 2 };
        let mut found = ptr::null_mut();
        // SAFETY: NULL name, live version and out pointer.
        let rv = unsafe { get(ptr::null_mut(), &raw mut version, &raw mut found, 0) };
        Rv(rv).ok().ok()?;
        // SAFETY: the module answered CKR_OK with an interface that is static.
        let interface = unsafe { &*found };
        // SAFETY: the interface that was asked for is 3.2's.
        Some(unsafe { &*interface.pFunctionList.cast::<CK_FUNCTION_LIST_3_2>() })
    }

    /// Any number of threads, locks of the system; the configuration comes from the environment.
    pub(crate) fn initialize(&self) -> Answer<()> {
        self.initialize_with(ptr::null_mut())
    }

    pub(crate) fn initialize_with(&self, reserved: *mut c_void) -> Answer<()> {
        let mut args = CK_C_INITIALIZE_ARGS {
            CreateMutex: None,
            DestroyMutex: None,
            LockMutex: None,
            UnlockMutex: None,
            flags: CKF_OS_LOCKING_OK,
            pReserved: reserved,
        };
        call!(self, C_Initialize, (&raw mut args).cast()).ok()
    }

    pub(crate) fn finalize(&self) -> Answer<()> {
        call!(self, C_Finalize, ptr::null_mut()).ok()
    }

    pub(crate) fn slots(&self, with_token: bool) -> Answer<Vec<CK_SLOT_ID>> {
        let present = CK_BBOOL::from(with_token);
        list_of(|list, count| call!(self, C_GetSlotList, present, list, count))
    }

    pub(crate) fn token_info(&self, slot: CK_SLOT_ID) -> Answer<CK_TOKEN_INFO> {
        let mut info = CK_TOKEN_INFO::default();
        call!(self, C_GetTokenInfo, slot, &raw mut info).ok()?;
        Ok(info)
    }

    pub(crate) fn mechanisms(&self, slot: CK_SLOT_ID) -> Answer<Vec<CK_MECHANISM_TYPE>> {
        list_of(|list, count| call!(self, C_GetMechanismList, slot, list, count))
    }

    pub(crate) fn mechanism_info(
        &self,
        slot: CK_SLOT_ID,
        kind: CK_MECHANISM_TYPE,
    ) -> Answer<CK_MECHANISM_INFO> {
        let mut info = CK_MECHANISM_INFO::default();
        call!(self, C_GetMechanismInfo, slot, kind, &raw mut info).ok()?;
        Ok(info)
    }

    /// `label` is padded to 32 bytes.
    pub(crate) fn init_token(&self, slot: CK_SLOT_ID, so_pin: &str, label: &str) -> Answer<()> {
        let mut label = format!("{label:32}").into_bytes();
        let mut pin = so_pin.as_bytes().to_vec();
        let len = pin.len() as CK_ULONG;
        call!(
            self,
            C_InitToken,
            slot,
            pin.as_mut_ptr(),
            len,
            label.as_mut_ptr()
        )
        .ok()
    }
}

/// A list that is asked for its length first.
fn list_of<T: Default + Clone>(ask: impl Fn(*mut T, *mut CK_ULONG) -> Rv) -> Answer<Vec<T>> {
    let mut count = 0;
    ask(ptr::null_mut(), &raw mut count).ok()?;
    let mut list = vec![T::default(); count as usize];
    ask(list.as_mut_ptr(), &raw mut count).ok()?;
    list.truncate(count as usize);
    Ok(list)
}

fn symbol<T: Copy>(library: &Library, name: &std::ffi::CStr) -> T {
    // SAFETY: the caller names a symbol of type `T` in every PKCS#11 module.
    let found = unsafe { library.get::<T>(name.to_bytes_with_nul()) };
    *found.unwrap_or_else(|e| panic!("{}: {e}", name.to_string_lossy()))
}

pub(crate) fn softhsm_path() -> Option<PathBuf> {
    [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
    ]
    .iter()
    .map(PathBuf::from)
    .find(|path| path.exists())
}

/// The shared object that cargo put beside the test binary.
pub(crate) fn ours_path() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    test.with_file_name("libzeq_byok.so")
}
