//! What failed, in words, and what to do about it.
#![forbid(unsafe_code)]

use std::fmt;

use crate::config;
use crate::envelope;
use crate::error::{self, Code, Reason};
use crate::store;

/// What kind of failure it was: each has an exit code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Anything that has no kind below.
    Other,
    /// An argument that cannot be meant.
    Usage,
    /// The window is closed, or not open yet, or the clock is not to be believed.
    Window,
    /// The PIN: wrong, locked, none set, none given.
    Pin,
    /// Not an envelope, changed, of another kind, context or sibling; an audit trail that was
    /// changed.
    Damaged,
    /// The configuration, the store, a token that was not initialised.
    Setup,
    /// A key that is not to be seen, or material that the configuration refuses.
    NotPermitted,
}

/// A failure, what it was, and what to do.
#[derive(Debug)]
pub struct Error {
    /// Its kind.
    pub failure: Failure,
    /// What failed; never a secret.
    pub what: String,
    /// What to do, where that is known.
    pub hint: Option<String>,
}

impl Error {
    /// A failure of which nothing more is to be said.
    pub fn new(failure: Failure, what: impl Into<String>) -> Self {
        Self {
            failure,
            what: what.into(),
            hint: None,
        }
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}

/// What an operation of the command gives.
pub(super) type Result<T> = std::result::Result<T, Error>;

impl From<error::Error> for Error {
    fn from(error: error::Error) -> Self {
        let by_code = of_code(error.code);
        let failure = of_reason(error.reason).unwrap_or(by_code);
        let cause = error.source.as_ref().map(ToString::to_string);
        let what = match (cause, error.reason) {
            // "Too few siblings" would be true of a wrong PIN too.
            (_, Reason::None) if by_code == Failure::Pin => in_words(error.code).to_string(),
            (Some(cause), _) => cause,
            (None, Reason::None) => in_words(error.code).to_string(),
            (None, reason) => reason.to_string(),
        };
        Self {
            failure,
            what,
            hint: hint(&error).map(str::to_string),
        }
    }
}

/// `None`: the code decides.
fn of_reason(reason: Reason) -> Option<Failure> {
    Some(match reason {
        Reason::WindowClosed
        | Reason::WindowNotOpen
        | Reason::GateClosed
        | Reason::ClockNotTrusted
        | Reason::ClockSetBack
        | Reason::NoWitness
        | Reason::BadWindow
        | Reason::TooWide => Failure::Window,
        Reason::NotAnEnvelope
        | Reason::EnvelopeDamaged
        | Reason::WrongKind
        | Reason::OtherSibling
        | Reason::ContextMismatch => Failure::Damaged,
        Reason::StoreNotWritable
        | Reason::StoreUnsafe
        | Reason::StoreNewer
        | Reason::StoreDamaged
        | Reason::StoreFailed
        | Reason::TokenReplaced
        | Reason::Configuration => Failure::Setup,
        Reason::MaterialTooSimple | Reason::CannotRestore => Failure::NotPermitted,
        Reason::None
        | Reason::BadParameters
        | Reason::ProviderRefused
        | Reason::ProviderUnreachable
        | Reason::ProviderCredentials
        | Reason::Panic => return None,
    })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most codes are a host's, which the command never meets"
)]
fn of_code(code: Code) -> Failure {
    match code {
        Code::PinIncorrect
        | Code::PinLenRange
        | Code::PinLocked
        | Code::UserNotLoggedIn
        | Code::UserPinNotInitialized => Failure::Pin,
        Code::TokenNotRecognized => Failure::Setup,
        Code::AttributeSensitive | Code::KeyTypeInconsistent => Failure::NotPermitted,
        Code::KeySizeRange | Code::AttributeValueInvalid | Code::DataLenRange => Failure::Usage,
        _ => Failure::Other,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the standard's name is as good as words for what the command never meets"
)]
fn in_words(code: Code) -> &'static str {
    match code {
        Code::PinIncorrect => "wrong PIN",
        Code::PinLocked => "the PIN is locked: too many wrong ones",
        Code::PinLenRange => "a PIN has 4 to 255 bytes",
        Code::UserPinNotInitialized => "no PIN has been set for this user",
        Code::TokenNotRecognized => "the token is not initialised",
        Code::AttributeSensitive => "the key is sensitive or not extractable: it is not printed",
        Code::KeyTypeInconsistent => "the envelope holds a private key, which is not printed",
        Code::KeySizeRange | Code::AttributeValueInvalid => "no key of this type has this length",
        Code::HostMemory => "out of memory",
        _ => code.name(),
    }
}

fn hint(error: &error::Error) -> Option<&'static str> {
    Some(match (error.code, error.reason) {
        (_, Reason::WindowClosed) => "what has closed is gone: use an envelope with a later close",
        (_, Reason::WindowNotOpen) => "wait until it opens; `zeq-byok inspect` says when",
        (_, Reason::GateClosed) => "try again: a gate opens once in 777 ms",
        (_, Reason::ClockSetBack) => {
            "set the clock right; if it is right now, run `zeq-byok clock accept`"
        }
        (_, Reason::BadWindow) => "a window must close after now: see --window",
        (_, Reason::OtherSibling) => "name the sibling that it was sealed to with --kek",
        (_, Reason::ContextMismatch) => "give the --context that it was sealed with",
        (_, Reason::WrongKind) => "only `key` and `data` envelopes are opened here",
        (_, Reason::StoreUnsafe | Reason::StoreNotWritable | Reason::Configuration) => {
            "`zeq-byok doctor` shows what it looks at"
        }
        (Code::TokenNotRecognized, _) => {
            "initialise it: pkcs11-tool --module libzeq_byok.so --init-token --label NAME, \
             then --login --login-type so --init-pin"
        }
        (Code::UserPinNotInitialized, _) => {
            "set it: pkcs11-tool --module libzeq_byok.so --login --login-type so --init-pin"
        }
        (Code::PinLocked, _) => "the SO sets a new one: pkcs11-tool --login-type so --init-pin",
        (Code::AttributeSensitive, _) => "let a host unwrap it through the module (C_UnwrapKey)",
        _ => return None,
    })
}

impl From<config::Error> for Error {
    fn from(error: config::Error) -> Self {
        Self::new(Failure::Setup, format!("configuration: {error}"))
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        error::Error::from(error).into()
    }
}

impl From<envelope::Error> for Error {
    fn from(error: envelope::Error) -> Self {
        Self::new(Failure::Damaged, error.to_string())
    }
}
