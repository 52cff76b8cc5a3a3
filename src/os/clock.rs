//! The host's clocks, in nanoseconds.

use std::thread;
use std::time::Duration;

/// Unix time (`CLOCK_REALTIME`): may jump, and may be wrong.
pub(crate) fn realtime_ns() -> i64 {
    read(libc::CLOCK_REALTIME)
}

/// Time since this machine started, sleep included (`CLOCK_BOOTTIME`): never set, never back.
pub(crate) fn boottime_ns() -> i64 {
    read(libc::CLOCK_BOOTTIME)
}

/// Sleeps at least so long.
pub(crate) fn sleep(duration: Duration) {
    thread::sleep(duration);
}

/// A clock that the kernel does not know reads 0; both above are older than any kernel we run on.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn real_time_is_unix_time_in_nanoseconds() {
        let theirs = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let apart = i128::from(realtime_ns()) - i128::try_from(theirs.as_nanos()).unwrap();
        assert!(apart.abs() < 1_000_000_000, "{apart}");
    }

    #[test]
    fn boot_time_runs_on_by_as_much_as_was_slept() {
        let before = boottime_ns();
        sleep(Duration::from_millis(20));
        let slept = boottime_ns() - before;
        assert!((20_000_000..5_000_000_000).contains(&slept), "{slept}");
    }
}
