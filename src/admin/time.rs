//! Moments as people read them: UTC, and how long until then.
#![forbid(unsafe_code)]

use std::fmt;

use crate::clock::Date;

const SECOND: i64 = 1_000_000_000;

/// A moment, in nanoseconds of Unix time; printed as `2026-11-24T17:32:43Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_day = self.0.div_euclid(SECOND).rem_euclid(86_400);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let date = Date::of(self.0);
        write!(f, "{date}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_printed_in_utc_to_the_second() {
        let moment = Moment(1_700_000_000_999_999_999);
        assert_eq!(moment.to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(Moment(-1).to_string(), "1969-12-31T23:59:59Z");
    }
}
