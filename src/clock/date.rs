//! Days of UTC: what `CKA_START_DATE` and `CKA_END_DATE` say, and what a window shows.
#![forbid(unsafe_code)]

use std::fmt;

use super::{tick, tick_begin, tick_end};

const DAY_NS: i64 = 86_400 * 1_000_000_000;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    year: i32,
    month: u8,
    day: u8,
}

impl Date {
    /// `None`: no such day, or one whose nanoseconds i64 cannot say (1678 to 2261 it can).
    pub(crate) fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let known = (1678..=2261).contains(&year) && (1..=12).contains(&month);
        let date = Self { year, month, day };
        (known && Self::of_day(date.number()) == date).then_some(date)
    }

    /// The day that a moment lies in.
    pub(crate) fn of(unix_ns: i64) -> Self {
        Self::of_day(unix_ns.div_euclid(DAY_NS))
    }

    /// The day to show for a window that opens with a tick; begins with it if a day did.
    pub(crate) fn of_opening(opens: u64) -> Self {
        Self::of(tick_end(opens))
    }

    /// The day to show for a window that closes with a tick; ends with it if a day did.
    pub(crate) fn of_closing(closes: u64) -> Self {
        Self::of(tick_begin(closes))
    }

    /// The tick that the day begins in.
    #[cfg(test)]
    pub(crate) fn opens(self) -> u64 {
        tick(self.begin_ns())
    }

    /// The tick that the day ends in.
    pub(crate) fn closes(self) -> u64 {
        tick(self.end_ns())
    }

    /// Its first nanosecond.
    pub(crate) fn begin_ns(self) -> i64 {
        self.number() * DAY_NS
    }

    /// Its last nanosecond.
    pub(crate) fn end_ns(self) -> i64 {
        self.begin_ns() + (DAY_NS - 1)
    }

    /// Year, month, day.
    pub(crate) fn parts(self) -> (i32, u8, u8) {
        let Self { year, month, day } = self;
        (year, month, day)
    }

    /// Days since 1970-01-01 (the era arithmetic of Hinnant's "chrono-compatible low-level date
    /// algorithms": years begin in March, so that a leap day ends one).
    fn number(self) -> i64 {
        let (month, day) = (i64::from(self.month), i64::from(self.day));
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// The same backwards.
    fn of_day(number: i64) -> Self {
        let shifted = number + 719_468;
        let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
        let march = (5 * of_year + 2) / 153;
        let month = (march + 2) % 12 + 1;
        let year = era * 400 + of_era + i64::from(month <= 2);
        Self {
            year: i32::try_from(year).unwrap_or(0),
            month: u8::try_from(month).unwrap_or(0),
            day: u8::try_from(of_year - (153 * march + 2) / 5 + 1).unwrap_or(0),
        }
    }
}

/// `YYYY-MM-DD`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day } = self;
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (year, month, day, seconds) in [
            (1970, 1, 1, 0),
            (1969, 12, 31, -86_400),
            (2000, 2, 29, 951_782_400),
            (2023, 11, 14, 1_699_920_000),
            (2038, 1, 19, 2_147_472_000),
            (2099, 12, 31, 4_102_358_400),
            (2100, 3, 1, 4_107_542_400),
        ] {
            let date = Date::new(year, month, day).unwrap();
            assert_eq!(date.begin_ns(), seconds * 1_000_000_000, "{date}");
            assert_eq!(Date::of(date.begin_ns()), date);
            assert_eq!(Date::of(date.end_ns()), date);
            assert_ne!(Date::of(date.end_ns() + 1), date);
        }
    }

    #[test]
    fn days_that_are_not_there_are_none() {
        for (year, month, day) in [
            (2023, 2, 29),
            (2100, 2, 29),
            (2024, 4, 31),
            (2024, 0, 1),
            (2024, 13, 1),
            (2024, 1, 0),
            (2024, 1, 32),
            (9999, 1, 1),
            (0, 1, 1),
        ] {
            assert_eq!(Date::new(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_has_its_number_and_its_ticks() {
        let first = Date::new(1970, 1, 1).unwrap().number();
        let last = Date::new(2261, 12, 31).unwrap().number();
        for number in first..=last {
            let date = Date::of_day(number);
            assert_eq!(date.number(), number);
            assert_eq!(Date::of_opening(date.opens()), date);
            assert_eq!(Date::of_closing(date.closes()), date);
        }
    }

    #[test]
    fn a_day_prints_as_iso_8601() {
        assert_eq!(
            Date::of(1_700_000_000_000_000_000).to_string(),
            "2023-11-14"
        );
    }
}
