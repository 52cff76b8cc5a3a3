//! A run of the library, from `C_Initialize` to `C_Finalize`, and how a forked child starts anew.
#![forbid(unsafe_code)]

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cryptoki_sys::{CK_SESSION_HANDLE, CK_SLOT_ID};
use parking_lot::{Condvar, Mutex, RwLock};

use crate::error::{Code, Result};
use crate::object;
use crate::os;
use crate::os::Leaked;
use crate::session::Session;
use crate::session::handles::Handles;
use crate::session::running::{Inside, Running};
use crate::session::slot::{self, Slot};

/// What a process keeps from its first `C_Initialize` on. It is never freed: a call that is late may
/// still look at it. A forked child never looks at its parent's, whose locks another thread may
/// have held: it makes its own.
pub(crate) struct Library {
    process: u64,
    up: AtomicBool,
    /// Held over `C_Initialize` and `C_Finalize`.
    turn: Mutex<()>,
    running: Running,
    slots: RwLock<Arc<[Arc<Slot>]>>,
    pub(super) sessions: Handles<Session>,
    /// Wakes `C_WaitForSlotEvent`.
    down: (Mutex<()>, Condvar),
}

/// The library for one call, which `C_Finalize` waits for.
pub(crate) struct Call {
    library: &'static Library,
    _inside: Inside<'static>,
}

static LIBRARY: Leaked<Library> = Leaked::none();

/// How long `C_Finalize` waits for calls that run (rule 3).
const PATIENCE: Duration = Duration::from_secs(1);

/// The run under way.
///
/// # Errors
/// `CKR_CRYPTOKI_NOT_INITIALIZED`, in a forked child too.
pub(crate) fn library() -> Result<Call> {
    let library = own().ok_or(Code::CryptokiNotInitialized)?;
    let call = Call {
        library,
        _inside: library.running.enter(),
    };
    match library.up.load(Ordering::SeqCst) {
        true => Ok(call),
        false => Err(Code::CryptokiNotInitialized.into()),
    }
}

/// Starts a run. `configuration` is what `pReserved` named.
pub(crate) fn initialize(configuration: Option<&Path>) -> Result<()> {
    let library = own_or_new()?;
    let _turn = library.turn.lock();
    if library.up.load(Ordering::SeqCst) {
        return Err(Code::CryptokiAlreadyInitialized.into());
    }
    *library.slots.write() = slot::assign(object::tokens(configuration)?);
    library.up.store(true, Ordering::SeqCst);
    Ok(())
}

/// Ends the run. In a child of a run there is nothing to end, and that is well.
pub(crate) fn finalize() -> Result<()> {
    let Some(library) = own() else {
        return match LIBRARY.get().is_some_and(Library::orphaned) {
            true => Ok(()),
            false => Err(Code::CryptokiNotInitialized.into()),
        };
    };
    let _turn = library.turn.lock();
    if !library.up.swap(false, Ordering::SeqCst) {
        return Err(Code::CryptokiNotInitialized.into());
    }
    library.take_down();
    Ok(())
}

fn own() -> Option<&'static Library> {
    let process = os::process_generation();
    LIBRARY.get().filter(|library| library.process == process)
}

fn own_or_new() -> Result<&'static Library> {
    let seen = LIBRARY.get();
    if own().is_none() {
        // Two threads may come here: one wins, and both find what it put.
        LIBRARY.put(seen, Box::new(Library::new()));
    }
    own().ok_or_else(|| Code::GeneralError.into())
}

impl Library {
    fn new() -> Self {
        Self {
            process: os::process_generation(),
            up: AtomicBool::new(false),
            turn: Mutex::new(()),
            running: Running::default(),
            slots: RwLock::new(Arc::new([])),
            sessions: Handles::new(),
            down: (Mutex::new(()), Condvar::new()),
        }
    }

    /// A parent's, that was up at the fork; says so once.
    fn orphaned(&self) -> bool {
        self.process != os::process_generation() && self.up.swap(false, Ordering::SeqCst)
    }

    fn take_down(&self) {
        drop(self.down.0.lock());
        self.down.1.notify_all();
        let slots = std::mem::replace(&mut *self.slots.write(), Arc::new([]));
        for session in self.sessions.select(|_| true) {
            session.cancel_all();
        }
        self.wait_for_calls();
        for slot in &*slots {
            self.close_all(slot);
        }
    }

    fn wait_for_calls(&self) {
        let begun = Instant::now();
        while !self.running.none() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// Every slot, in order.
    pub(crate) fn slots(&self) -> Arc<[Arc<Slot>]> {
        Arc::clone(&self.slots.read())
    }

    /// # Errors
    /// `CKR_SLOT_ID_INVALID`.
    pub(crate) fn slot(&self, id: CK_SLOT_ID) -> Result<Arc<Slot>> {
        let slots = self.slots.read();
        let slot = slots.iter().find(|slot| slot.id() == id);
        slot.map(Arc::clone)
            .ok_or_else(|| Code::SlotIdInvalid.into())
    }

    /// # Errors
    /// `CKR_SESSION_HANDLE_INVALID`.
    pub(crate) fn session(&self, handle: CK_SESSION_HANDLE) -> Result<Arc<Session>> {
        let session = self.sessions.get(handle);
        session.ok_or_else(|| Code::SessionHandleInvalid.into())
    }

    /// Blocks until the library goes down: slots neither come nor go (rule 9).
    pub(crate) fn wait_for_slot_event(&self, block: bool) -> Result<()> {
        if !block {
            return Err(Code::NoEvent.into());
        }
        let mut lock = self.down.0.lock();
        while self.up.load(Ordering::SeqCst) {
            self.down.1.wait(&mut lock);
        }
        Err(Code::CryptokiNotInitialized.into())
    }
}

impl Deref for Call {
    type Target = Library;

    fn deref(&self) -> &Library {
        self.library
    }
}
