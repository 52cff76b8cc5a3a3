//! The pulse of now: tick, phase and R(t) (operator KO42).
#![forbid(unsafe_code)]

use crate::clock::{self, Phase};
use crate::os;

/// A moment of the 1.287 Hz clock.
#[derive(Clone, Copy, Debug)]
pub struct Pulse {
    /// Nanoseconds of Unix time.
    pub unix_ns: i64,
    /// The number of the Zeqond.
    pub tick: u64,
    /// In 1/10000 of it, truncated.
    pub phase: u32,
    /// R(t) = 1 + α sin(2π·phase).
    pub r: f64,
}

/// The pulse of now, by the host's clock.
pub fn pulse() -> Pulse {
    at(os::realtime_ns())
}

fn at(unix_ns: i64) -> Pulse {
    let phase = Phase::at(unix_ns);
    Pulse {
        unix_ns,
        tick: clock::tick(unix_ns),
        phase: phase.ten_thousandths(),
        r: phase.resonance(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_give_tick_phase_and_r() {
        let pulse = at(1_700_000_000_000_000_000);
        assert_eq!((pulse.tick, pulse.phase), (2_187_902_187, 9021));
        assert!((pulse.r - 0.999_256).abs() < 1e-6);
        assert_eq!(at(80_000_000).phase, 1029);
    }
}
