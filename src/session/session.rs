//! A session: a line to a token, and what is under way on it.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use cryptoki_sys::*;

use crate::error::{Code, Reason, Result};
use crate::mechanism::{Cipher, Digest, Sign, Verify};
use crate::object::{Begun, Caller, Login};
use crate::session::Library;
use crate::session::find::Found;
use crate::session::operation::{Operation, Part, Underway, ticket};
use crate::session::slot::Slot;

/// One session.
pub(crate) struct Session {
    pub(super) handle: CK_SESSION_HANDLE,
    pub(super) slot: Arc<Slot>,
    pub(super) writes: bool,
    /// Set once, under the slot's lock.
    pub(super) closed: AtomicBool,
    /// The reason of its last failed call.
    failure: AtomicU32,
    pub(super) encrypting: Underway<dyn Cipher>,
    pub(super) decrypting: Underway<dyn Cipher>,
    pub(super) digesting: Underway<dyn Digest>,
    pub(super) signing: Underway<dyn Sign>,
    pub(super) verifying: Underway<dyn Verify>,
    pub(super) finding: Underway<Found>,
}

/// What a session is opened for.
#[derive(Clone, Copy)]
pub(crate) enum Mode {
    ReadOnly,
    ReadWrite,
}

impl Library {
    /// Opens a session.
    pub(crate) fn open(&self, slot: &Arc<Slot>, mode: Mode) -> Result<CK_SESSION_HANDLE> {
        slot.token.recognise()?;
        let writes = matches!(mode, Mode::ReadWrite);
        let mut state = slot.state.lock();
        if state.login == Login::So && !writes {
            return Err(Code::SessionReadWriteSoExists.into());
        }
        state.sessions += 1;
        state.writers += usize::from(writes);
        let make = |handle| Session::new(handle, Arc::clone(slot), writes);
        Ok(self.sessions.insert(make).handle)
    }

    /// Closes a session.
    pub(crate) fn close(&self, handle: CK_SESSION_HANDLE) -> Result<()> {
        let session = self.sessions.remove(handle);
        session.ok_or(Code::SessionHandleInvalid)?.close();
        Ok(())
    }

    /// Closes a token's sessions.
    pub(crate) fn close_all(&self, slot: &Arc<Slot>) {
        let of = |session: &Session| Arc::ptr_eq(&session.slot, slot);
        for session in self.sessions.select(of) {
            // Somebody else may have been faster.
            if self.sessions.remove(session.handle).is_some() {
                session.close();
            }
        }
    }
}

impl Session {
    fn new(handle: CK_SESSION_HANDLE, slot: Arc<Slot>, writes: bool) -> Self {
        Self {
            handle,
            slot,
            writes,
            closed: AtomicBool::new(false),
            failure: AtomicU32::new(Reason::None as u32),
            encrypting: Underway::default(),
            decrypting: Underway::default(),
            digesting: Underway::default(),
            signing: Underway::default(),
            verifying: Underway::default(),
            finding: Underway::default(),
        }
    }

    /// The one that took it out of the handles calls this.
    fn close(&self) {
        self.cancel_all();
        self.slot.token.session_closed(self.handle);
        let mut state = self.slot.state.lock();
        self.closed.store(true, Ordering::Relaxed);
        state.sessions -= 1;
        state.writers -= usize::from(self.writes);
        let last = state.sessions == 0 && state.login != Login::Public;
        if state.sessions == 0 {
            self.slot.token.all_closed();
        }
        drop(state);
        if last {
            self.slot.forget_login();
        }
    }

    /// What `C_GetSessionInfo` says.
    pub(crate) fn info(&self) -> CK_SESSION_INFO {
        let state = match (self.slot.login(), self.writes) {
            (Login::Public, false) => CKS_RO_PUBLIC_SESSION,
            (Login::Public, true) => CKS_RW_PUBLIC_SESSION,
            (Login::User, false) => CKS_RO_USER_FUNCTIONS,
            (Login::User, true) => CKS_RW_USER_FUNCTIONS,
            (Login::So, _) => CKS_RW_SO_FUNCTIONS,
        };
        let access = if self.writes { CKF_RW_SESSION } else { 0 };
        CK_SESSION_INFO {
            slotID: self.slot.id(),
            state,
            flags: CKF_SERIAL_SESSION | access,
            ulDeviceError: self.failure.load(Ordering::Relaxed).into(),
        }
    }

    pub(super) fn failed(&self, reason: Reason) {
        self.failure.store(reason as u32, Ordering::Relaxed);
    }

    pub(super) fn caller(&self) -> Caller {
        Caller {
            session: self.handle,
            writes: self.writes,
            login: self.slot.login(),
        }
    }

    /// A part of an operation now: a logout since it began has ended it.
    pub(super) fn now(&self, part: Part) -> (Part, u32) {
        (part, self.slot.logouts())
    }

    /// Begins an operation with a key of the token.
    pub(super) fn begin<T: ?Sized>(
        &self,
        place: &Underway<T>,
        make: impl FnOnce(&Caller) -> Result<Begun<T>>,
    ) -> Result<()> {
        // Counted before the login is looked at: a logout between the two ends the operation.
        let logouts = self.slot.logouts();
        place.start(logouts, || {
            let begun = make(&self.caller())?;
            Ok(Operation {
                work: begun.work,
                private: begun.private.then_some(logouts),
                asks: begun.authenticate.then(ticket),
                updated: false,
            })
        })
    }

    /// Ends every operation whose flag is set; those that are not there are well (3.2, 5.6.10).
    pub(crate) fn cancel(&self, flags: CK_FLAGS) {
        let asked = |kind: CK_FLAGS| flags & kind != 0;
        if asked(CKF_FIND_OBJECTS) {
            self.finding.cancel();
        }
        if asked(CKF_ENCRYPT) {
            self.encrypting.cancel();
        }
        if asked(CKF_DECRYPT) {
            self.decrypting.cancel();
        }
        if asked(CKF_DIGEST) {
            self.digesting.cancel();
        }
        if asked(CKF_SIGN) {
            self.signing.cancel();
        }
        if asked(CKF_VERIFY) {
            self.verifying.cancel();
        }
    }

    pub(super) fn cancel_all(&self) {
        self.cancel(CK_FLAGS::MAX);
    }

    /// Ends the operations on private keys (rule 16).
    pub(super) fn logged_out(&self) {
        self.encrypting.logged_out();
        self.decrypting.logged_out();
        self.signing.logged_out();
        self.verifying.logged_out();
    }
}
