//! Windows on keys: attributes that say when an unwrapped key works, and the clock that they are
//! held against (rules 31, 32; formats.md §3).
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering;

use cryptoki_sys::*;

use super::Token;
use super::attribute::{Attributes, Value};
use super::blame::{self, During};
use super::heap::Object;
use crate::ck;
use crate::clock::{self, Date, Gate, Refusal};
use crate::config;
use crate::envelope::{Header, Window};
use crate::error::{Code, Error, Reason, Result};
use crate::log;
use crate::os;

impl Token {
    /// Judges the host's clock for a window, and keeps what the judgement learned.
    ///
    /// # Errors
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED` where a bounded window must not be judged by this clock.
    pub(crate) fn judge(&self, window: &Window) -> Result<i64> {
        let domain = clock::domain();
        let kept = self.shared.store.clock(&domain)?;
        let ask = clock::Ask {
            bounded: window.is_bounded(),
            required: self.settings.witness == config::Witness::Required,
            tolerance: self.shared.config.tolerance_ns(),
        };
        let judged = clock::judge(ask, clock::read(), kept);
        self.keep(&domain, &judged);
        match judged.verdict {
            Ok((now, _)) => Ok(now),
            Err(Refusal::SetBack) => Err(refused(Reason::ClockSetBack)),
            Err(Refusal::NoWitness) => Err(refused(Reason::NoWitness)),
        }
    }

    /// A busy or read-only store keeps nothing, and nothing is lost by that.
    fn keep(&self, domain: &[u8; 16], judged: &clock::Judgement) {
        let base = judged
            .base
            .map(|base| self.shared.store.set_base(domain, &base));
        let mark = judged.mark.map(|mark| self.shared.store.raise_mark(mark));
        for failed in [base, mark]
            .into_iter()
            .flatten()
            .filter_map(std::result::Result::err)
        {
            log::debug(format_args!("the clock's state was not kept: {failed}"));
        }
    }

    /// Whether a key is outside its window: its value is then nobody's, though it is still shown.
    pub(crate) fn is_closed(&self, object: &Object) -> Result<bool> {
        match self.within_window(&object.attributes) {
            Err(error) if error.code == Code::KeyFunctionNotPermitted => Ok(true),
            other => other.map(|()| false),
        }
    }

    /// Refuses a key outside its window's ticks; its gate is for opening envelopes.
    pub(crate) fn within_window(&self, attributes: &Attributes) -> Result<()> {
        let Some(window) = window(attributes).filter(Window::is_bounded) else {
            return Ok(());
        };
        let now = self.judge(&window)?;
        window
            .holds(now)
            .map_err(|error| blame::envelope(error, During::Store))
    }

    /// Deletes rows whose window closed before the mark: by time that was proven or steady, never by
    /// what the clock says now (design.md §10). Once a minute at most; a store that cannot be written
    /// keeps them, and they stay refused.
    pub(crate) fn sweep(&self) {
        let now = os::boottime_ns();
        let last = self.swept.load(Ordering::Relaxed);
        if (last == 0 || now - last > SWEEP)
            && self
                .swept
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
            && let Err(why) = self.sweep_now()
        {
            log::debug(format_args!("closed keys were not swept: {why}"));
        }
    }

    fn sweep_now(&self) -> Result<()> {
        let kept = self.shared.store.clock(&clock::domain())?;
        let Some(mark) = kept.mark else { return Ok(()) };
        for id in self.shared.store.closed(self.id(), clock::tick(mark))? {
            self.delete_row(&id, "object-closed")?;
        }
        Ok(())
    }
}

/// Between two sweeps, in nanoseconds.
const SWEEP: i64 = 60_000_000_000;

fn refused(reason: Reason) -> Error {
    Error::new(Code::KeyFunctionNotPermitted, reason)
}

/// The window that an unwrapped key's attributes show; `None` for other keys.
pub(crate) fn window(attributes: &Attributes) -> Option<Window> {
    attributes.get(ck::CKA_ZEQ_CLOSES)?;
    let tick = |kind| {
        attributes
            .bytes(kind)?
            .try_into()
            .ok()
            .map(u64::from_be_bytes)
    };
    Some(Window {
        opens: tick(ck::CKA_ZEQ_OPENS),
        closes: tick(ck::CKA_ZEQ_CLOSES),
        gate: attributes.bytes(ck::CKA_ZEQ_GATE).and_then(gate),
    })
}

/// The last tick, for the store's column: what is past its numbers is their last.
pub(crate) fn closes(attributes: &Attributes) -> Option<u64> {
    let closes = window(attributes)?.closes?;
    Some(closes.min(i64::MAX.unsigned_abs()))
}

/// Shows a window: the vendor's attributes, and the days that they lie in.
pub(crate) fn show(attributes: &mut Attributes, window: &Window) {
    let tick = |tick: Option<u64>| {
        Value::Bytes(
            tick.map(|tick| tick.to_be_bytes().to_vec())
                .unwrap_or_default(),
        )
    };
    let gate = window
        .gate
        .map(|gate| gate_bytes(&gate))
        .unwrap_or_default();
    attributes.set(ck::CKA_ZEQ_OPENS, tick(window.opens));
    attributes.set(ck::CKA_ZEQ_CLOSES, tick(window.closes));
    attributes.set(ck::CKA_ZEQ_GATE, Value::Bytes(gate));
    attributes.set(CKA_START_DATE, day(window.opens.map(Date::of_opening)));
    attributes.set(CKA_END_DATE, day(window.closes.map(Date::of_closing)));
}

/// Shows where an unwrapped key came from.
pub(crate) fn show_envelope(attributes: &mut Attributes, header: &Header, sibling: &str) {
    show(attributes, &header.window);
    attributes.set(ck::CKA_ZEQ_ENVELOPE_ID, Value::Bytes(header.id.to_vec()));
    attributes.set(
        ck::CKA_ZEQ_SIBLING,
        Value::Bytes(sibling.as_bytes().to_vec()),
    );
    attributes.set(ck::CKA_ZEQ_STRENGTH, Value::Number(1));
    attributes.set(ck::CKA_ZEQ_KIND, Value::Number(header.kind as CK_ULONG));
}

/// What a derived key takes over of a windowed base: its window, not its envelope. Of two bases it
/// is what both allow.
///
/// # Errors
/// `CKR_KEY_FUNCTION_NOT_PERMITTED` where they never allow the same.
pub(crate) fn hand_on(base: &Attributes, derived: &mut Attributes) -> Result<()> {
    let Some(outer) = window(base) else {
        return Ok(());
    };
    let both = match window(derived) {
        Some(own) => own.narrow(&outer),
        None => Some(outer),
    };
    let both = both.ok_or_else(|| refused(Reason::TooWide))?;
    show(derived, &both);
    Ok(())
}

/// `CKA_END_DATE` of a key that came of no envelope: it can only shorten the window (rule 31).
///
/// # Errors
/// `CKR_KEY_NOT_WRAPPABLE` for a day that has passed.
pub(crate) fn end_date(attributes: &Attributes, now: i64) -> Result<Option<u64>> {
    let Some(date) = attributes.bytes(CKA_END_DATE).and_then(parse_day) else {
        return Ok(None);
    };
    match date.end_ns() < now {
        true => Err(Error::new(Code::KeyNotWrappable, Reason::BadWindow)),
        false => Ok(Some(date.closes())),
    }
}

fn parse_day(bytes: &[u8]) -> Option<Date> {
    let number = |range| {
        std::str::from_utf8(bytes.get(range)?)
            .ok()?
            .parse::<u16>()
            .ok()
    };
    let (month, day) = (number(4..6)?, number(6..8)?);
    Date::new(
        i32::from(number(0..4)?),
        u8::try_from(month).ok()?,
        u8::try_from(day).ok()?,
    )
}

fn day(date: Option<Date>) -> Value {
    let spell = |(year, month, day)| format!("{year:04}{month:02}{day:02}").into_bytes();
    Value::Bytes(
        date.map(|date| spell(date.parts()))
            .filter(|s| s.len() == 8)
            .unwrap_or_default(),
    )
}

/// Two `CK_ULONG`, low and high.
fn gate_bytes(gate: &Gate) -> Vec<u8> {
    [gate.low, gate.high]
        .iter()
        .flat_map(|end| CK_ULONG::from(*end).to_ne_bytes())
        .collect()
}

fn gate(bytes: &[u8]) -> Option<Gate> {
    let (low, high) = bytes.split_first_chunk::<8>()?;
    Gate::new(
        u64::from_ne_bytes(*low),
        u64::from_ne_bytes(high.try_into().ok()?),
    )
}
