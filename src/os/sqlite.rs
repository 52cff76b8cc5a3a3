//! SQLite in a forked child.
//!
//! SQLite keeps one list of open files for the whole process, by device and inode, with the locks
//! that it believes the process to hold: POSIX locks belong to a process, not to a connection. A
//! child inherits the list but not the locks. A connection that it opens to the same file would
//! therefore think itself locked without asking the kernel; another process could then take the
//! database for unused, and delete the log under it. So the device number that SQLite sees carries
//! the number of the process: nothing in a child matches what it inherited, which is left as it is.

use std::ffi::{CStr, c_char, c_int};
use std::mem::transmute;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::ffi;

use super::fork;

/// Makes files that SQLite opens from now on this process's own. To be called before a connection
/// is opened; only the first call does something. `false`: this SQLite cannot be told.
pub(crate) fn sqlite_tells_processes_apart() -> bool {
    // No once-cell: a child forked from the middle of its making would wait for good.
    static TOLD: AtomicBool = AtomicBool::new(false);
    if !TOLD.load(Ordering::Acquire) && tell() {
        TOLD.store(true, Ordering::Release);
    }
    TOLD.load(Ordering::Acquire)
}

/// Puts our `stat` and `fstat` in the place of the system's.
fn tell() -> bool {
    // SAFETY: NULL names the default; SQLite sets itself up first.
    let vfs = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
    // SAFETY: NULL, or a registered file system, which lives for good.
    let Some(set) = (unsafe { vfs.as_ref() }).and_then(|vfs| vfs.xSetSystemCall) else {
        return false;
    };
    let replace = |name: &CStr, function| {
        // SAFETY: the file system's own method, with a name that lives and a function of its type.
        unsafe { set(vfs, name.as_ptr(), Some(function)) == ffi::SQLITE_OK }
    };
    // SAFETY: SQLite calls it as the `fstat` that it is.
    let by_number = unsafe { transmute::<ByNumber, unsafe extern "C" fn()>(fstat) };
    // SAFETY: SQLite calls it as the `stat` that it is.
    let by_name = unsafe { transmute::<ByName, unsafe extern "C" fn()>(stat) };
    replace(c"fstat", by_number) && replace(c"stat", by_name)
}

type ByNumber = unsafe extern "C" fn(c_int, *mut libc::stat) -> c_int;
type ByName = unsafe extern "C" fn(*const c_char, *mut libc::stat) -> c_int;

/// # Safety
/// As the system's.
unsafe extern "C" fn fstat(file: c_int, answer: *mut libc::stat) -> c_int {
    // SAFETY: the caller's promise.
    let failed = unsafe { libc::fstat(file, answer) };
    // SAFETY: as above; the kernel has filled it where it did not fail.
    unsafe { of_this_process(failed, answer) }
}

/// # Safety
/// As the system's.
unsafe extern "C" fn stat(path: *const c_char, answer: *mut libc::stat) -> c_int {
    // SAFETY: the caller's promise.
    let failed = unsafe { libc::stat(path, answer) };
    // SAFETY: as above; the kernel has filled it where it did not fail.
    unsafe { of_this_process(failed, answer) }
}

/// # Safety
/// `answer` may be written, and has been filled unless `failed`.
unsafe fn of_this_process(failed: c_int, answer: *mut libc::stat) -> c_int {
    // SAFETY: the caller's promise.
    if let (0, Some(answer)) = (failed, unsafe { answer.as_mut() }) {
        // Device numbers of Linux leave the upper half free.
        answer.st_dev ^= fork::process_generation() << 32;
    }
    failed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::path::Path;

    use rusqlite::Connection;

    use crate::os::in_child;

    #[test]
    fn a_child_holds_its_own_lock_on_a_file_that_its_parent_had_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        // In a child of the test's own: no other test's connections, and no threads.
        assert!(in_child(|| {
            sqlite_tells_processes_apart() && the_log_outlives_the_parent(&path)
        }));
    }

    /// The parent's last connection closes while its child's is open: it may not take the log away.
    fn the_log_outlives_the_parent(path: &Path) -> bool {
        let parents = open(path);
        parents.execute_batch("CREATE TABLE t (x)").unwrap();
        let (mut here, mut there) = UnixStream::pair().unwrap();
        // SAFETY: the child ends by `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let childs = open(path);
            childs.execute_batch("INSERT INTO t VALUES (1)").unwrap();
            there.write_all(b"o").unwrap();
            there.read_exact(&mut [0]).unwrap();
            childs.execute_batch("INSERT INTO t VALUES (2)").unwrap();
            drop(childs);
            // SAFETY: ends the child without running the parent's exit handlers.
            unsafe { libc::_exit(0) }
        }
        here.read_exact(&mut [0]).unwrap();
        drop(parents);
        let kept = path.with_file_name("db-wal").exists();
        here.write_all(b"g").unwrap();
        // SAFETY: no status is asked for.
        unsafe { libc::waitpid(child, ptr::null_mut(), 0) };
        let count = "SELECT count(*) FROM t";
        let rows: i64 = open(path).query_row(count, [], |row| row.get(0)).unwrap();
        kept && rows == 2
    }

    fn open(path: &Path) -> Connection {
        let db = Connection::open(path).unwrap();
        db.pragma_update(None, "journal_mode", "wal").unwrap();
        db
    }
}
