//! The configuration: where it is found, what it may say, and what holds where it says nothing.
#![forbid(unsafe_code)]

mod place;
mod read;
mod section;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use crate::clock::Span;
use crate::log::Sink;
use crate::paths;
use crate::paths::Sticky;

pub(crate) use value::AttributeValue;
pub(crate) use value::PinCost;
pub(crate) use value::Source;

/// What a run of the library goes by.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The file that it came from; `None`: there is none, and this is the default.
    pub(crate) file: Option<PathBuf>,
    /// The SQLite file.
    pub(crate) store: PathBuf,
    /// Which tokens are shown, in this order; `None`: all, as written.
    pub(crate) slots: Option<Vec<String>>,
    /// The window of a sibling that names none.
    pub(crate) default_window: Span,
    pub(crate) cs87: Cs87,
    pub(crate) templates: Templates,
    pub(crate) separation: Separation,
    /// Is a key sensitive whose template does not say?
    pub(crate) sensitive_default: bool,
    /// Wrong PINs in a row until a token's PIN is locked.
    pub(crate) pin_tries: u32,
    /// The most bytes that one multi-part envelope takes.
    pub(crate) max_data: usize,
    /// How far clocks may lie apart.
    pub(crate) tolerance: Span,
    pub(crate) log: Sink,
    pub(crate) siblings: Vec<Sibling>,
}

/// A provider of one master key.
#[derive(Clone, Debug)]
pub(crate) struct Sibling {
    /// 1 to 32 bytes of a-z, 0-9 and '-' (rule 8).
    pub(crate) id: String,
    pub(crate) provider: Provider,
    /// What `C_WrapKey` gives; `None`: the configuration's default.
    pub(crate) window: Option<Span>,
    /// More KEK objects, `id/name` each with its own window (rule 33).
    pub(crate) windows: BTreeMap<String, Span>,
    /// The window of the token key's envelope.
    pub(crate) token_window: Span,
    pub(crate) gate: Gate,
    /// How long a key may be kept before its sibling is asked again.
    pub(crate) lease: Span,
    pub(crate) witness: Witness,
    pub(crate) verify_wrap: bool,
    /// `None`: what suits the provider.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "siblings without a PIN of their own are asked by it"
        )
    )]
    pub(crate) login: Option<Login>,
    /// Where the PIN comes from when the host gives none.
    pub(crate) pin: Option<Source>,
    /// Do the standard's AES key wraps make envelopes too?
    pub(crate) envelope_aliases: bool,
    pub(crate) trusted: bool,
    /// By the standard's names (`CKA_EXTRACTABLE`).
    pub(crate) wrap_template: BTreeMap<String, AttributeValue>,
    pub(crate) unwrap_template: BTreeMap<String, AttributeValue>,
    /// `None`: the least that is permitted.
    pub(crate) pin_cost: Option<PinCost>,
}

/// Whose key store a sibling is. More come with their features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    Soft,
}

/// What becomes of key material under the floor of CS87.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cs87 {
    Warn,
    Refuse,
    Off,
}

/// What becomes of a template that is looser than the envelope (rule 28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Templates {
    Clamp,
    Strict,
}

/// May a key both wrap and decrypt (rule 40)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separation {
    Off,
    Strict,
}

/// What an opening does outside its gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    Wait,
    Reject,
}

/// Must a witness vouch for the time?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Witness {
    Optional,
    Required,
}

/// Rule 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    None,
    Auto,
    Required,
}

/// A configuration that cannot be followed: where, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Error {
    pub(crate) file: PathBuf,
    /// From 1; `None`: the file as a whole.
    pub(crate) line: Option<usize>,
    pub(crate) what: String,
    /// Others may write the file.
    pub(crate) open_to_others: bool,
}

/// Longer than any configuration.
const LONGEST: u64 = 1 << 20;

impl Config {
    /// The file that `pReserved` names, else the first that is there of `ZEQ_BYOK_CONF`, the user's
    /// and the machine's; else the default. A name that was given must be there.
    ///
    /// # Errors
    /// A file that is not there, may be written by others, or says what nobody understands.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, Error> {
        match place::find(named) {
            Some(file) => Self::read(&file),
            None => Ok(Self::default()),
        }
    }

    /// Where `init` puts a configuration, and the store that it names: beside it, or where the store
    /// lies without one if nobody named a place.
    pub(crate) fn places(named: Option<&Path>) -> (PathBuf, PathBuf) {
        let file = place::to_make(named);
        let store = match file == place::unnamed() {
            true => place::default_store(),
            false => file.with_file_name("store.db"),
        };
        (file, store)
    }

    fn read(file: &Path) -> Result<Self, Error> {
        let failed = |why: std::io::Error| Error::of_file(file, why.to_string());
        let mut open = File::open(file).map_err(failed)?;
        let metadata = open.metadata().map_err(failed)?;
        paths::check(file, &metadata, Sticky::Fine).map_err(|why| Error {
            open_to_others: true,
            ..Error::of_file(file, why.to_string())
        })?;
        let mut text = String::new();
        open.by_ref()
            .take(LONGEST)
            .read_to_string(&mut text)
            .map_err(failed)?;
        read::config(file, &text)
    }

    /// The siblings that are shown, in the order of their slots (rule 9).
    pub(crate) fn in_slot_order(&self) -> Vec<Sibling> {
        let named = |id: &String| self.siblings.iter().find(|s| s.id == *id).cloned();
        match &self.slots {
            Some(slots) => slots.iter().filter_map(named).collect(),
            None => self.siblings.clone(),
        }
    }

    /// Nanoseconds.
    pub(crate) fn tolerance_ns(&self) -> i64 {
        nanoseconds(self.tolerance)
    }
}

/// One Soft sibling whose window never closes, in the user's data folder.
impl Default for Config {
    fn default() -> Self {
        Self {
            file: None,
            store: place::default_store(),
            slots: None,
            default_window: Span::Never,
            cs87: Cs87::Warn,
            templates: Templates::Clamp,
            separation: Separation::Off,
            sensitive_default: false,
            pin_tries: 10,
            max_data: 16 << 20,
            tolerance: Span::Seconds(5),
            log: Sink::Syslog,
            siblings: vec![Sibling::soft("soft".to_string())],
        }
    }
}

impl Sibling {
    /// A Soft sibling as it is where nothing more is said.
    pub(crate) fn soft(id: String) -> Self {
        Self {
            id,
            provider: Provider::Soft,
            window: None,
            windows: BTreeMap::new(),
            token_window: Span::Never,
            gate: Gate::Wait,
            lease: Span::Seconds(300),
            witness: Witness::Optional,
            verify_wrap: true,
            login: None,
            pin: None,
            envelope_aliases: true,
            trusted: false,
            wrap_template: BTreeMap::new(),
            unwrap_template: BTreeMap::new(),
            pin_cost: None,
        }
    }

    /// Nanoseconds.
    pub(crate) fn lease_ns(&self) -> i64 {
        nanoseconds(self.lease)
    }
}

/// The last that i64 can say for never.
fn nanoseconds(span: Span) -> i64 {
    match span {
        Span::Never => i64::MAX,
        Span::Seconds(seconds) => i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000_000_000),
    }
}

impl Provider {
    /// As the configuration writes it, and the token's model.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Soft => "soft",
        }
    }
}

impl Error {
    fn of_file(file: &Path, what: String) -> Self {
        Self {
            file: file.to_path_buf(),
            line: None,
            what,
            open_to_others: false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match self.line {
            Some(line) => write!(f, "{file}, line {line}: {}", self.what),
            None => write!(f, "{file}: {}", self.what),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
