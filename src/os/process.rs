//! Who this process runs as, and what that allows.

use std::ffi::{CStr, CString, OsString};
use std::mem::MaybeUninit;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::ptr;

/// Whether the process has more rights than who started it (set-uid, set-gid, capabilities:
/// `AT_SECURE`). Its environment is then a stranger's, and is not read.
pub(crate) fn secure() -> bool {
    // SAFETY: reads the process's auxiliary vector.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// The user as whom files are opened.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: cannot fail.
    unsafe { libc::geteuid() }
}

/// The home of that user by the system's list of users.
pub(crate) fn home() -> Option<PathBuf> {
    let mut entry = MaybeUninit::<libc::passwd>::zeroed();
    let mut text = vec![0; 16 << 10];
    let mut found = ptr::null_mut();
    let (space, length) = (text.as_mut_ptr(), text.len());
    // SAFETY: all three are writable, and the length is the buffer's.
    let failed = unsafe {
        libc::getpwuid_r(
            effective_user(),
            entry.as_mut_ptr(),
            space,
            length,
            &raw mut found,
        )
    };
    // SAFETY: zeroed or filled; every field of it may be zero.
    let entry = unsafe { entry.assume_init() };
    if failed != 0 || found.is_null() || entry.pw_dir.is_null() {
        return None;
    }
    // SAFETY: a text with its zero in `text`, which lives.
    let folder = unsafe { CStr::from_ptr(entry.pw_dir) };
    let folder = PathBuf::from(OsString::from_vec(folder.to_bytes().to_vec()));
    folder.is_absolute().then_some(folder)
}

/// Would the kernel let this process write there, as whom it opens files?
pub(crate) fn may_write(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else {
        return false;
    };
    // SAFETY: `path` ends with a zero.
    let answer =
        unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK, libc::AT_EACCESS) };
    answer == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_file_of_ours_belongs_to_us() {
        let folder = tempfile::tempdir().unwrap();
        let made = fs::metadata(folder.path()).unwrap();
        assert_eq!(made.uid(), effective_user());
        assert!(may_write(folder.path()));
        assert!(!may_write(&folder.path().join("none")));
    }

    #[test]
    fn a_user_of_the_system_has_a_home() {
        let users = fs::read_to_string("/etc/passwd").unwrap();
        let of = |line: &str| -> Option<String> {
            let fields: Vec<_> = line.split(':').collect();
            let me = fields.get(2)?.parse() == Ok(effective_user());
            me.then(|| fields.get(5).map(ToString::to_string))?
        };
        let expected = users.lines().find_map(of).map(PathBuf::from);
        assert_eq!(home(), expected);
    }

    #[test]
    fn a_test_runs_with_no_more_rights_than_who_started_it() {
        assert!(!secure());
    }
}
