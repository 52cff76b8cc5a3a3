//! A duration as configurations write it: a whole number and s, m, h or d, or `never`.
#![forbid(unsafe_code)]

use std::fmt;
use std::str::FromStr;

use super::tick;

/// How long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Never,
    Seconds(u64),
}

/// Text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadSpan(pub(crate) String);

impl Span {
    /// The last tick of what begins now and lasts so long: tick(now + duration), inclusive; `None`
    /// for never.
    ///
    /// # Errors
    /// Beyond the year 2262, where nanoseconds end.
    pub(crate) fn closes(self, unix_ns: i64) -> Result<Option<u64>, BadSpan> {
        match self {
            Self::Never => Ok(None),
            Self::Seconds(seconds) => {
                let end = i64::try_from(seconds)
                    .ok()
                    .and_then(|seconds| seconds.checked_mul(1_000_000_000))
                    .and_then(|ns| unix_ns.checked_add(ns));
                end.map(|end| Some(tick(end)))
                    .ok_or_else(|| BadSpan(self.to_string()))
            }
        }
    }
}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        match text {
            "never" => Ok(Self::Never),
            _ => seconds(text)
                .map(Self::Seconds)
                .ok_or_else(|| BadSpan(text.to_string())),
        }
    }
}

fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    number.checked_mul(unit)
}

/// In the largest unit that takes it whole.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Seconds(seconds) = self else {
            return f.write_str("never");
        };
        let units = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
        let whole = |(unit, _): &&(u64, char)| seconds % unit == 0 && *seconds > 0;
        let (unit, name) = units.iter().find(whole).unwrap_or(&(1, 's'));
        write!(f, "{}{name}", seconds / unit)
    }
}

impl fmt::Display for BadSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        write!(
            f,
            "{text:?} is no duration: a whole number and s, m, h or d, or never; to the year 2262"
        )
    }
}

impl std::error::Error for BadSpan {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit_or_never() {
        for (text, span) in [
            ("never", Span::Never),
            ("0s", Span::Seconds(0)),
            ("90s", Span::Seconds(90)),
            ("5m", Span::Seconds(300)),
            ("1h", Span::Seconds(3600)),
            ("30d", Span::Seconds(2_592_000)),
        ] {
            assert_eq!(text.parse(), Ok(span));
            assert_eq!(span.to_string(), text);
        }
    }

    #[test]
    fn all_other_text_is_refused() {
        for text in [
            "",
            "d",
            "30",
            "-1d",
            "+1d",
            "1.5h",
            "1 d",
            " 1d",
            "1D",
            "1w",
            "Never",
            "1ä",
            "99999999999999999999d",
            "300000000000000000d",
        ] {
            assert_eq!(text.parse::<Span>(), Err(BadSpan(text.to_string())));
        }
    }

    #[test]
    fn it_closes_with_the_tick_of_now_and_the_duration() {
        let now = 1_700_000_000_000_000_000;
        assert_eq!(Span::Never.closes(now), Ok(None));
        assert_eq!(Span::Seconds(0).closes(now), Ok(Some(2_187_902_187)));
        assert_eq!(Span::Seconds(777).closes(now), Ok(Some(2_187_903_187)));
        assert!(Span::Seconds(u64::MAX).closes(now).is_err());
        assert!(Span::Seconds(10_000_000_000).closes(now).is_err());
    }
}
