//! A slot: one token, who is logged in to it, and how many sessions it has.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cryptoki_sys::*;
use parking_lot::Mutex;

use crate::error::{Code, Result};
use crate::lc;
use crate::mechanism::Line;
use crate::object;
use crate::object::Login;
use crate::object::Token;

/// "All sessions with the same token have the same login state" (PKCS#11 3.2, 5.6.8).
pub(crate) struct Slot {
    id: CK_SLOT_ID,
    pub(super) token: Arc<Token>,
    /// Held over a login or logout, which may take as long as Argon2id or a provider does; `state`
    /// may be taken inside it, never the other way round.
    pub(super) turn: Mutex<()>,
    pub(super) state: Mutex<State>,
    logouts: AtomicU32,
}

/// What opening and closing sessions changes.
pub(super) struct State {
    pub(super) login: Login,
    pub(super) sessions: usize,
    pub(super) writers: usize,
}

/// What `C_GetSlotInfo` and `C_GetTokenInfo` say.
pub(crate) struct SlotInfo {
    pub(crate) id: String,
    pub(crate) token: object::Info,
    pub(crate) sessions: usize,
    pub(crate) writers: usize,
}

/// Slots in the order of their tokens; ids by rule 9.
pub(super) fn assign(tokens: Vec<Arc<Token>>) -> Arc<[Arc<Slot>]> {
    let mut taken = HashSet::new();
    let slot = |token: Arc<Token>| Arc::new(Slot::new(free_id(&mut taken, token.id()), token));
    tokens.into_iter().map(slot).collect()
}

/// The low 31 bits of SHA-256(id), or the next free number.
fn free_id(taken: &mut HashSet<CK_SLOT_ID>, id: &str) -> CK_SLOT_ID {
    const BITS: CK_SLOT_ID = 0x7fff_ffff;
    let [.., a, b, c, d] = lc::digest::sha256(&[id.as_bytes()]);
    let mut slot = CK_SLOT_ID::from(u32::from_be_bytes([a, b, c, d])) & BITS;
    while !taken.insert(slot) {
        slot = (slot + 1) & BITS;
    }
    slot
}

impl Slot {
    fn new(id: CK_SLOT_ID, token: Arc<Token>) -> Self {
        Self {
            id,
            token,
            turn: Mutex::new(()),
            state: Mutex::new(State {
                login: Login::Public,
                sessions: 0,
                writers: 0,
            }),
            logouts: AtomicU32::new(0),
        }
    }

    pub(crate) fn id(&self) -> CK_SLOT_ID {
        self.id
    }

    pub(crate) fn info(&self) -> SlotInfo {
        let token = self.token.info();
        let state = self.state.lock();
        SlotInfo {
            id: self.token.id().to_string(),
            token,
            sessions: state.sessions,
            writers: state.writers,
        }
    }

    pub(crate) fn mechanisms(&self) -> &'static [Line] {
        object::mechanisms()
    }

    /// # Errors
    /// `CKR_MECHANISM_INVALID`.
    pub(crate) fn mechanism(&self, kind: CK_MECHANISM_TYPE) -> Result<&'static Line> {
        let found = self.mechanisms().iter().find(|line| line.kind == kind);
        found.ok_or_else(|| Code::MechanismInvalid.into())
    }

    /// # Errors
    /// `CKR_SESSION_EXISTS` while this process has a session (rule 11).
    pub(crate) fn init_token(&self, so_pin: &[u8], label: &str) -> Result<()> {
        let _turn = self.turn.lock();
        match self.state.lock().sessions {
            0 => self.token.init(so_pin, label),
            _ => Err(Code::SessionExists.into()),
        }
    }

    pub(super) fn login(&self) -> Login {
        self.state.lock().login
    }

    /// Operations on private keys end when this goes up.
    pub(super) fn logouts(&self) -> u32 {
        self.logouts.load(Ordering::Acquire)
    }

    pub(super) fn count_logout(&self) {
        self.logouts.fetch_add(1, Ordering::AcqRel);
    }
}
