//! Who this process runs as, and what that allows.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

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
    fn a_test_runs_with_no_more_rights_than_who_started_it() {
        assert!(!secure());
    }
}
