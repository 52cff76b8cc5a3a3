//! The built library, as a host loads it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    clippy::borrow_as_ptr,
    reason = "a test calls C"
)]

use std::path::PathBuf;
use std::ptr::null_mut;
use std::slice;

use cryptoki_sys::*;

/// Beside the test.
fn library() -> libloading::Library {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.push("libzeq_byok.so");
    unsafe { libloading::Library::new(path).unwrap() }
}

/// The words of a function list after its version, which is padded to one.
///
/// # Safety
/// `list` is a function list.
unsafe fn functions<T>(list: *const T) -> &'static [usize] {
    let words = size_of::<T>() / size_of::<usize>();
    unsafe { &slice::from_raw_parts(list.cast::<usize>(), words)[1..] }
}

#[test]
fn every_list_has_all_its_functions() {
    let library = library();
    unsafe {
        let get = library.get::<unsafe extern "C" fn(
            *mut CK_UTF8CHAR,
            *mut CK_VERSION,
            *mut *mut CK_INTERFACE,
            CK_FLAGS,
        ) -> CK_RV>(b"C_GetInterface");
        let get = get.unwrap();
        for (major, minor, count) in [(3, 2, 104), (3, 0, 92), (2, 40, 68)] {
            let mut name = *b"PKCS 11\0";
            let mut version = CK_VERSION { major, minor };
            let mut found = null_mut();
            assert_eq!(get(name.as_mut_ptr(), &mut version, &mut found, 0), CKR_OK);
            let list = (*found).pFunctionList;
            let all = match count {
                104 => functions(list.cast::<CK_FUNCTION_LIST_3_2>()),
                92 => functions(list.cast::<CK_FUNCTION_LIST_3_0>()),
                _ => functions(list.cast::<CK_FUNCTION_LIST>()),
            };
            assert_eq!(all.len(), count);
            assert!(all.iter().all(|function| *function != 0));
            let said = list.cast::<CK_VERSION>().read();
            assert_eq!((said.major, said.minor), (major, minor));
            assert_eq!((*found).flags, 0);
        }
    }
}
