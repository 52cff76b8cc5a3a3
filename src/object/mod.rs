//! What is stored, who may see it, and what may be done with it. A [`Token`] is one sibling or
//! tether: its row, its objects, its keys.
#![forbid(unsafe_code)]

mod attribute;
mod class;
mod template;

use cryptoki_sys::*;

pub(crate) use attribute::Attributes;
pub(crate) use template::{Template, Value};

use crate::error::{Code, Result};
use crate::mechanism::{self, Cipher, Digest, How, Sign, Verify};
use crate::secret::Secret;

/// Who asks: the session, and its token's login.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) session: CK_SESSION_HANDLE,
    /// A read/write session.
    pub(crate) writes: bool,
    pub(crate) login: Login,
}

/// The login state of a token; all its sessions share it (PKCS#11 3.2, 5.6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    Public,
    User,
    So,
}

/// Whose PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    So,
}

/// What `C_GetTokenInfo` and `C_GetSlotInfo` ask of a token; local, no network.
pub(crate) struct Info {
    /// Padded with blanks by the boundary.
    pub(crate) label: String,
    pub(crate) model: String,
    pub(crate) serial: String,
    /// `CKF_RNG`, `CKF_LOGIN_REQUIRED`, `CKF_TOKEN_INITIALIZED`, PIN counters and the rest; the
    /// session layer adds nothing but session counts.
    pub(crate) flags: CK_FLAGS,
}

/// An operation that may begin.
pub(crate) struct Begun<T: ?Sized> {
    pub(crate) work: Box<T>,
    /// The key has `CKA_PRIVATE`: the operation ends at logout (rule 16).
    pub(crate) private: bool,
    /// The key has `CKA_ALWAYS_AUTHENTICATE`: nothing but `C_Login(CKU_CONTEXT_SPECIFIC)` before.
    pub(crate) authenticate: bool,
}

/// One attribute that a host asks for.
pub(crate) enum Shown<'a> {
    Bytes(&'a [u8]),
    /// `CKA_WRAP_TEMPLATE` and its kin.
    Nested(&'a Attributes),
}

/// One sibling or tether as a token.
pub(crate) struct Token;

#[allow(
    unused_variables,
    clippy::needless_pass_by_ref_mut,
    reason = "the contract; bodies follow"
)]
impl Token {
    /// The sibling's or tether's id.
    pub(crate) fn id(&self) -> &str {
        ""
    }
    pub(crate) fn info(&self) -> Info {
        Info {
            label: String::new(),
            model: String::new(),
            serial: String::new(),
            flags: 0,
        }
    }
    pub(crate) fn initialised(&self) -> bool {
        false
    }

    // PINs: session/login.rs keeps who is logged in, this checks and counts.
    pub(crate) fn init(&self, so_pin: &[u8], label: &str) -> Result<()> {
        Err(Code::FunctionNotSupported.into())
    }
    /// Counts the try, checks the PIN, unlocks the sibling. `None` is a NULL PIN.
    pub(crate) fn login(&self, role: Role, pin: Option<&[u8]>) -> Result<()> {
        Err(Code::FunctionNotSupported.into())
    }
    /// Checks the user's PIN and counts, changes nothing else (CKU_CONTEXT_SPECIFIC).
    pub(crate) fn check_pin(&self, pin: Option<&[u8]>) -> Result<()> {
        Err(Code::FunctionNotSupported.into())
    }
    /// Wipes what the login opened and every private session object.
    pub(crate) fn logout(&self) {}
    pub(crate) fn init_pin(&self, pin: &[u8]) -> Result<()> {
        Err(Code::FunctionNotSupported.into())
    }
    pub(crate) fn set_pin(&self, role: Role, old: &[u8], new: &[u8]) -> Result<()> {
        Err(Code::FunctionNotSupported.into())
    }

    // Objects
    pub(crate) fn create(&self, by: &Caller, template: Template) -> Result<CK_OBJECT_HANDLE> {
        Err(Code::FunctionNotSupported.into())
    }
    pub(crate) fn copy(
        &self,
        by: &Caller,
        object: CK_OBJECT_HANDLE,
        template: Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        Err(Code::FunctionNotSupported.into())
    }
    pub(crate) fn destroy(&self, by: &Caller, object: CK_OBJECT_HANDLE) -> Result<()> {
        Err(Code::FunctionNotSupported.into())
    }
    pub(crate) fn size(&self, by: &Caller, object: CK_OBJECT_HANDLE) -> Result<CK_ULONG> {
        Err(Code::FunctionNotSupported.into())
    }
    /// Calls `show` once an asked type, in order, with the value or why there is none
    /// (`AttributeSensitive`, `AttributeTypeInvalid`).
    pub(crate) fn attributes(
        &self,
        by: &Caller,
        object: CK_OBJECT_HANDLE,
        asked: &mut dyn Iterator<Item = CK_ATTRIBUTE_TYPE>,
        show: &mut dyn FnMut(CK_ATTRIBUTE_TYPE, std::result::Result<Shown<'_>, Code>),
    ) -> Result<()> {
        Err(Code::FunctionNotSupported.into())
    }
    pub(crate) fn set_attributes(
        &self,
        by: &Caller,
        object: CK_OBJECT_HANDLE,
        template: Template,
    ) -> Result<()> {
        Err(Code::FunctionNotSupported.into())
    }
    /// A snapshot of what matches and may be seen.
    pub(crate) fn find(&self, by: &Caller, template: &Template) -> Result<Vec<CK_OBJECT_HANDLE>> {
        Err(Code::FunctionNotSupported.into())
    }
    /// Session objects die with the session that made them.
    pub(crate) fn session_closed(&self, session: CK_SESSION_HANDLE) {}

    // Operations: handle, login, usage, allowed mechanisms and window are checked here.
    pub(crate) fn encrypt(
        &self,
        by: &Caller,
        how: &How,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Begun<dyn Cipher>> {
        Err(Code::FunctionNotSupported.into())
    }
    pub(crate) fn decrypt(
        &self,
        by: &Caller,
        how: &How,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Begun<dyn Cipher>> {
        Err(Code::FunctionNotSupported.into())
    }
    pub(crate) fn sign(
        &self,
        by: &Caller,
        how: &How,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Begun<dyn Sign>> {
        Err(Code::FunctionNotSupported.into())
    }
    pub(crate) fn verify(
        &self,
        by: &Caller,
        how: &How,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Begun<dyn Verify>> {
        Err(Code::FunctionNotSupported.into())
    }
    /// Feeds a secret key's value to a digest (`C_DigestKey`).
    pub(crate) fn digest_key(
        &self,
        by: &Caller,
        key: CK_OBJECT_HANDLE,
        into: &mut dyn Digest,
    ) -> Result<()> {
        Err(Code::FunctionNotSupported.into())
    }

    // Key management
    pub(crate) fn generate(
        &self,
        by: &Caller,
        how: &How,
        template: Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        Err(Code::FunctionNotSupported.into())
    }
    /// Public, then private.
    pub(crate) fn generate_pair(
        &self,
        by: &Caller,
        how: &How,
        public: Template,
        private: Template,
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        Err(Code::FunctionNotSupported.into())
    }
    pub(crate) fn derive(
        &self,
        by: &Caller,
        how: &How,
        base: CK_OBJECT_HANDLE,
        template: Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        Err(Code::FunctionNotSupported.into())
    }
    /// All checks of a wrap, and an upper bound of its length; asks no sibling.
    pub(crate) fn wrapped_len(
        &self,
        by: &Caller,
        how: &How,
        wrapping: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
    ) -> Result<usize> {
        Err(Code::FunctionNotSupported.into())
    }
    pub(crate) fn wrap(
        &self,
        by: &Caller,
        how: &How,
        wrapping: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Vec<u8>> {
        Err(Code::FunctionNotSupported.into())
    }
    pub(crate) fn unwrap(
        &self,
        by: &Caller,
        how: &How,
        unwrapping: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        Err(Code::FunctionNotSupported.into())
    }
}

/// Every token of the configuration, in the order of its slots. `configuration` is the file that the
/// host named, if it did.
pub(crate) fn tokens(
    configuration: Option<&std::path::Path>,
) -> Result<Vec<std::sync::Arc<Token>>> {
    let _ = configuration;
    Ok(Vec::new())
}

/// The mechanisms that a host may list; the session layer adds nothing.
pub(crate) fn mechanisms() -> &'static [mechanism::Line] {
    mechanism::all()
}

const _: fn(&Secret) -> usize = Secret::len;
