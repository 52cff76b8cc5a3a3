//! When an envelope opens: ticks `opens..=closes`, and within each tick a gate of phases.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::Error;
use crate::clock::{Gate, Phase, tick, tick_begin};
use crate::os;

/// A phase window. The default is open at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    /// First tick; `None`: at once.
    pub(crate) opens: Option<u64>,
    /// Last tick; `None`: never closes.
    pub(crate) closes: Option<u64>,
    /// `None`: every phase.
    pub(crate) gate: Option<Gate>,
}

impl Window {
    /// It has a beginning or an end, so that the clock must be believed. A gate alone is for pacing.
    pub(crate) fn is_bounded(&self) -> bool {
        self.opens.is_some() || self.closes.is_some()
    }

    /// Whether something may be sealed into it now.
    ///
    /// # Errors
    /// [`Error::BadWindow`]: it closes before it opens, or has closed.
    pub(crate) fn seals(&self, unix_ns: i64) -> Result<(), Error> {
        let past = self.closes.is_some_and(|closes| closes < tick(unix_ns));
        match self.is_backward() || past {
            true => Err(Error::BadWindow),
            false => Ok(()),
        }
    }

    /// Closes before it opens.
    pub(crate) fn is_backward(&self) -> bool {
        self.closes
            .is_some_and(|closes| self.opens.unwrap_or(0) > closes)
    }

    /// Whether a key that came out of it may be used now: its ticks, not its gate (rule 31).
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::NotOpenYet`].
    pub(crate) fn holds(&self, unix_ns: i64) -> Result<(), Error> {
        let now = tick(unix_ns);
        match *self {
            Self {
                closes: Some(closes),
                ..
            } if now > closes => Err(Error::Closed),
            Self {
                opens: Some(opens), ..
            } if now < opens => Err(Error::NotOpenYet),
            Self { .. } => Ok(()),
        }
    }

    /// Whether an envelope may be opened now.
    ///
    /// # Errors
    /// As [`Self::holds`]; [`Error::OutsideGate`] with the wait until the gate is open, or
    /// [`Error::Closed`] where that would be too late.
    pub(crate) fn opens(&self, unix_ns: i64) -> Result<(), Error> {
        self.holds(unix_ns)?;
        let wait_ns = self.gate.map_or(0, |gate| gate.wait_ns(Phase::at(unix_ns)));
        let then = unix_ns.saturating_add(i64::try_from(wait_ns).unwrap_or(i64::MAX));
        match wait_ns {
            0 => Ok(()),
            _ if self.holds(then).is_err() => Err(Error::Closed),
            wait_ns => Err(Error::OutsideGate { wait_ns }),
        }
    }

    /// Nanoseconds of Unix time from `unix_ns` until it has closed; `None`: never. Bounds a lease.
    pub(crate) fn left_ns(&self, unix_ns: i64) -> Option<i64> {
        let end = tick_begin(self.closes?.saturating_add(1));
        Some(end.saturating_sub(unix_ns).max(0))
    }

    /// No wider than `outer` anywhere.
    pub(crate) fn within(&self, outer: &Self) -> bool {
        let latest = |window: &Self| window.closes.unwrap_or(u64::MAX);
        let gate = match (self.gate, outer.gate) {
            (_, None) => true,
            (None, Some(outer)) => outer.len() == 10_000,
            (Some(gate), Some(outer)) => gate.within(outer),
        };
        gate && self.opens.unwrap_or(0) >= outer.opens.unwrap_or(0) && latest(self) <= latest(outer)
    }

    /// What both allow; `None` where that is no moment at all. It may be past.
    pub(crate) fn narrow(&self, other: &Self) -> Option<Self> {
        let both = Self {
            opens: self.opens.max(other.opens),
            closes: [self.closes, other.closes].into_iter().flatten().min(),
            gate: match (self.gate, other.gate) {
                (Some(one), Some(other)) => Some(one.narrow(other)?),
                (one, other) => one.or(other),
            },
        };
        (!both.is_backward()).then_some(both)
    }
}

/// Waits as long as [`Error::OutsideGate`] said (less than 777 ms); then the caller reads the clock
/// and opens again.
pub(crate) fn wait_for_gate(wait_ns: u64) {
    os::sleep(Duration::from_nanos(wait_ns));
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{TICK_NS, tick_end};

    pub(crate) fn windows() -> impl Strategy<Value = Window> {
        let ticks = || prop::option::of(2_000_000_000..4_000_000_000u64);
        let gate = prop::option::of((0..10_000u64, 1..=10_000u64));
        (ticks(), ticks(), gate)
            .prop_map(|(opens, closes, gate)| Window {
                opens,
                closes,
                gate: gate.and_then(|(low, high)| Gate::new(low, high)),
            })
            .prop_filter("backward", |window| !window.is_backward())
    }

    const WINDOW: Window = Window {
        opens: Some(10),
        closes: Some(20),
        gate: None,
    };

    #[test]
    fn both_its_ticks_are_inside() {
        let at = |ns| WINDOW.opens(ns);
        assert!(matches!(at(tick_begin(10) - 1), Err(Error::NotOpenYet)));
        assert!(at(tick_begin(10)).is_ok() && at(tick_end(20)).is_ok());
        assert!(matches!(at(tick_end(20) + 1), Err(Error::Closed)));
    }

    #[test]
    fn a_window_without_ends_is_open_at_any_time() {
        for ns in [i64::MIN, 0, i64::MAX] {
            assert!(Window::default().opens(ns).is_ok());
        }
        assert!(!Window::default().is_bounded() && WINDOW.is_bounded());
    }

    #[test]
    fn outside_its_gate_it_says_how_long_to_wait() {
        let gated = Window {
            gate: Gate::new(5000, 6000),
            ..WINDOW
        };
        let Err(Error::OutsideGate { wait_ns }) = gated.opens(tick_begin(12)) else {
            panic!("open")
        };
        assert_eq!(wait_ns, 388_500_000);
        assert!(gated.opens(tick_begin(12) + 388_500_000).is_ok());
        assert!(gated.holds(tick_begin(12)).is_ok());
    }

    #[test]
    fn a_gate_that_comes_no_more_is_closed() {
        let gated = Window {
            gate: Gate::new(5000, 6000),
            ..WINDOW
        };
        assert!(matches!(
            gated.opens(tick_end(19)),
            Err(Error::OutsideGate { .. })
        ));
        assert!(matches!(gated.opens(tick_end(20)), Err(Error::Closed)));
    }

    #[test]
    fn nothing_is_sealed_into_the_past_or_backward() {
        let backward = Window {
            opens: Some(21),
            ..WINDOW
        };
        assert!(matches!(backward.seals(0), Err(Error::BadWindow)));
        assert!(WINDOW.seals(tick_end(20)).is_ok());
        assert!(matches!(
            WINDOW.seals(tick_end(20) + 1),
            Err(Error::BadWindow)
        ));
    }

    #[test]
    fn what_is_left_ends_with_the_last_tick() {
        assert_eq!(WINDOW.left_ns(tick_begin(20)), Some(TICK_NS));
        assert_eq!(WINDOW.left_ns(tick_begin(30)), Some(0));
        assert_eq!(Window::default().left_ns(0), None);
    }

    proptest! {
        #[test]
        fn what_two_windows_allow_is_within_both(a in windows(), b in windows()) {
            if let Some(both) = a.narrow(&b) {
                prop_assert!(both.within(&a) && both.within(&b));
            }
            prop_assert!(a.within(&a) && a.within(&Window::default()));
            prop_assert_eq!(a.narrow(&Window::default()), Some(a));
        }

        #[test]
        fn within_a_window_nothing_opens_that_the_window_would_not(
            a in windows(), b in windows(), ns in (2_000_000_000..4_000_000_000i64).prop_map(|t| t * TICK_NS),
        ) {
            if a.within(&b) && a.opens(ns).is_ok() {
                prop_assert!(b.opens(ns).is_ok());
            }
        }
    }
}
