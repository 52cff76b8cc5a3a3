//! The fork word: "which process is this?", answered in a nanosecond.
//!
//! The word lies in a page that the kernel zeroes in every forked child (`MADV_WIPEONFORK`). So a
//! child finds 0, whatever way it was made and though no handler ran, and takes a number of its
//! own. Shared state keeps the number of the process that made it beside it: where that is another,
//! the state is a parent's, and is not locked, joined or dropped.

use std::process;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use super::map;

/// What a child finds zeroed.
#[derive(Default)]
struct Words {
    /// Not 0 once this process has been numbered.
    generation: AtomicU64,
    /// Only where the kernel cannot wipe on fork: the process that the number is of.
    owner: AtomicU32,
}

static WORDS: AtomicPtr<Words> = AtomicPtr::new(ptr::null_mut());

/// Where no page could be had, or the kernel (before 4.14) does not wipe it.
static BY_PID: Words = Words {
    generation: AtomicU64::new(0),
    owner: AtomicU32::new(0),
};

/// Numbers given out. Children inherit it, so that no child repeats a number of its ancestors.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// A number of this process that none of its ancestors has; never 0.
pub(crate) fn process_generation() -> u64 {
    let word = &words().generation;
    match word.load(Ordering::Acquire) {
        0 => number(word),
        known => known,
    }
}

/// Sets the word, once, to a fresh number.
#[cold]
fn number(word: &AtomicU64) -> u64 {
    let fresh = NUMBERS.fetch_add(1, Ordering::Relaxed) + 1;
    match word.compare_exchange(0, fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => fresh,
        Err(earlier) => earlier,
    }
}

fn words() -> &'static Words {
    let words = WORDS.load(Ordering::Acquire);
    if words.is_null() {
        return first();
    }
    if ptr::eq(words, &raw const BY_PID) {
        return by_pid();
    }
    // SAFETY: only a page from `page`, which is never unmapped; zeros are valid `Words`.
    unsafe { &*words }
}

/// Makes the page. Two threads may both try: one page wins, the other is given back.
#[cold]
fn first() -> &'static Words {
    let fresh = page().unwrap_or_else(|| (&raw const BY_PID).cast_mut());
    let placed =
        WORDS.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire);
    if let (Err(_), Some(unused)) = (placed, ptr::NonNull::new(fresh.cast::<u8>()))
        && !ptr::eq(fresh, &raw const BY_PID)
    {
        // SAFETY: a mapping of `page`'s that nobody else has seen.
        unsafe { map::unmap(unused, size_of::<Words>()) };
    }
    words()
}

/// A page that children find zeroed, or `None`.
fn page() -> Option<*mut Words> {
    let page = map::map(size_of::<Words>())?;
    if map::advise(page, size_of::<Words>(), libc::MADV_WIPEONFORK) {
        return Some(page.as_ptr().cast::<Words>());
    }
    // SAFETY: nobody else has seen the mapping.
    unsafe { map::unmap(page, size_of::<Words>()) };
    None
}

/// Zeroes the words when the process has changed, as the kernel would have done.
fn by_pid() -> &'static Words {
    let here = process::id();
    if BY_PID.owner.swap(here, Ordering::AcqRel) != here {
        BY_PID.generation.store(0, Ordering::Release);
    }
    &BY_PID
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[test]
    fn a_process_keeps_its_number() {
        assert_ne!(process_generation(), 0);
        assert_eq!(process_generation(), process_generation());
    }

    #[test]
    fn no_child_repeats_a_number_of_its_ancestors() {
        let parent = process_generation();
        let fine = in_child(|| {
            let child = process_generation();
            child > parent && in_child(|| process_generation() > child)
        });
        assert!(fine);
        assert_eq!(process_generation(), parent);
    }

    #[test]
    fn where_pages_are_not_wiped_the_process_id_tells() {
        let numbered = || number_once(&by_pid().generation);
        let parent = numbered();
        assert_eq!(numbered(), parent);
        assert!(in_child(|| numbered() != parent));
    }

    fn number_once(word: &AtomicU64) -> u64 {
        match word.load(Ordering::Acquire) {
            0 => number(word),
            known => known,
        }
    }

    #[test]
    fn threads_of_a_process_agree() {
        let numbers: Vec<u64> = (0..8)
            .map(|_| std::thread::spawn(process_generation))
            .map(|thread| thread.join().unwrap())
            .collect();
        assert!(
            numbers.iter().all(|n| *n == process_generation()),
            "{numbers:?}"
        );
    }

    /// Runs `work` in a forked child and gives its answer.
    pub(crate) fn in_child(work: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child runs `work` and ends by `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let code = i32::from(!work());
            // SAFETY: ends the child without running the parent's exit handlers.
            unsafe { libc::_exit(code) }
        }
        let mut status = 0;
        // SAFETY: `status` is writable.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        waited == child && status == 0
    }
}
