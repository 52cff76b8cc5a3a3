//! The audit trail: a hash chain. Unkeyed, so it shows accidents; its head, kept elsewhere, shows
//! more. docs/store.md has the bytes that are hashed.
#![forbid(unsafe_code)]

use std::f64::consts::TAU;

use super::Entry;
use crate::lc::digest::sha256;

const NS_PER_TICK: i64 = 777_000_000;
/// α of R(t) = 1 + α sin(2π·phase).
const ALPHA: f64 = 0.001_29;

/// A record as it rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// From 1, without gaps.
    pub(crate) number: u64,
    pub(crate) unix_ns: i64,
    /// Zeqonds of Unix time.
    pub(crate) tick: i64,
    /// 1/10000 of a Zeqond, truncated.
    pub(crate) phase: u16,
    /// R(t) in millionths, rounded.
    pub(crate) r: u32,
    pub(crate) token: String,
    pub(crate) what: String,
    pub(crate) detail: String,
    /// SHA-256 over the one before and this record.
    pub(crate) hash: [u8; 32],
}

/// The end of a chain: the last record's number and hash. Before the first both are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) number: u64,
    pub(crate) hash: [u8; 32],
}

impl Link {
    /// The record that follows.
    pub(crate) fn record(&self, entry: &Entry<'_>) -> Record {
        let into_tick = entry.unix_ns.rem_euclid(NS_PER_TICK);
        let mut record = Record {
            number: self.number + 1,
            unix_ns: entry.unix_ns,
            tick: entry.unix_ns.div_euclid(NS_PER_TICK),
            phase: u16::try_from(into_tick * 10_000 / NS_PER_TICK).unwrap_or(0),
            r: strength(into_tick),
            token: entry.token.to_string(),
            what: entry.what.to_string(),
            detail: entry.detail.clone(),
            hash: [0; 32],
        };
        record.hash = digest(&self.hash, &record);
        record
    }

    /// Goes on over records as they were stored.
    ///
    /// # Errors
    /// The number at which the chain breaks: the first record that is missing, out of its place, or
    /// not what was hashed.
    pub(crate) fn follow(self, records: &[Record]) -> Result<Self, u64> {
        records.iter().try_fold(self, |link, record| {
            let number = link.number + 1;
            match record.number == number && record.hash == digest(&link.hash, record) {
                true => Ok(Self {
                    number,
                    hash: record.hash,
                }),
                false => Err(number),
            }
        })
    }
}

/// Follows a whole trail from its first record.
///
/// # Errors
/// The number at which it breaks.
#[cfg(test)]
pub(crate) fn verify(records: &[Record]) -> Result<Link, u64> {
    Link::default().follow(records)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "between 0.9 and 1.1 million"
)]
fn strength(into_tick: i64) -> u32 {
    let phase = into_tick as f64 / NS_PER_TICK as f64;
    ((1.0 + ALPHA * (TAU * phase).sin()) * 1e6).round() as u32
}

/// Numbers are big endian; a text has its length before it, so that none runs into the next.
fn digest(before: &[u8; 32], record: &Record) -> [u8; 32] {
    let Record {
        number,
        unix_ns,
        tick,
        phase,
        r,
        token,
        what,
        detail,
        hash: _,
    } = record;
    let [token, what, detail] = [token, what, detail].map(|text| text.as_bytes());
    let length = |text: &[u8]| (text.len() as u64).to_be_bytes();
    sha256(&[
        b"zeq-byok/1 audit",
        before,
        &number.to_be_bytes(),
        &unix_ns.to_be_bytes(),
        &tick.to_be_bytes(),
        &phase.to_be_bytes(),
        &r.to_be_bytes(),
        &length(token),
        token,
        &length(what),
        what,
        &length(detail),
        detail,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(unix_ns: i64, detail: &str) -> Entry<'static> {
        Entry {
            unix_ns,
            token: "soft",
            what: "object-create",
            detail: detail.to_string(),
        }
    }

    fn trail(length: usize) -> Vec<Record> {
        let mut link = Link::default();
        (0..length)
            .map(|n| {
                let record = link.record(&entry(1_700_000_000_000_000_000, &format!("object {n}")));
                link = link.follow(std::slice::from_ref(&record)).unwrap();
                record
            })
            .collect()
    }

    #[test]
    fn a_record_says_tick_phase_and_r_of_its_time() {
        for (ms, tick, phase, r) in [
            (0, 0, 0, 1_000_000),
            (80, 0, 1029, 1_000_778),
            (776, 0, 9987, 999_990),
            (777, 1, 0, 1_000_000),
            (1_700_000_000_000, 2_187_902_187, 9021, 999_256),
        ] {
            let record = Link::default().record(&entry(ms * 1_000_000, ""));
            assert_eq!(
                (record.tick, record.phase, record.r),
                (tick, phase, r),
                "{ms} ms"
            );
        }
    }

    #[test]
    fn an_untouched_trail_ends_at_its_last_hash() {
        let trail = trail(5);
        let end = verify(&trail).unwrap();
        assert_eq!((end.number, end.hash), (5, trail[4].hash));
        assert_eq!(verify(&[]).unwrap(), Link::default());
    }

    #[test]
    fn a_trail_may_be_followed_page_by_page() {
        let trail = trail(7);
        let half = verify(&trail[..3]).unwrap();
        assert_eq!(half.follow(&trail[3..]), verify(&trail));
    }

    proptest! {
        #[test]
        fn any_change_is_found_where_it_is(at in 0usize..8, field in 0usize..9) {
            let mut trail = trail(8);
            let record = &mut trail[at];
            match field {
                0 => record.number += 1,
                1 => record.unix_ns -= 1,
                2 => record.tick += 1,
                3 => record.phase ^= 1,
                4 => record.r ^= 1,
                5 => record.token.push('x'),
                6 => { record.what.push('s'); record.detail.remove(0); }
                7 => record.detail.clear(),
                _ => record.hash[31] ^= 1,
            }
            prop_assert_eq!(verify(&trail), Err(at as u64 + 1));
        }

        #[test]
        fn a_missing_or_moved_record_is_found(at in 0usize..7) {
            let mut cut = trail(8);
            cut.remove(at);
            prop_assert_eq!(verify(&cut), Err(at as u64 + 1));
            let mut moved = trail(8);
            moved.swap(at, at + 1);
            prop_assert_eq!(verify(&moved), Err(at as u64 + 1));
        }
    }
}
