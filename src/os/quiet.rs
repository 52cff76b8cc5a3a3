//! Writing without SIGPIPE, whose default ends the host.

use std::fs::File;
use std::io;
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::ptr;

use libc::sigset_t;

/// Writes all of it. A pipe that nobody reads is an error and no signal: SIGPIPE is blocked in this
/// thread meanwhile, and one that the write raised is taken back before the block ends.
///
/// # Errors
/// What `write` says.
pub(crate) fn write_quietly(to: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::from(to.try_clone_to_owned()?);
    let pipe = only_sigpipe();
    let waiting_before = pending();
    let before = mask(libc::SIG_BLOCK, &pipe);
    let written = file.write_all(bytes);
    if written.is_err() && !waiting_before {
        take(&pipe);
    }
    mask(libc::SIG_SETMASK, &before);
    written
}

fn only_sigpipe() -> sigset_t {
    let mut set = MaybeUninit::<sigset_t>::zeroed();
    // SAFETY: `set` is writable.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: `set` is a signal set.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE) };
    // SAFETY: a plain array of bits, all of them set above.
    unsafe { set.assume_init() }
}

/// Changes this thread's mask; answers the one before.
fn mask(how: libc::c_int, set: &sigset_t) -> sigset_t {
    let mut before = *set;
    // SAFETY: both are signal sets, and one is writable.
    unsafe { libc::pthread_sigmask(how, set, &raw mut before) };
    before
}

/// Does a SIGPIPE of somebody else wait already?
fn pending() -> bool {
    let mut set = only_sigpipe();
    // SAFETY: `set` is writable.
    unsafe { libc::sigpending(&raw mut set) };
    // SAFETY: `set` is a signal set.
    unsafe { libc::sigismember(&raw const set, libc::SIGPIPE) == 1 }
}

/// Takes a waiting SIGPIPE away, if there is one.
fn take(set: &sigset_t) {
    let now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the set and the time are readable, and no information is asked for.
    unsafe { libc::sigtimedwait(set, ptr::null_mut(), &raw const now) };
}
