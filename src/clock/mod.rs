//! The 1.287 Hz clock: Unix time cut into Zeqonds of 777 ms. A tick is the number of one, a phase
//! the part of it that has passed. Time is i64 nanoseconds of Unix time throughout.
#![forbid(unsafe_code)]

mod date;
mod domain;
mod judge;
mod span;

use std::f64::consts::TAU;
use std::fmt;

pub(crate) use date::Date;
pub(crate) use domain::domain;
pub(crate) use judge::{Ask, Base, Judgement, Refusal, State, Status, accept, judge, read};
pub(crate) use span::Span;

/// A Zeqond in nanoseconds.
pub(crate) const TICK_NS: i64 = 777_000_000;

/// The share of 1 by which R(t) swings.
const ALPHA: f64 = 0.001_29;

/// The Zeqond that a moment lies in; 0 before 1970.
pub(crate) fn tick(unix_ns: i64) -> u64 {
    u64::try_from(unix_ns.div_euclid(TICK_NS)).unwrap_or(0)
}

/// The first nanosecond of a tick; the last moment that i64 can say for one beyond it.
pub(crate) fn tick_begin(tick: u64) -> i64 {
    i64::try_from(tick)
        .ok()
        .and_then(|tick| tick.checked_mul(TICK_NS))
        .unwrap_or(i64::MAX)
}

/// The last nanosecond of a tick.
pub(crate) fn tick_end(tick: u64) -> i64 {
    tick_begin(tick.saturating_add(1)).saturating_sub(1)
}

/// How far a moment lies into its tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    /// Less than a Zeqond.
    into_ns: u32,
}

impl Phase {
    pub(crate) fn at(unix_ns: i64) -> Self {
        Self {
            into_ns: u32::try_from(unix_ns.rem_euclid(TICK_NS)).unwrap_or(0),
        }
    }

    /// Nanoseconds into the tick.
    pub(crate) fn into_ns(self) -> u32 {
        self.into_ns
    }

    /// In [0, 1).
    pub(crate) fn fraction(self) -> f64 {
        f64::from(self.into_ns) / 777e6
    }

    /// In 1/10000, truncated.
    pub(crate) fn ten_thousandths(self) -> u32 {
        self.into_ns / 77_700
    }

    /// The twentieth of the cycle that it lies in.
    pub(crate) fn slot(self) -> Gate {
        let low = self.ten_thousandths() / 500 * 500;
        Gate {
            low,
            high: low + 500,
        }
    }

    /// R(t) = 1 + α sin(2π·phase) (operator KO42).
    pub(crate) fn resonance(self) -> f64 {
        ALPHA.mul_add((TAU * self.fraction()).sin(), 1.0)
    }
}

/// Four decimals, truncated: 80 ms is 0.1029.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0.{:04}", self.ten_thousandths())
    }
}

/// The phases `[low, high)` of each tick, in 1/10000; past the end of the tick where `low > high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gate {
    pub(crate) low: u32,
    pub(crate) high: u32,
}

impl Gate {
    /// Below 1 a low, above 0 and to 1 a high, and not the same: that would be none or all.
    pub(crate) fn new(low: u64, high: u64) -> Option<Self> {
        let gate = Self {
            low: u32::try_from(low).ok()?,
            high: u32::try_from(high).ok()?,
        };
        (gate.low < 10_000 && (1..=10_000).contains(&gate.high) && low != high).then_some(gate)
    }

    /// A phase is in it from the nanosecond that is exactly `low` on, to the one before `high`.
    pub(crate) fn has(self, phase: Phase) -> bool {
        let exact = u64::from(phase.into_ns) * 10_000;
        let bound = |part: u32| u64::from(part) * TICK_NS.unsigned_abs();
        let (from, to) = (exact >= bound(self.low), exact < bound(self.high));
        match self.low < self.high {
            true => from && to,
            false => from || to,
        }
    }

    /// Nanoseconds from a phase outside until the gate is open; 0 inside, else less than a Zeqond.
    pub(crate) fn wait_ns(self, phase: Phase) -> u64 {
        let opens = (u64::from(self.low) * TICK_NS.unsigned_abs()).div_ceil(10_000);
        let now = u64::from(phase.into_ns);
        match self.has(phase) {
            true => 0,
            false if opens >= now => opens - now,
            false => opens + TICK_NS.unsigned_abs() - now,
        }
    }

    /// Its length on the circle, in 1/10000.
    pub(crate) fn len(self) -> u32 {
        match self.low < self.high {
            true => self.high - self.low,
            false => self.high + 10_000 - self.low,
        }
    }

    /// Every phase of this is one of `outer`.
    pub(crate) fn within(self, outer: Self) -> bool {
        let after = (self.low + 10_000 - outer.low) % 10_000;
        outer.len() == 10_000 || after + self.len() <= outer.len()
    }

    /// Phases of both; the longer stretch where they meet twice, `None` where never.
    pub(crate) fn narrow(self, other: Self) -> Option<Self> {
        let stretch = |a: Self, b: Self| {
            let after = (b.low + 10_000 - a.low) % 10_000;
            let left = a.len().checked_sub(after).filter(|left| *left > 0)?;
            let high = (b.low + left.min(b.len())) % 10_000;
            Self::new(b.low.into(), if high == 0 { 10_000 } else { high }.into())
        };
        match (self.within(other), other.within(self)) {
            (true, _) => Some(self),
            (_, true) => Some(other),
            (false, false) => {
                let both = [stretch(self, other), stretch(other, self)];
                both.into_iter().flatten().max_by_key(|gate| gate.len())
            }
        }
    }
}

/// Two decimals, truncated: `[0.10, 0.15]`.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let two = |part: u32| format!("{}.{:02}", part / 10_000, part % 10_000 / 100);
        write!(f, "[{}, {}]", two(self.low), two(self.high))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn the_published_vectors_of_the_clock_hold() {
        for (ms, number, into_ms) in [
            (0, 0, 0),
            (776, 0, 776),
            (777, 1, 0),
            (1_700_000_000_000, 2_187_902_187, 701),
        ] {
            assert_eq!(tick(ms * MS), number);
            let phase = Phase::at(ms * MS);
            assert_eq!(i64::from(phase.into_ns()), into_ms * MS);
            assert_eq!(tick_begin(number) + into_ms * MS, ms * MS);
        }
        assert!(tick_end(0) + 1 == tick_begin(1) && tick(tick_end(5)) == 5);
    }

    #[test]
    fn phases_and_gates_are_truncated_not_rounded() {
        let phase = Phase::at(80 * MS);
        assert_eq!(phase.to_string(), "0.1029"); // 0.10296
        assert_eq!(phase.slot().to_string(), "[0.10, 0.15]");
        assert_eq!(Phase::at(777 * MS - 1).to_string(), "0.9999");
        assert_eq!(Phase::at(777 * MS - 1).slot().to_string(), "[0.95, 1.00]");
        assert_eq!(
            Gate {
                low: 1999,
                high: 9999
            }
            .to_string(),
            "[0.19, 0.99]"
        );
    }

    #[test]
    fn the_resonance_swings_by_alpha() {
        assert!((Phase::at(0).resonance() - 1.0).abs() < 1e-12);
        assert!(
            (Phase {
                into_ns: 194_250_000
            }
            .resonance()
                - 1.001_29)
                .abs()
                < 1e-12
        );
        assert!(
            (Phase {
                into_ns: 582_750_000
            }
            .resonance()
                - 0.998_71)
                .abs()
                < 1e-12
        );
    }

    #[test]
    fn a_gate_is_open_from_its_low_to_just_before_its_high() {
        let gate = Gate::new(1000, 1500).unwrap();
        let has = |ns: u32| gate.has(Phase { into_ns: ns });
        assert!(!has(77_699_999) && has(77_700_000));
        assert!(has(116_549_999) && !has(116_550_000));
    }

    #[test]
    fn a_gate_may_wrap_past_the_end_of_the_tick() {
        let gate = Gate::new(9500, 500).unwrap();
        let has = |ms: i64| gate.has(Phase::at(ms * MS));
        assert!(has(770) && has(0) && has(38) && !has(39) && !has(700));
    }

    #[test]
    fn gates_that_say_nothing_are_none() {
        for (low, high) in [
            (0, 0),
            (5, 5),
            (10_000, 1),
            (0, 10_001),
            (5, 0),
            (u64::MAX, 1),
        ] {
            assert_eq!(Gate::new(low, high), None, "{low} {high}");
        }
    }

    fn gates() -> impl Strategy<Value = Gate> {
        (0..10_000u64, 1..=10_000u64).prop_filter_map("same", |(low, high)| Gate::new(low, high))
    }

    fn each() -> impl Iterator<Item = Phase> {
        (0..10_000).map(|part| Phase {
            into_ns: part * 77_700,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_wait_ends_inside_the_gate_and_no_sooner(gate in gates(), now in 0..TICK_NS) {
            let wait = gate.wait_ns(Phase::at(now));
            prop_assert!(wait < TICK_NS.unsigned_abs());
            let then = now + i64::try_from(wait).unwrap();
            prop_assert!(gate.has(Phase::at(then)));
            prop_assert!(wait == 0 || !gate.has(Phase::at(then - 1)));
        }

        #[test]
        fn within_means_that_every_phase_is(a in gates(), b in gates()) {
            prop_assert_eq!(a.within(b), each().all(|p| !a.has(p) || b.has(p)));
        }

        #[test]
        fn narrowing_gives_phases_of_both_and_none_only_where_there_is_none(a in gates(), b in gates()) {
            match a.narrow(b) {
                Some(both) => prop_assert!(both.within(a) && both.within(b)),
                None => prop_assert!(each().all(|p| !(a.has(p) && b.has(p)))),
            }
        }
    }
}
