//! Other layers' errors as the host sees them (design.md §6, Errors): exhaustive, so that a new one
//! does not compile until somebody decides.
#![forbid(unsafe_code)]

use crate::envelope;
use crate::error::{Code, Error, Reason};
use crate::store;
use crate::tether::{self, SiblingError};

/// Which call an envelope failed.
#[derive(Clone, Copy)]
pub(crate) enum During {
    /// `C_UnwrapKey`.
    Unwrap,
    /// `C_Decrypt`.
    Decrypt,
    /// `C_WrapKey`, `C_Encrypt`.
    Seal,
    /// A token key or an unwrapped key, opened from the store.
    Store,
}

/// An envelope's error with the code of the call that met it.
pub(crate) fn envelope(error: envelope::Error, during: During) -> Error {
    use envelope::Error as E;
    let not_ours = |reason| (damaged(during), reason);
    let (code, reason) = match &error {
        E::Malformed(_) => not_ours(Reason::NotAnEnvelope),
        E::Damaged(_) => not_ours(Reason::EnvelopeDamaged),
        E::WrongKind => not_ours(Reason::WrongKind),
        E::Context => not_ours(Reason::ContextMismatch),
        E::OtherSibling => (foreign(during), Reason::OtherSibling),
        E::Closed => (Code::KeyFunctionNotPermitted, Reason::WindowClosed),
        E::NotOpenYet => (Code::KeyFunctionNotPermitted, Reason::WindowNotOpen),
        E::OutsideGate { .. } => (Code::KeyFunctionNotPermitted, Reason::GateClosed),
        E::BadWindow => (Code::MechanismParamInvalid, Reason::BadWindow),
        E::Unverified { .. } => (Code::DeviceError, Reason::None),
        E::Memory => (Code::HostMemory, Reason::None),
        E::Internal(_) => (Code::GeneralError, Reason::None),
        E::Siblings(why) => siblings(why, damaged(during)),
    };
    Error::new(code, reason).because(error)
}

fn damaged(during: During) -> Code {
    match during {
        During::Unwrap => Code::WrappedKeyInvalid,
        During::Decrypt => Code::EncryptedDataInvalid,
        During::Seal | During::Store => Code::DeviceError,
    }
}

fn foreign(during: During) -> Code {
    match during {
        During::Unwrap => Code::UnwrappingKeyTypeInconsistent,
        During::Decrypt => Code::EncryptedDataInvalid,
        During::Seal | During::Store => Code::DeviceError,
    }
}

/// What siblings said: the first that is the host's to mend, else that too few answered.
fn siblings(error: &tether::Error, damaged: Code) -> (Code, Reason) {
    let said = match error {
        tether::Error::TooFew(said) => said,
        tether::Error::NoPin => return (Code::FunctionNotSupported, Reason::None),
        tether::Error::Memory => return (Code::HostMemory, Reason::None),
    };
    let blame = |(_, why): &(String, SiblingError)| match why {
        SiblingError::Locked => (Code::UserNotLoggedIn, Reason::ProviderCredentials),
        SiblingError::Denied(_) => (Code::FunctionRejected, Reason::ProviderRefused),
        SiblingError::Unreachable(_) => (Code::DeviceError, Reason::ProviderUnreachable),
        SiblingError::Mismatch => (damaged, Reason::EnvelopeDamaged),
        SiblingError::Damaged => (Code::DeviceError, Reason::StoreDamaged),
        SiblingError::PinIncorrect => (Code::PinIncorrect, Reason::None),
        SiblingError::Memory => (Code::HostMemory, Reason::None),
        SiblingError::Internal(_) => (Code::GeneralError, Reason::None),
    };
    said.first()
        .map_or((Code::DeviceError, Reason::ProviderUnreachable), blame)
}

/// PINs and fresh roots.
impl From<tether::Error> for Error {
    fn from(error: tether::Error) -> Self {
        let (code, reason) = siblings(&error, Code::DeviceError);
        Self::new(code, reason).because(error)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        use store::Error as E;
        let (code, reason) = match &error {
            E::Replaced => (Code::DeviceRemoved, Reason::TokenReplaced),
            E::Changed => (Code::FunctionFailed, Reason::None),
            E::Missing => (Code::ObjectHandleInvalid, Reason::None),
            E::NotWritable(_) => (Code::DeviceError, Reason::StoreNotWritable),
            E::Unsafe(_) => (Code::DeviceError, Reason::StoreUnsafe),
            E::Newer { .. } => (Code::DeviceError, Reason::StoreNewer),
            E::Damaged(_) => (Code::DeviceError, Reason::StoreDamaged),
            E::Unreadable(_) => (Code::DeviceError, Reason::StoreFailed),
        };
        Self::new(code, reason).because(error)
    }
}
