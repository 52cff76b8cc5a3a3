//! Wrapping bytes into envelopes, and getting them out again.
#![forbid(unsafe_code)]

use std::sync::Arc;

use cryptoki_sys::{CK_KEY_TYPE, CKK_AES, CKK_GENERIC_SECRET};

use super::error::{Error, Failure, Result};
use super::inspect::{self, Inspected};
use super::plain::Plain;
use super::setup::{Pins, Setup};
use crate::clock::{Phase, Span};
use crate::envelope::{self, Header};
use crate::object::{Role, Sealing, Token};
use crate::os;

/// How bytes are to be wrapped.
#[derive(Clone, Debug)]
pub struct Wrap {
    /// A sibling's id, or `id/name` of one of its windows.
    pub kek: String,
    /// A duration (`30d`) or `never`; `None`: the sibling's.
    pub window: Option<String>,
    /// Into the slot of the phase of now.
    pub slot_gate: bool,
    /// The associated data; empty: none.
    pub context: String,
    /// An extractable key of this type; `None`: data.
    pub key_type: Option<KeyType>,
}

/// Types of key that the command makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// 16, 24 or 32 bytes.
    Aes,
    /// Any bytes.
    Generic,
}

/// How an envelope is to be unwrapped.
#[derive(Clone, Debug)]
pub struct Unwrap {
    /// The sibling to ask; `None`: the one that the envelope names.
    pub kek: Option<String>,
    /// The associated data; empty: none.
    pub context: String,
}

/// An envelope that was made.
#[derive(Debug)]
pub struct Report {
    /// The envelope.
    pub envelope: Vec<u8>,
    /// What it says.
    pub says: Inspected,
    /// How far what a round trip gave back was from what went in, in percent: 0, or there had been
    /// no envelope; `None`: not verified.
    pub error_pct: Option<f64>,
}

/// Wraps bytes; whoever may log in, and opens it in time, gets them back.
///
/// # Errors
/// Any kind of [`Failure`].
pub fn wrap(setup: &Setup, ask: &Wrap, bytes: &Plain, pins: &Pins<'_>) -> Result<Report> {
    let now = os::realtime_ns();
    let how = Sealing {
        kek: &ask.kek,
        window: ask.window.as_deref().map(span).transpose()?,
        gate: ask.slot_gate.then(|| Phase::at(now).slot()),
        context: ask.context.as_bytes(),
        key_type: ask.key_type.map(KeyType::number),
    };
    let token = with_kek(setup, &ask.kek)?;
    pins.login(&token, Role::User)?;
    let sealed = token.seal_bytes(&how, bytes.bytes())?;
    token.logout();
    Ok(Report {
        says: inspect::told(&sealed.header, &sealed.bytes, now),
        envelope: sealed.bytes,
        error_pct: sealed.error_pct,
    })
}

/// Opens a `data` envelope, or a `key` that is extractable and not sensitive: all of it, or nothing.
///
/// # Errors
/// Any kind of [`Failure`]. What can be refused without the PIN is refused before it is asked for.
pub fn unwrap(setup: &Setup, ask: &Unwrap, envelope: &[u8], pins: &Pins<'_>) -> Result<Plain> {
    let header = envelope::inspect(envelope)?;
    let token = match &ask.kek {
        Some(kek) => with_kek(setup, kek)?,
        None => of_members(setup, &header)?,
    };
    token.may_open(&header)?;
    pins.login(&token, Role::User)?;
    let opened = token.open_bytes(envelope, ask.context.as_bytes());
    token.logout();
    Ok(opened?.into())
}

fn span(text: &str) -> Result<Span> {
    text.parse()
        .map_err(|why| Error::new(Failure::Usage, format!("--window: {why}")))
}

fn with_kek(setup: &Setup, label: &str) -> Result<Arc<Token>> {
    let tokens = setup.tokens()?;
    let found = tokens.iter().find(|token| token.has_kek(label));
    found
        .map(Arc::clone)
        .ok_or_else(|| no_kek(format!("there is no sibling {label:?}"), &tokens))
}

/// The token whose id the envelope names; else the only one: ids may have been changed since.
fn of_members(setup: &Setup, header: &Header) -> Result<Arc<Token>> {
    let tokens = setup.tokens()?;
    let mut names = header.members.iter().flat_map(|m| &m.sibling);
    let named = names.find_map(|id| tokens.iter().find(|token| token.id() == id));
    let only = || tokens.first().filter(|_| tokens.len() == 1);
    named.or_else(only).map(Arc::clone).ok_or_else(|| {
        no_kek(
            "none of the envelope's siblings is configured".to_string(),
            &tokens,
        )
    })
}

fn no_kek(what: String, tokens: &[Arc<Token>]) -> Error {
    let ids: Vec<&str> = tokens.iter().map(|token| token.id()).collect();
    Error::new(Failure::Setup, what).hint(format!("--kek takes one of: {}", ids.join(", ")))
}

impl KeyType {
    fn number(self) -> CK_KEY_TYPE {
        match self {
            Self::Aes => CKK_AES,
            Self::Generic => CKK_GENERIC_SECRET,
        }
    }
}
