//! The fork gate: a fork waits until no thread holds a lock of aws-lc's or SQLite's.
//!
//! Both take pthread locks and have no handling of fork, so that a child forked while another
//! thread draws random inherits locks that nobody will ever release (docs/decisions/fork.md has
//! the figures). The shared library is linked with `--wrap` for the pthread functions that both
//! lock with, so that their calls come here. A thread that holds at least one lock is counted in
//! its stripe of counters; before a fork the gate is closed to threads that hold none and the fork
//! waits for the others.
//!
//! Not covered: a raw `clone`, and `vfork` (whose child may not call us anyway).

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A counter on a cache line of its own (two, as processors fetch them in pairs).
#[derive(Default)]
#[repr(align(128))]
struct Stripe(AtomicU32);

const STRIPES: usize = 64;

/// Threads that hold a lock, spread so that no two busy threads share a counter.
static HOLDERS: [Stripe; STRIPES] = [const { Stripe(AtomicU32::new(0)) }; STRIPES];

/// Forks under way: several threads may fork at once.
static CLOSED: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// Locks that this thread holds, or waits for. None of it is dropped, so that it may still be
    /// used while a thread ends, when aws-lc frees the thread's generator.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// This thread's stripe, counted from 1; 0: not chosen yet.
    static STRIPE: Cell<usize> = const { Cell::new(0) };
}

/// Before a lock is taken. A thread that holds one already may not wait: the fork waits for it.
#[inline]
fn enter() {
    let held = DEPTH.get();
    DEPTH.set(held + 1);
    if held == 0 {
        pass(stripe());
    }
}

/// After a lock was released, or was not got.
#[inline]
fn leave() {
    let held = DEPTH.get();
    DEPTH.set(held.saturating_sub(1));
    if held == 1 {
        stripe().fetch_sub(1, Ordering::Release);
    }
}

/// Counts this thread, unless the gate is closed: then it waits first.
#[inline]
fn pass(stripe: &AtomicU32) {
    // Counted before the gate is looked at, as a fork closes the gate before it looks at the
    // counters: one of the two sees the other.
    stripe.fetch_add(1, Ordering::SeqCst);
    while CLOSED.load(Ordering::SeqCst) != 0 {
        stripe.fetch_sub(1, Ordering::SeqCst);
        wait_until_open();
        stripe.fetch_add(1, Ordering::SeqCst);
    }
}

#[cold]
fn wait_until_open() {
    while CLOSED.load(Ordering::SeqCst) != 0 {
        thread::sleep(Duration::from_micros(50));
    }
}

#[inline]
#[expect(clippy::indexing_slicing, reason = "the remainder is within the array")]
fn stripe() -> &'static AtomicU32 {
    let chosen = match STRIPE.get() {
        0 => choose(),
        known => known,
    };
    &HOLDERS[chosen % STRIPES].0
}

/// Gives a thread its stripe at its first lock, and sets up the handlers at the first of all.
#[cold]
fn choose() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if !REGISTERED.swap(true, Ordering::SeqCst) {
        register();
    }
    let chosen = NEXT.fetch_add(1, Ordering::Relaxed).max(1);
    STRIPE.set(chosen);
    chosen
}

/// The only handlers of fork in the library, which is never unmapped (`-z nodelete`).
fn register() {
    // SAFETY: the three are functions of the library and do not unwind.
    let failed = unsafe {
        libc::pthread_atfork(
            Some(before_fork),
            Some(after_fork_in_parent),
            Some(after_fork_in_child),
        )
    };
    debug_assert_eq!(failed, 0, "only the lack of memory fails");
}

/// A fork waits no longer: a child that hangs is better than a host that does. Without a defect,
/// nobody holds a lock for so long; at the end of a process aws-lc keeps its locks for good.
const PATIENCE: Duration = Duration::from_secs(1);

extern "C" fn before_fork() {
    let own = u32::from(DEPTH.get() > 0);
    // A handler of somebody else's may call us before the fork is over: it must not wait for it.
    DEPTH.set(DEPTH.get() + 1);
    CLOSED.fetch_add(1, Ordering::SeqCst);
    let begun = Instant::now();
    while holders() > own && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_micros(20));
    }
}

extern "C" fn after_fork_in_parent() {
    CLOSED.fetch_sub(1, Ordering::SeqCst);
    DEPTH.set(DEPTH.get().saturating_sub(1));
}

/// The child has one thread: its count is what that thread holds.
extern "C" fn after_fork_in_child() {
    DEPTH.set(DEPTH.get().saturating_sub(1));
    for stripe in &HOLDERS {
        stripe.0.store(0, Ordering::SeqCst);
    }
    if DEPTH.get() > 0 {
        stripe().store(1, Ordering::SeqCst);
    }
    CLOSED.store(0, Ordering::SeqCst);
}

fn holders() -> u32 {
    let counts = HOLDERS.iter().map(|stripe| stripe.0.load(Ordering::SeqCst));
    counts.fold(0, u32::saturating_add)
}

/// The functions that stand in the place of pthread's. Symbols of assembly are hidden in the
/// library, which those of Rust cannot be; `__wrap_` and `__real_` are the linker's words. Where
/// nothing is wrapped (the command, the tests) `__real_` is nowhere, and nobody comes here.
#[cfg(fork_gate)]
mod wrapped {
    use std::ffi::c_int;

    use libc::c_void;

    use super::{enter, leave};

    /// `wrapped`, called in the place of pthread's `name`, does `around`; `real` is pthread's own.
    macro_rules! wrap {
        ($name:literal, $wrapped:ident, $real:ident, $around:ident) => {
            #[cfg(target_arch = "x86_64")]
            wrap!("jmp ", $name, $wrapped);
            #[cfg(target_arch = "aarch64")]
            wrap!("b ", $name, $wrapped);

            unsafe extern "C" {
                #[link_name = concat!("zeq_byok_real_", $name)]
                fn $real(lock: *mut c_void) -> c_int;
            }

            /// # Safety
            /// What pthread's function asks of `lock`.
            unsafe extern "C" fn $wrapped(lock: *mut c_void) -> c_int {
                // SAFETY: the caller's promise.
                $around(|| unsafe { $real(lock) })
            }
        };
        ($jump:literal, $name:literal, $wrapped:ident) => {
            std::arch::global_asm!(
                concat!(".pushsection .text.zeq_byok_gate_", $name, ",\"ax\",@progbits"),
                concat!(".globl __wrap_", $name),
                concat!(".hidden __wrap_", $name),
                concat!(".type __wrap_", $name, ", @function"),
                concat!("__wrap_", $name, ":"),
                concat!($jump, "{wrapped}"),
                concat!(".globl zeq_byok_real_", $name),
                concat!(".hidden zeq_byok_real_", $name),
                concat!(".type zeq_byok_real_", $name, ", @function"),
                concat!(".weak __real_", $name),
                concat!("zeq_byok_real_", $name, ":"),
                concat!($jump, "__real_", $name),
                ".popsection",
                wrapped = sym $wrapped,
            );
        };
    }

    wrap!("pthread_rwlock_rdlock", rdlock, real_rdlock, locking);
    wrap!("pthread_rwlock_wrlock", wrlock, real_wrlock, locking);
    wrap!("pthread_rwlock_unlock", rwunlock, real_rwunlock, unlocking);
    wrap!("pthread_mutex_lock", lock, real_lock, locking);
    wrap!("pthread_mutex_trylock", trylock, real_trylock, locking);
    wrap!("pthread_mutex_unlock", unlock, real_unlock, unlocking);

    #[inline]
    fn locking(real: impl FnOnce() -> c_int) -> c_int {
        enter();
        let failed = real();
        if failed != 0 {
            leave();
        }
        failed
    }

    #[inline]
    fn unlocking(real: impl FnOnce() -> c_int) -> c_int {
        let failed = real();
        if failed == 0 {
            leave();
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// The gate is one for the process: its tests run one after the other, here.
    #[test]
    fn the_gate_waits_for_holders_and_holds_up_the_rest() {
        a_fork_waits_for_a_thread_that_holds_a_lock();
        a_thread_that_holds_one_lock_gets_another_while_a_fork_waits();
        nobody_takes_a_lock_while_a_fork_is_under_way();
        who_forks_may_lock_meanwhile();
    }

    fn a_fork_waits_for_a_thread_that_holds_a_lock() {
        enter();
        let (waited, told) = mpsc::channel();
        let forks = thread::spawn(move || {
            before_fork();
            waited.send(()).unwrap();
            after_fork_in_parent();
        });
        let early = told.recv_timeout(Duration::from_millis(50));
        leave();
        assert!(early.is_err(), "the fork did not wait");
        told.recv_timeout(Duration::from_secs(5)).unwrap();
        forks.join().unwrap();
    }

    fn a_thread_that_holds_one_lock_gets_another_while_a_fork_waits() {
        enter();
        let forks = thread::spawn(|| {
            before_fork();
            after_fork_in_parent();
        });
        while CLOSED.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        enter();
        leave();
        leave();
        forks.join().unwrap();
    }

    fn nobody_takes_a_lock_while_a_fork_is_under_way() {
        before_fork();
        let (got, told) = mpsc::channel();
        let locks = thread::spawn(move || {
            enter();
            got.send(()).unwrap();
            leave();
        });
        let early = told.recv_timeout(Duration::from_millis(50));
        after_fork_in_parent();
        assert!(early.is_err(), "the gate was open");
        told.recv_timeout(Duration::from_secs(5)).unwrap();
        locks.join().unwrap();
        assert_eq!(holders(), 0);
    }

    fn who_forks_may_lock_meanwhile() {
        before_fork();
        enter();
        leave();
        after_fork_in_parent();
        assert_eq!((holders(), CLOSED.load(Ordering::SeqCst)), (0, 0));
    }
}
