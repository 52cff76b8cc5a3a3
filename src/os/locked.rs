//! Key bytes: in pages that are held in memory, left out of core dumps, found zeroed by forked
//! children, and wiped when they are freed.
//!
//! Small ones share chunks of pages, a free list a size; a large one has pages of its own. Every
//! slot of a free list is zero. A child that forks off never touches its parent's pool, whose lock
//! may be held by a thread that the child does not have: it starts one of its own and leaves the
//! old one be.

use std::ptr::NonNull;
use std::slice;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::leaked::Leaked;
use super::{fork, map};

/// Bytes of one owner. A copy inherited by a forked child reads zero there.
pub(crate) struct Locked {
    address: NonNull<u8>,
    len: usize,
    /// Whose pool the slot belongs to.
    process: u64,
}

impl Locked {
    /// `len` zero bytes; `None`: no memory.
    pub(crate) fn new(len: usize) -> Option<Self> {
        let shared = shared()?;
        let address = match class(len) {
            Some(class) => shared.pool().take(class)?,
            None => shared.pool().map(len)?,
        };
        let process = shared.process;
        Some(Self {
            address,
            len,
            process,
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the slot is ours alone and at least `len` long.
        unsafe { slice::from_raw_parts(self.address.as_ptr(), self.len) }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.address.as_ptr(), self.len) }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        map::wipe(self.bytes_mut());
        // A parent's slot, freed in a child, is left: it is zero, and the pool is not ours.
        let Some(shared) = shared().filter(|shared| shared.process == self.process) else {
            return;
        };
        match class(self.len) {
            Some(class) => shared.pool().give(class, self.address),
            None => shared.pool().unmap(self.address, self.len),
        }
    }
}

// SAFETY: it owns its bytes as a `Box<[u8]>` does.
unsafe impl Send for Locked {}
// SAFETY: as above; shared, it is only read.
unsafe impl Sync for Locked {}

/// How much key memory this process has, and how much of it could be locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemoryReport {
    /// Bytes of pages in use for keys.
    pub(crate) mapped: usize,
    /// Of those, bytes that cannot be written to swap; fewer than `mapped` where the limit on
    /// locked memory (`ulimit -l`) was reached.
    pub(crate) locked: usize,
    /// Of `mapped`, bytes that the kernel agreed to leave out of core dumps and to wipe on fork.
    pub(crate) guarded: usize,
}

/// The state of key memory now.
pub(crate) fn locked_memory_report() -> MemoryReport {
    shared().map_or_else(MemoryReport::default, |shared| shared.pool().report)
}

/// Bytes of the slots of each class.
const CLASSES: [usize; 8] = [32, 64, 128, 256, 512, 1024, 2048, 4096];

/// Bytes that are mapped at a time for a class: four pages of the usual size, so that a module
/// with a handful of keys locks little.
const CHUNK: usize = 16 * 1024;

/// The smallest class that fits, if one does.
fn class(len: usize) -> Option<usize> {
    CLASSES.iter().position(|size| len <= *size)
}

/// The pool of one process.
struct Shared {
    process: u64,
    /// A std lock: parking_lot's waiting threads stand in a table of the whole process, which a
    /// child inherits in whatever state it was.
    pool: Mutex<Pool>,
}

static SHARED: Leaked<Shared> = Leaked::none();

/// This process's pool, made at first use.
fn shared() -> Option<&'static Shared> {
    match SHARED.get() {
        Some(shared) if shared.is_of_this_process() => Some(shared),
        other => replace(other),
    }
}

/// Puts a new pool where `old` (none, or a parent's) stands.
#[cold]
fn replace(old: Option<&'static Shared>) -> Option<&'static Shared> {
    SHARED.put(old, Box::default());
    SHARED.get()
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            process: fork::process_generation(),
            pool: Mutex::default(),
        }
    }
}

impl Shared {
    fn is_of_this_process(&self) -> bool {
        self.process == fork::process_generation()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "see the field; poison is recovered"
    )]
    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Pool {
    /// Free slots of each class, all zero.
    free: [Vec<Slot>; CLASSES.len()],
    /// Slots that exist of each class: the free lists have room for all of them, so that giving
    /// one back never allocates.
    slots: [usize; CLASSES.len()],
    report: MemoryReport,
}

/// The address of a slot.
struct Slot(NonNull<u8>);

// SAFETY: a free slot belongs to the pool that lists it.
unsafe impl Send for Slot {}

impl Pool {
    fn take(&mut self, class: usize) -> Option<NonNull<u8>> {
        let found = self.free.get_mut(class)?.pop();
        found.or_else(|| self.grow(class)).map(|slot| slot.0)
    }

    fn give(&mut self, class: usize, address: NonNull<u8>) {
        if let Some(free) = self.free.get_mut(class) {
            free.push(Slot(address));
        }
    }

    /// Maps one more chunk for a class, lists all its slots but one, and gives that one.
    #[cold]
    fn grow(&mut self, class: usize) -> Option<Slot> {
        let (size, free) = (*CLASSES.get(class)?, self.free.get_mut(class)?);
        let slots = self.slots.get_mut(class)?;
        let more = CHUNK / size;
        free.try_reserve_exact(*slots + more).ok()?;
        let chunk = map::map(CHUNK)?;
        self.report.add(chunk, CHUNK);
        *slots += more;
        // SAFETY: every `size`-th byte of the chunk lies within it.
        let at = |index: usize| Slot(unsafe { chunk.add(index * size) });
        free.extend((0..more).rev().map(at));
        free.pop()
    }

    /// Pages for one large owner.
    fn map(&mut self, len: usize) -> Option<NonNull<u8>> {
        let len = whole_pages(len)?;
        let address = map::map(len)?;
        self.report.add(address, len);
        Some(address)
    }

    /// Gives a large owner's pages back; they are zero.
    fn unmap(&mut self, address: NonNull<u8>, len: usize) {
        let Some(len) = whole_pages(len) else { return };
        self.report.mapped = self.report.mapped.saturating_sub(len);
        self.report.locked = self.report.locked.saturating_sub(len);
        self.report.guarded = self.report.guarded.saturating_sub(len);
        // SAFETY: `map` made it for the owner that is being dropped.
        unsafe { map::unmap(address, len) };
    }
}

impl MemoryReport {
    /// Guards a new mapping and counts what the kernel granted.
    fn add(&mut self, address: NonNull<u8>, len: usize) {
        let undumped = map::advise(address, len, libc::MADV_DONTDUMP);
        let wiped = map::advise(address, len, libc::MADV_WIPEONFORK);
        self.mapped += len;
        self.locked += if map::lock(address, len) { len } else { 0 };
        self.guarded += if undumped && wiped { len } else { 0 };
    }
}

/// The length rounded up to pages of 4 KiB, the least that the kernel maps.
fn whole_pages(len: usize) -> Option<usize> {
    len.checked_next_multiple_of(4096)
        .filter(|rounded| isize::try_from(*rounded).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::in_child;
    use std::fs;
    use std::mem::ManuallyDrop;
    use std::thread;

    #[test]
    fn every_length_starts_zero_and_holds_what_is_written() {
        for len in [0, 1, 31, 32, 33, 4096, 4097, 100_000] {
            let mut locked = Locked::new(len).unwrap();
            assert_eq!(locked.bytes(), vec![0; len]);
            locked.bytes_mut().fill(0xa5);
            assert_eq!(locked.bytes(), vec![0xa5; len]);
        }
    }

    #[test]
    fn a_dropped_slot_is_zero() {
        // In a child, where no other test's thread takes the slot before it is looked at.
        assert!(in_child(|| {
            let mut locked = Locked::new(48).unwrap();
            locked.bytes_mut().fill(0xa5);
            let address = locked.address.cast::<[u8; 48]>();
            // SAFETY: chunks are never unmapped.
            let read = || unsafe { address.read_volatile() };
            let written = read() == [0xa5; 48];
            drop(locked);
            written && read() == [0; 48]
        }));
    }

    #[test]
    fn slots_of_one_class_never_overlap() {
        let mut all: Vec<_> = (0..2000).map(|_| Locked::new(100).unwrap()).collect();
        for (index, locked) in all.iter_mut().enumerate() {
            locked.bytes_mut().fill(u8::try_from(index % 251).unwrap());
        }
        for (index, locked) in all.iter().enumerate() {
            let byte = u8::try_from(index % 251).unwrap();
            assert!(locked.bytes().iter().all(|b| *b == byte));
        }
    }

    #[test]
    fn threads_share_the_pool_without_harm() {
        let work = |byte: u8| {
            for round in 0..2000usize {
                let mut locked = Locked::new(1 + round % 600).unwrap();
                assert!(locked.bytes().iter().all(|b| *b == 0));
                locked.bytes_mut().fill(byte);
                assert!(locked.bytes().iter().all(|b| *b == byte));
            }
        };
        let threads: Vec<_> = (1..5).map(|b| thread::spawn(move || work(b))).collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
    }

    #[test]
    fn more_than_there_is_is_refused_not_fatal() {
        assert!(Locked::new(usize::MAX).is_none());
        assert!(Locked::new(usize::MAX / 2).is_none());
        assert!(Locked::new(1 << 50).is_none());
    }

    #[test]
    fn the_kernel_keeps_the_pages_out_of_core_dumps_and_out_of_children() {
        let small = Locked::new(32).unwrap();
        let large = Locked::new(10_000).unwrap();
        for locked in [&small, &large] {
            let flags = flags_of(locked.address);
            assert!(flags.contains(&"dd".into()), "{flags:?}");
            assert!(flags.contains(&"wf".into()), "{flags:?}");
        }
        let report = locked_memory_report();
        assert_eq!(report.guarded, report.mapped);
        // The limit on locked memory may be anything where tests run; the first chunk fits it.
        if report.locked == report.mapped {
            assert!(flags_of(small.address).contains(&"lo".into()));
        }
    }

    #[test]
    fn a_child_reads_zeros_and_has_a_pool_of_its_own() {
        // The parent leaks its own copy: dropping it would want the lock that is held below.
        let mut locked = ManuallyDrop::new(Locked::new(32).unwrap());
        locked.bytes_mut().fill(0xa5);
        let inherited = locked.address;
        let guard = shared().unwrap().pool();
        // The parent's lock is held: a child that took it would hang.
        let fine = in_child(move || {
            let zero = locked.bytes() == [0; 32];
            drop(ManuallyDrop::into_inner(locked));
            let all: Vec<_> = (0..1024).filter_map(|_| Locked::new(32)).collect();
            zero && all.len() == 1024 && all.iter().all(|l| l.address != inherited)
        });
        drop(guard);
        assert!(fine);
    }

    /// What `/proc/self/smaps` says of the mapping that holds an address.
    fn flags_of(address: NonNull<u8>) -> Vec<String> {
        let address = address.as_ptr().addr();
        let maps = fs::read_to_string("/proc/self/smaps").unwrap();
        let holds = |line: &str| {
            let (from, to) = line.split_once(' ')?.0.split_once('-')?;
            let from = usize::from_str_radix(from, 16).ok()?;
            let to = usize::from_str_radix(to, 16).ok()?;
            Some((from..to).contains(&address))
        };
        let mut lines = maps.lines().skip_while(|line| holds(line) != Some(true));
        let flags = lines.find_map(|line| line.strip_prefix("VmFlags:"));
        flags.unwrap().split_whitespace().map(Into::into).collect()
    }
}
