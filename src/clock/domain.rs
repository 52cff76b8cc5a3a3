//! Which readings of CLOCK_BOOTTIME may be compared: those of one boot and one time namespace
//! (formats.md §3).
#![forbid(unsafe_code)]

use std::fs;

use crate::lc;

/// This process's clock domain. Where /proc is not there to tell, all such processes share one, and
/// a reading below the last one starts anew.
pub(crate) fn domain() -> [u8; 16] {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let offsets = fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default();
    of(boot.trim_end(), boottime_line(&offsets))
}

/// SHA-256 of both texts after a label; neither has a newline.
fn of(boot_id: &str, boottime: &str) -> [u8; 16] {
    let parts = [b"zeq-byok/1 clock", boot_id.as_bytes(), boottime.as_bytes()];
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = lc::digest::sha256(&parts);
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// Empty on a kernel without time namespaces.
fn boottime_line(offsets: &str) -> &str {
    let mut lines = offsets.lines();
    lines
        .find(|line| line.starts_with("boottime"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFSETS: &str = "monotonic           0         0\nboottime            7         0\n";

    #[test]
    fn another_boot_or_another_namespace_is_another_domain() {
        assert_eq!(boottime_line(OFFSETS), "boottime            7         0");
        assert_eq!(boottime_line(""), "");
        let here = of("boot", boottime_line(OFFSETS));
        assert_ne!(here, of("other", boottime_line(OFFSETS)));
        assert_ne!(here, of("boot", "boottime            8         0"));
    }

    #[test]
    fn a_process_stays_in_its_domain() {
        assert_eq!(domain(), domain());
    }
}
