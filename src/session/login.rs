//! Logging in and out, and PINs (pkcs11-rules 10-16, 24).
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::object::{Login, Role};
use crate::session::Library;
use crate::session::Session;
use crate::session::slot::{Slot, State};

impl Session {
    /// `pin` is `None` for a NULL PIN: the protected path.
    pub(crate) fn login(&self, user: CK_USER_TYPE, pin: Option<&[u8]>) -> Result<()> {
        match user {
            CKU_USER => self.login_as(Role::User, pin),
            CKU_SO => self.login_as(Role::So, pin),
            CKU_CONTEXT_SPECIFIC => self.login_for_operation(pin),
            _ => Err(Code::UserTypeInvalid.into()),
        }
    }

    fn login_as(&self, role: Role, pin: Option<&[u8]>) -> Result<()> {
        // Looked at before the turn too: a second login must not wait for one that asks a provider.
        self.may_login(&self.slot.state.lock(), role)?;
        let _turn = self.slot.turn.lock();
        self.may_login(&self.slot.state.lock(), role)?;
        self.slot.token.login(role, pin)?;
        let done = self.logged_in(role);
        if done.is_err() {
            self.slot.token.logout();
        }
        done
    }

    /// What is true only now, after the PIN was checked.
    fn logged_in(&self, role: Role) -> Result<()> {
        let mut state = self.slot.state.lock();
        self.may_login(&state, role)?;
        state.login = match role {
            Role::User => Login::User,
            Role::So => Login::So,
        };
        Ok(())
    }

    fn may_login(&self, state: &State, role: Role) -> Result<()> {
        let code = match (state.login, role) {
            _ if self.closed.load(Ordering::Relaxed) => Code::SessionHandleInvalid,
            (Login::User, Role::User) | (Login::So, Role::So) => Code::UserAlreadyLoggedIn,
            (Login::User | Login::So, _) => Code::UserAnotherAlreadyLoggedIn,
            (Login::Public, Role::So) if state.sessions > state.writers => {
                Code::SessionReadOnlyExists
            }
            (Login::Public, _) => return Ok(()),
        };
        Err(code.into())
    }

    /// `CKU_CONTEXT_SPECIFIC`: for the operations that wait for it. A wrong PIN keeps them.
    fn login_for_operation(&self, pin: Option<&[u8]>) -> Result<()> {
        let (signing, decrypting) = (self.signing.asks(), self.decrypting.asks());
        if signing.is_none() && decrypting.is_none() {
            return Err(Code::OperationNotInitialized.into());
        }
        if self.slot.login() != Login::User {
            return Err(Code::UserNotLoggedIn.into());
        }
        self.slot.token.check_pin(pin)?;
        signing.inspect(|number| self.signing.grant(*number));
        decrypting.inspect(|number| self.decrypting.grant(*number));
        Ok(())
    }

    /// `C_InitPIN`: the user's first PIN, or a new one, from the SO.
    pub(crate) fn init_pin(&self, pin: &[u8]) -> Result<()> {
        match self.slot.login() {
            Login::So => self.slot.token.init_pin(pin),
            Login::Public | Login::User => Err(Code::UserNotLoggedIn.into()),
        }
    }

    /// `C_SetPIN`: of the SO in his session, else of the user.
    pub(crate) fn set_pin(&self, old: &[u8], new: &[u8]) -> Result<()> {
        let role = match self.slot.login() {
            Login::So => Role::So,
            Login::Public | Login::User => Role::User,
        };
        match self.writes {
            true => self.slot.token.set_pin(role, old, new),
            false => Err(Code::SessionReadOnly.into()),
        }
    }
}

impl Library {
    /// `C_Logout`.
    pub(crate) fn logout(&self, session: &Session) -> Result<()> {
        let slot = &session.slot;
        if slot.login() == Login::Public {
            return Err(Code::UserNotLoggedIn.into());
        }
        let _turn = slot.turn.lock();
        if std::mem::replace(&mut slot.state.lock().login, Login::Public) == Login::Public {
            return Err(Code::UserNotLoggedIn.into());
        }
        slot.logged_out();
        let of = |other: &Session| Arc::ptr_eq(&other.slot, slot);
        for session in self.sessions.select(of) {
            session.logged_out();
        }
        Ok(())
    }
}

impl Slot {
    /// The last session was closed: nobody is logged in any more.
    pub(super) fn forget_login(&self) {
        let _turn = self.turn.lock();
        let mut state = self.state.lock();
        if state.sessions > 0 {
            return;
        }
        self.token.all_closed();
        if state.login == Login::Public {
            return;
        }
        state.login = Login::Public;
        drop(state);
        self.logged_out();
    }

    fn logged_out(&self) {
        self.count_logout();
        self.token.logout();
    }
}
