//! What is stored, who may see it, and what may be done with it. A [`Token`] is one sibling or
//! tether: its row, its objects, its keys.
#![forbid(unsafe_code)]

mod access;
mod attribute;
mod blame;
mod buffered;
mod class;
mod command;
mod floor;
mod heap;
mod kek;
mod keys;
mod make;
mod named;
mod objects;
mod operate;
mod payload;
mod pin;
mod rows;
mod sealed;
mod search;
mod template;
mod token;
mod windows;
mod wrap;

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Weak};

use cryptoki_sys::*;
use parking_lot::{Mutex, RwLock};

pub(crate) use attribute::Attributes;
pub(crate) use command::Sealing;
pub(crate) use template::{Template, Value};

use crate::config::{self, Config};
use crate::error::{Code, Error, Reason, Result};
use crate::log;
use crate::mechanism;
use crate::store::sqlite::SqliteStore;
use crate::store::{ObjectId, Store};
use crate::tether::{self, Quorum};
use heap::{Heap, Object};
use kek::Kek;
use sealed::TokenKey;
use token::LastRow;

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
pub(crate) struct Token {
    itself: Weak<Self>,
    settings: config::Sibling,
    shared: Arc<Shared>,
    quorum: Quorum,
    /// The token's row as it was last read.
    last: Mutex<LastRow>,
    /// The token key, while its lease lasts.
    key: RwLock<Option<Arc<TokenKey>>>,
    heap: Heap,
    /// Rows that did not fit what they are bound to (rule 18).
    hidden: RwLock<HashSet<ObjectId>>,
    /// KEKs and profiles, made of the configuration.
    fixed: Vec<Arc<Object>>,
    keks: Vec<Kek>,
    /// CLOCK_BOOTTIME of the last sweep of closed rows.
    swept: AtomicI64,
    /// CLOCK_BOOTTIME when an operation's beginning last asked whether the token is still there.
    asked: AtomicI64,
}

/// What all tokens of one run share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) store: Box<dyn Store>,
}

impl Token {
    /// The sibling's or tether's id.
    pub(crate) fn id(&self) -> &str {
        &self.settings.id
    }

    /// No PIN is asked for: everything is visible to everybody (rule 10).
    fn pin_less(&self) -> bool {
        !self.quorum.has_pin()
    }

    /// For work that outlives the call: an operation under way.
    fn itself(&self) -> Result<Arc<Self>> {
        self.itself
            .upgrade()
            .ok_or_else(|| Code::CryptokiNotInitialized.into())
    }

    fn new(settings: config::Sibling, shared: &Arc<Shared>) -> Result<Arc<Self>> {
        let (keks, mut fixed): (Vec<_>, Vec<_>) =
            kek::objects(&settings, shared.config.default_window)?
                .into_iter()
                .unzip();
        fixed.extend(profiles());
        let heap = Heap::default();
        fixed.iter().for_each(|object| heap.put(Arc::clone(object)));
        Ok(Arc::new_cyclic(|itself| Self {
            itself: Weak::clone(itself),
            quorum: tether::soft(&settings.id),
            settings,
            shared: Arc::clone(shared),
            last: Mutex::default(),
            key: RwLock::default(),
            heap,
            hidden: RwLock::default(),
            fixed,
            keks,
            swept: AtomicI64::new(0),
            asked: AtomicI64::new(0),
        }))
    }
}

/// Every token of the configuration, in the order of its slots (rule 9).
///
/// # Errors
/// `CKR_GENERAL_ERROR` for a configuration that is wrong, `CKR_DEVICE_ERROR` for a store that must
/// not or cannot be used.
pub(crate) fn tokens(conf: Option<&Path>) -> Result<Vec<Arc<Token>>> {
    let config = Config::load(conf).map_err(wrong)?;
    log::init(&config.log);
    let store = Box::new(SqliteStore::open(&config.store)?);
    tokens_of(config, store)
}

fn wrong(why: config::Error) -> Error {
    let reason = match why.open_to_others {
        true => Reason::StoreUnsafe,
        false => Reason::Configuration,
    };
    Error::new(Code::GeneralError, reason).because(why)
}

/// The same over a configuration and a store that are open already.
pub(crate) fn tokens_of(config: Config, store: Box<dyn Store>) -> Result<Vec<Arc<Token>>> {
    let siblings = config.in_slot_order();
    let shared = Arc::new(Shared { config, store });
    siblings
        .into_iter()
        .map(|settings| Token::new(settings, &shared))
        .collect()
}

/// The mechanisms that a host may list; the session layer adds nothing.
pub(crate) fn mechanisms() -> &'static [mechanism::Line] {
    mechanism::all()
}

/// Rule 25: what this module claims to be.
const PROFILES: [CK_PROFILE_ID; 4] = [
    CKP_BASELINE_PROVIDER,
    CKP_EXTENDED_PROVIDER,
    CKP_AUTHENTICATION_TOKEN,
    CKP_PUBLIC_CERTIFICATES_TOKEN,
];

fn profiles() -> impl Iterator<Item = Arc<Object>> {
    PROFILES.into_iter().map(|profile| {
        let flag = |kind, flag| (kind, attribute::Value::Flag(flag));
        let attributes = [
            (CKA_CLASS, attribute::Value::Number(CKO_PROFILE)),
            (CKA_PROFILE_ID, attribute::Value::Number(profile)),
            (CKA_LABEL, attribute::Value::Bytes(Vec::new())),
            flag(CKA_TOKEN, true),
            flag(CKA_PRIVATE, false),
            flag(CKA_MODIFIABLE, false),
            flag(CKA_COPYABLE, false),
            flag(CKA_DESTROYABLE, false),
        ];
        Arc::new(Object::fixed(attributes.into_iter().collect()))
    })
}
