//! Whether the host's clock is believed (formats.md §3), as a pure function: readings and what is
//! kept go in, a verdict and what is to be kept come out. Siblings that witness time come later;
//! until then a clock is `Steady` after a day in step with CLOCK_BOOTTIME, and never `Proven`.
#![forbid(unsafe_code)]

use crate::os;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// CLOCK_BOOTTIME and CLOCK_REALTIME of one moment, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Readings {
    pub(crate) boot: i64,
    pub(crate) unix: i64,
}

/// Both clocks of now; read again while the reading itself took over 10 ms.
pub(crate) fn read() -> Readings {
    let mut tries = (0..4).map(|_| {
        let (boot, unix, after) = (os::boottime_ns(), os::realtime_ns(), os::boottime_ns());
        (Readings { boot, unix }, after - boot)
    });
    let close = tries.find(|(_, took)| *took <= 10_000_000);
    close.map_or_else(
        || Readings {
            boot: os::boottime_ns(),
            unix: os::realtime_ns(),
        },
        |(readings, _)| readings,
    )
}

/// What is kept of a clock domain, and the mark of all domains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) base: Option<Base>,
    /// The latest time that was ever proven or steady, less the tolerance.
    pub(crate) mark: Option<i64>,
}

/// How Unix time lies over CLOCK_BOOTTIME.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// Unix less boot time, when it was last set.
    pub(crate) off: i64,
    /// The offset that a bounded window holds the clock to.
    pub(crate) floor: i64,
    /// Boot time of the last step.
    pub(crate) since: i64,
    /// Boot time of about the last judgement.
    pub(crate) last: i64,
    /// That step went over a month past the mark.
    pub(crate) jumped: bool,
}

impl Base {
    fn is_of_another_run(&self, now: Readings) -> bool {
        now.boot < self.last.saturating_sub(SECOND) // a restored snapshot, a clone
    }

    fn has_stepped(&self, now: Readings, tolerance: i64) -> bool {
        offset(now).saturating_sub(self.off).saturating_abs() > tolerance
    }

    fn is_steady(&self, now: Readings) -> bool {
        now.boot.saturating_sub(self.since) >= DAY && !self.jumped
    }
}

/// What a judgement is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// The window has an end, or a beginning.
    pub(crate) bounded: bool,
    /// `witness = "required"`.
    pub(crate) required: bool,
    /// Nanoseconds.
    pub(crate) tolerance: i64,
}

/// What time is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Most witnesses agree; none exist yet.
    Proven,
    /// No witness is configured, and the clock has run in step for a day; shown as `unwitnessed`.
    Steady,
    /// Good to open, close and seal by; raises, deletes and moves nothing.
    Unproven,
}

/// Why a bounded window is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    SetBack,
    NoWitness,
}

/// A verdict, and what its caller writes whether or not it refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Unix time in nanoseconds, as the host says it.
    pub(crate) verdict: Result<(i64, Status), Refusal>,
    /// Write this base, without waiting.
    pub(crate) base: Option<Base>,
    /// Raise the mark to this, without waiting.
    pub(crate) mark: Option<i64>,
}

/// Judges a moment. No network, no store, no lock.
pub(crate) fn judge(ask: Ask, now: Readings, kept: State) -> Judgement {
    let before = kept.base.filter(|base| !base.is_of_another_run(now));
    let mut base = match before {
        Some(base) if !base.has_stepped(now, ask.tolerance) => base,
        _ => step(before, now, kept.mark),
    };
    let status = match base.is_steady(now) {
        true => Status::Steady,
        false => Status::Unproven,
    };
    if status == Status::Steady {
        base.floor = base.floor.max(base.off);
    }
    let refusal = refusal(ask, now, base, kept.mark, status);
    if refusal.is_none() && now.boot.saturating_sub(base.last) > 60 * SECOND {
        base.last = now.boot;
    }
    Judgement {
        verdict: refusal.map_or(Ok((now.unix, status)), Err),
        base: Some(base).filter(|base| kept.base != Some(*base)),
        mark: raised(ask, now, kept.mark).filter(|_| refusal.is_none() && status == Status::Steady),
    }
}

/// The first reading, or a clock that was set: a new base, over the old floor.
fn step(before: Option<Base>, now: Readings, mark: Option<i64>) -> Base {
    Base {
        off: offset(now),
        floor: before.map_or_else(|| offset(now), |base| base.floor),
        since: now.boot,
        last: now.boot,
        jumped: mark.is_some_and(|mark| now.unix > mark.saturating_add(31 * DAY)),
    }
}

fn refusal(
    ask: Ask,
    now: Readings,
    base: Base,
    mark: Option<i64>,
    status: Status,
) -> Option<Refusal> {
    let under_floor = offset(now) < base.floor.saturating_sub(ask.tolerance);
    let under_mark = mark.is_some_and(|mark| now.unix < mark.saturating_sub(ask.tolerance));
    let proven = status == Status::Proven;
    match ask {
        Ask { bounded: false, .. } => None,
        Ask { required: true, .. } if !proven => Some(Refusal::NoWitness),
        _ if under_mark || (under_floor && !proven) => Some(Refusal::SetBack),
        _ => None,
    }
}

/// Where the mark would move to; not for less than a minute.
fn raised(ask: Ask, now: Readings, mark: Option<i64>) -> Option<i64> {
    let to = now.unix.saturating_sub(ask.tolerance);
    let far = mark.is_none_or(|mark| to > mark.saturating_add(60 * SECOND));
    far.then_some(to)
}

/// `clock accept`: the base and the mark of a clock that somebody vouches for. The mark may go down.
pub(crate) fn accept(now: Readings) -> (Base, i64) {
    let base = Base {
        off: offset(now),
        floor: offset(now),
        since: now.boot,
        last: now.boot,
        jumped: false,
    };
    (base, now.unix)
}

fn offset(now: Readings) -> i64 {
    now.unix.saturating_sub(now.boot)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOLERANCE: i64 = 5 * SECOND;
    const BOOTED: i64 = 1_700_000_000 * SECOND;
    const YEAR_2099: i64 = 4_080_000_000 * SECOND;

    /// A host: a true boot clock, a Unix clock that anybody may set, and what is kept.
    #[derive(Default)]
    struct Host {
        boot: i64,
        wrong: i64,
        kept: State,
    }

    impl Host {
        fn booted() -> Self {
            Self {
                boot: 10 * SECOND,
                ..Self::default()
            }
        }

        fn unix(&self) -> i64 {
            BOOTED + self.boot + self.wrong
        }

        fn judged(&mut self, bounded: bool) -> Result<Status, Refusal> {
            let ask = Ask {
                bounded,
                required: false,
                tolerance: TOLERANCE,
            };
            let now = Readings {
                boot: self.boot,
                unix: self.unix(),
            };
            let Judgement {
                verdict,
                base,
                mark,
            } = judge(ask, now, self.kept);
            self.kept.base = base.or(self.kept.base);
            self.kept.mark = self.kept.mark.max(mark);
            verdict.map(|(t, status)| {
                assert_eq!(t, now.unix);
                status
            })
        }

        fn passes(&mut self, ns: i64) -> &mut Self {
            self.boot += ns;
            self
        }

        /// A day in step, so that the mark is there.
        fn steady() -> Self {
            let mut host = Self::booted();
            assert_eq!(host.judged(true), Ok(Status::Unproven));
            assert_eq!(host.passes(DAY).judged(true), Ok(Status::Steady));
            host
        }
    }

    #[test]
    fn a_clock_is_steady_after_a_day_in_step_and_only_then_moves_the_mark() {
        let mut host = Host::booted();
        assert_eq!(host.judged(true), Ok(Status::Unproven));
        assert_eq!(host.passes(DAY - 1).judged(true), Ok(Status::Unproven));
        assert_eq!(host.kept.mark, None);
        assert_eq!(host.passes(1).judged(true), Ok(Status::Steady));
        assert_eq!(host.kept.mark, Some(host.unix() - TOLERANCE));
    }

    #[test]
    fn the_mark_moves_by_more_than_a_minute_or_not_at_all() {
        let mut host = Host::steady();
        let mark = host.kept.mark;
        host.passes(60 * SECOND).judged(true).unwrap();
        assert_eq!(host.kept.mark, mark);
        host.passes(1).judged(true).unwrap();
        assert_eq!(host.kept.mark, Some(host.unix() - TOLERANCE));
    }

    #[test]
    fn a_clock_set_back_within_a_boot_is_refused_until_it_is_right() {
        let mut host = Host::booted();
        host.judged(true).unwrap();
        host.wrong = -3600 * SECOND;
        assert_eq!(host.judged(true), Err(Refusal::SetBack));
        assert_eq!(host.passes(2 * DAY).judged(true), Err(Refusal::SetBack));
        assert_eq!(host.judged(false), Ok(Status::Steady)); // unbounded: nothing to defend
        host.wrong = 0;
        assert_eq!(host.judged(true), Ok(Status::Unproven));
    }

    #[test]
    fn small_steps_back_do_not_add_up_unseen() {
        let mut host = Host::booted();
        host.judged(true).unwrap();
        for _ in 0..2 {
            host.wrong -= 4 * SECOND;
            let _seen = host.passes(SECOND).judged(true);
        }
        assert_eq!(host.judged(true), Err(Refusal::SetBack));
    }

    #[test]
    fn a_clock_below_the_mark_is_refused_after_a_reboot_too() {
        let mut host = Host::steady();
        let mark = host.kept.mark.unwrap();
        host.kept.base = None; // another boot is another domain
        host.boot = 5 * SECOND;
        host.wrong = mark - TOLERANCE - 1 - BOOTED - host.boot;
        assert_eq!(host.judged(true), Err(Refusal::SetBack));
        host.wrong += 1;
        host.kept.base = None;
        assert_eq!(host.judged(true), Ok(Status::Unproven));
    }

    #[test]
    fn a_jump_to_2099_and_back_poisons_nothing() {
        let mut host = Host::steady();
        let before = host.kept;
        host.wrong = YEAR_2099 - host.unix();
        for _ in 0..4 {
            assert_eq!(host.passes(DAY).judged(true), Ok(Status::Unproven));
        }
        assert!(host.kept.base.unwrap().jumped);
        assert_eq!(host.kept.mark, before.mark);
        host.wrong = 0;
        assert_eq!(host.judged(true), Ok(Status::Unproven));
        assert_eq!(host.passes(DAY).judged(true), Ok(Status::Steady));
        assert!(host.kept.mark > before.mark && host.kept.mark < Some(host.unix()));
    }

    #[test]
    fn a_boot_clock_that_ran_back_starts_anew() {
        let mut host = Host::steady();
        host.passes(-SECOND - 1);
        host.wrong += SECOND + 1; // the snapshot's boot clock, the true time
        assert_eq!(host.judged(true), Ok(Status::Unproven));
        assert_eq!(host.kept.base.unwrap().since, host.boot);
    }

    #[test]
    fn required_witnesses_that_cannot_be_had_refuse_what_is_bounded() {
        let host = Host::steady();
        let now = Readings {
            boot: host.boot,
            unix: host.unix(),
        };
        let ask = Ask {
            bounded: true,
            required: true,
            tolerance: TOLERANCE,
        };
        assert_eq!(judge(ask, now, host.kept).verdict, Err(Refusal::NoWitness));
        let unbounded = Ask {
            bounded: false,
            ..ask
        };
        assert!(judge(unbounded, now, host.kept).verdict.is_ok());
    }

    #[test]
    fn what_was_accepted_is_good_at_once() {
        let mut host = Host::steady();
        host.wrong = -3600 * SECOND;
        assert_eq!(host.judged(true), Err(Refusal::SetBack));
        let (base, mark) = accept(Readings {
            boot: host.boot,
            unix: host.unix(),
        });
        host.kept = State {
            base: Some(base),
            mark: Some(mark),
        };
        assert_eq!(host.judged(true), Ok(Status::Unproven));
    }

    #[test]
    fn nothing_is_written_while_nothing_changes() {
        let mut host = Host::steady();
        host.passes(SECOND).judged(true).unwrap();
        let ask = Ask {
            bounded: true,
            required: false,
            tolerance: TOLERANCE,
        };
        let now = Readings {
            boot: host.boot,
            unix: host.unix(),
        };
        let Judgement { base, mark, .. } = judge(ask, now, host.kept);
        assert_eq!((base, mark), (None, None));
    }

    #[test]
    fn readings_are_of_one_moment() {
        let now = read();
        assert!(now.boot > 0 && now.unix > BOOTED);
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Pass(i64),
        Set(i64),
        Judge(bool),
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let far = 4_000_000_000 * SECOND;
        let event = prop_oneof![
            (0..3 * DAY).prop_map(Event::Pass),
            prop_oneof![Just(0), -far / 4..far, -10 * SECOND..10 * SECOND].prop_map(Event::Set),
            any::<bool>().prop_map(Event::Judge),
        ];
        prop::collection::vec(event, 0..40)
    }

    impl Host {
        fn meets(&mut self, event: Event) {
            match event {
                Event::Pass(ns) => self.boot += ns,
                Event::Set(wrong) => self.wrong = wrong,
                Event::Judge(bounded) => drop(self.judged(bounded)),
            }
        }
    }

    proptest! {
        #[test]
        fn the_mark_never_falls_and_no_write_is_lost(events in events()) {
            let mut host = Host::steady();
            for event in events {
                let mark = host.kept.mark;
                host.meets(event);
                prop_assert!(host.kept.mark >= mark);
            }
        }

        /// However the clock was set for less than a day at a time, the true time is good again.
        #[test]
        fn steps_of_less_than_a_day_poison_nothing(
            steps in prop::collection::vec((1..DAY, -20_000 * DAY..40_000 * DAY), 0..12),
        ) {
            let mut host = Host::steady();
            for (stay, wrong) in steps {
                host.wrong = wrong;
                let _any = host.judged(true);
                let _any = host.passes(stay - 1).judged(true);
                host.wrong = 0;
                let _any = host.judged(true);
            }
            prop_assert!(host.judged(true).is_ok());
        }

        #[test]
        fn behind_the_mark_nothing_bounded_is_taken(back in TOLERANCE + 1..1_000_000_000 * SECOND) {
            let mut host = Host::steady();
            host.wrong = host.kept.mark.unwrap() - back - BOOTED - host.boot;
            prop_assert_eq!(host.judged(true), Err(Refusal::SetBack));
        }

        #[test]
        fn no_numbers_overflow(boot: i64, unix: i64, off: i64, floor: i64, since: i64, last: i64, mark: i64) {
            let base = Some(Base { off, floor, since, last, jumped: false });
            let ask = Ask { bounded: true, required: false, tolerance: TOLERANCE };
            let _any = judge(ask, Readings { boot, unix }, State { base, mark: Some(mark) });
        }
    }
}
