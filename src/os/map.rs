//! Pages of our own from the kernel: zeroed, private, kept out of core dumps.

use std::ptr::{self, NonNull};

use libc::c_void;

/// Writes zeros that the compiler may not leave out.
pub(super) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

/// Maps `len` zeroed bytes; `len` is a multiple of the page size or is rounded up to one by the
/// kernel. `None`: no memory.
pub(super) fn map(len: usize) -> Option<NonNull<u8>> {
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches nothing of ours.
    let address = unsafe {
        libc::mmap(
            ptr::null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if address == libc::MAP_FAILED {
        return None;
    }
    NonNull::new(address.cast::<u8>())
}

/// Gives a mapping back.
///
/// # Safety
/// `address` and `len` are one mapping of [`map`]'s, and nothing refers to it any more.
pub(super) unsafe fn unmap(address: NonNull<u8>, len: usize) {
    // SAFETY: the caller's promise.
    let done = unsafe { libc::munmap(address.as_ptr().cast::<c_void>(), len) };
    debug_assert_eq!(done, 0, "a mapping of ours");
}

/// Whether the kernel took the advice about a mapping of ours.
pub(super) fn advise(address: NonNull<u8>, len: usize, advice: i32) -> bool {
    debug_assert!(
        [
            libc::MADV_DONTDUMP,
            libc::MADV_WIPEONFORK,
            libc::MADV_HUGEPAGE
        ]
        .contains(&advice),
        "advice that keeps what the pages hold"
    );
    // SAFETY: none of the three changes or frees memory of this process.
    unsafe { libc::madvise(address.as_ptr().cast::<c_void>(), len, advice) == 0 }
}

/// Whether the pages are now held in memory; the limit on that is often 8 MiB.
pub(super) fn lock(address: NonNull<u8>, len: usize) -> bool {
    // SAFETY: `mlock` changes no memory, and checks the range itself.
    unsafe { libc::mlock(address.as_ptr().cast::<c_void>(), len) == 0 }
}
