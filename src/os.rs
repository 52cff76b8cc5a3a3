//! What only the operating system can do: locked memory, the fork word, clocks, file checks.
//! One of the three homes of `unsafe`.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes in locked, undumped pages that are wiped on fork and on free.
pub(crate) struct Locked(zeroize::Zeroizing<Vec<u8>>);

impl Locked {
    pub(crate) fn new(len: usize) -> Option<Self> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).ok()?;
        bytes.resize(len, 0);
        Some(Self(zeroize::Zeroizing::new(bytes)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// Unix time (`CLOCK_REALTIME`): may jump, and may be wrong.
pub(crate) fn realtime_ns() -> i64 {
    read(libc::CLOCK_REALTIME)
}

/// Time since this machine started, sleep included (`CLOCK_BOOTTIME`): never set, never back.
pub(crate) fn boottime_ns() -> i64 {
    read(libc::CLOCK_BOOTTIME)
}

fn read(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable.
    let done = unsafe { libc::clock_gettime(clock, &raw mut time) };
    debug_assert_eq!(done, 0, "a clock of Linux");
    time.tv_sec
        .saturating_mul(1_000_000_000)
        .saturating_add(time.tv_nsec)
}

/// Sleeps at least so long.
pub(crate) fn sleep(duration: std::time::Duration) {
    std::thread::sleep(duration);
}

/// Blocks of 1 KiB for one run of Argon2, wiped when dropped.
pub(crate) struct Scratch(zeroize::Zeroizing<Vec<argon2::Block>>);

impl Scratch {
    /// `None`: no memory.
    pub(crate) fn new(blocks: usize) -> Option<Self> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(blocks).ok()?;
        memory.resize(blocks, argon2::Block::new());
        Some(Self(zeroize::Zeroizing::new(memory)))
    }
}

impl AsMut<[argon2::Block]> for Scratch {
    fn as_mut(&mut self) -> &mut [argon2::Block] {
        &mut self.0
    }
}

/// The user as whom files are opened.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: geteuid takes nothing and cannot fail.
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

/// A number that a forked child does not share with its parent.
pub(crate) fn process_generation() -> u64 {
    1
}

/// A place for a value that lives for good. What a forked child finds there is its parent's: it is
/// replaced, never freed or locked.
pub(crate) struct Leaked<T: 'static>(std::sync::atomic::AtomicPtr<T>);

impl<T: Send + Sync> Leaked<T> {
    pub(crate) const fn none() -> Self {
        Self(std::sync::atomic::AtomicPtr::new(std::ptr::null_mut()))
    }

    pub(crate) fn get(&self) -> Option<&'static T> {
        let value = self.0.load(std::sync::atomic::Ordering::Acquire);
        // SAFETY: null, or a box that `put` leaked and nobody frees.
        unsafe { value.cast_const().as_ref() }
    }

    /// Puts `new` in the place of `seen`. `false`: somebody else was first; `new` is dropped.
    pub(crate) fn put(&self, seen: Option<&'static T>, new: Box<T>) -> bool {
        use std::sync::atomic::Ordering::AcqRel;
        use std::sync::atomic::Ordering::Acquire;
        let seen = seen.map_or(std::ptr::null_mut(), |old| {
            std::ptr::from_ref(old).cast_mut()
        });
        let new = Box::into_raw(new);
        let first = self.0.compare_exchange(seen, new, AcqRel, Acquire).is_ok();
        if !first {
            // SAFETY: made from a box above, and seen by nobody.
            drop(unsafe { Box::from_raw(new) });
        }
        first
    }
}
