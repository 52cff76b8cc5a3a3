//! How an operation begins, goes on and ends, said once for all kinds (pkcs11-rules 5, 6, 7, 16, 24,
//! 41, 42).
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::error::{Code, Result};
use crate::session::Output;
use crate::session::output::Room;

/// Where a session keeps its operation of one kind. The lock is held to look and to put back, never
/// over the work: a remote signature may take seconds, and the session must stay closable.
pub(super) struct Underway<T: ?Sized>(Mutex<State<T>>);

enum State<T: ?Sized> {
    Idle,
    Active(Operation<T>),
    /// A call is working on it, or making it: which one.
    Busy(u64),
}

/// An operation that began.
pub(super) struct Operation<T: ?Sized> {
    pub(super) work: Box<T>,
    /// Its key is private: it ends when its token logs out. The count of logouts when it began.
    pub(super) private: Option<u32>,
    /// Nothing happens before this number's `C_Login(CKU_CONTEXT_SPECIFIC)`.
    pub(super) asks: Option<u64>,
    /// There was an update: no one-shot call now.
    pub(super) updated: bool,
}

/// Which part of an operation a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Update,
    Final,
}

impl<T: ?Sized> Operation<T> {
    pub(super) fn new(work: Box<T>) -> Self {
        Self {
            work,
            private: None,
            asks: None,
            updated: false,
        }
    }

    fn ended(&self, logouts: u32) -> bool {
        self.private.is_some_and(|begun| begun != logouts)
    }
}

impl<T: ?Sized> Default for Underway<T> {
    fn default() -> Self {
        Self(Mutex::new(State::Idle))
    }
}

impl<T: ?Sized> Underway<T> {
    /// Begins one, if none is active. A failure ends nothing.
    pub(super) fn start(
        &self,
        logouts: u32,
        make: impl FnOnce() -> Result<Operation<T>>,
    ) -> Result<()> {
        let mut place = self.reserve(logouts)?;
        place.operation = Some(make()?);
        Ok(())
    }

    /// A part with input and output. Whatever goes wrong ends the operation (bad arguments and a
    /// panic too), except when the caller only asks for the length or brings too small a buffer:
    /// then it stays for the next call. Of two faults a bad argument is told first.
    pub(super) fn through<A>(
        &self,
        (part, logouts): (Part, u32),
        arguments: Result<(A, Output<'_>)>,
        len: impl FnOnce(&T, &A) -> usize,
        work: impl FnOnce(&mut T, A, &mut [u8]) -> Result<usize>,
    ) -> Result<()> {
        let claimed = self.claim(logouts);
        let (input, output) = arguments?;
        let (mut place, mut operation) = claimed?;
        operation.fits(part)?;
        match output.request(len(&operation.work, &input)) {
            Room::Asked => place.operation = Some(operation),
            Room::TooSmall => {
                place.operation = Some(operation);
                return Err(Code::BufferTooSmall.into());
            }
            Room::Ready(ready) => {
                operation.may()?;
                ready.fill(|buffer| work(&mut operation.work, input, buffer))?;
                place.keep(part, operation);
            }
        }
        Ok(())
    }

    /// A part with input only.
    pub(super) fn feed<A>(
        &self,
        (part, logouts): (Part, u32),
        arguments: Result<A>,
        work: impl FnOnce(&mut T, A) -> Result<()>,
    ) -> Result<()> {
        let claimed = self.claim(logouts);
        let input = arguments?;
        let (mut place, mut operation) = claimed?;
        operation.fits(part)?;
        operation.may()?;
        work(&mut operation.work, input)?;
        place.keep(part, operation);
        Ok(())
    }

    /// Looks at it; failures end nothing.
    pub(super) fn look<R>(&self, work: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        match &mut *self.0.lock() {
            State::Active(operation) => work(&mut operation.work),
            State::Busy(_) => Err(Code::OperationActive.into()),
            State::Idle => Err(Code::OperationNotInitialized.into()),
        }
    }

    /// Ends it; `false` if there was none. A call that works on it may finish, and leaves nothing.
    pub(super) fn cancel(&self) -> bool {
        !matches!(self.swap(State::Idle), State::Idle)
    }

    /// Ends it if its key is private.
    pub(super) fn logged_out(&self) {
        let mut state = self.0.lock();
        if matches!(&*state, State::Active(operation) if operation.private.is_some()) {
            let ended = std::mem::replace(&mut *state, State::Idle);
            drop(state);
            drop(ended);
        }
    }

    /// The number whose context login it waits for.
    pub(super) fn asks(&self) -> Option<u64> {
        match &*self.0.lock() {
            State::Active(operation) => operation.asks,
            State::Idle | State::Busy(_) => None,
        }
    }

    /// The context login of that number was right.
    pub(super) fn grant(&self, number: u64) {
        if let State::Active(operation) = &mut *self.0.lock()
            && operation.asks == Some(number)
        {
            operation.asks = None;
        }
    }

    fn reserve(&self, logouts: u32) -> Result<Place<'_, T>> {
        let mut state = self.0.lock();
        let free = match &*state {
            State::Idle => true,
            State::Active(operation) => operation.ended(logouts),
            State::Busy(_) => false,
        };
        if !free {
            return Err(Code::OperationActive.into());
        }
        let ticket = ticket();
        let ended = std::mem::replace(&mut *state, State::Busy(ticket));
        drop(state);
        drop(ended);
        Ok(Place::new(self, ticket))
    }

    /// Takes the operation out.
    fn claim(&self, logouts: u32) -> Result<(Place<'_, T>, Operation<T>)> {
        let mut state = self.0.lock();
        let ticket = ticket();
        let code = match std::mem::replace(&mut *state, State::Busy(ticket)) {
            State::Active(operation) => {
                drop(state);
                let place = Place::new(self, ticket);
                if !operation.ended(logouts) {
                    return Ok((place, operation));
                }
                return Err(Code::OperationNotInitialized.into());
            }
            State::Idle => {
                *state = State::Idle;
                Code::OperationNotInitialized
            }
            State::Busy(other) => {
                *state = State::Busy(other);
                Code::OperationActive
            }
        };
        Err(code.into())
    }

    fn swap(&self, new: State<T>) -> State<T> {
        std::mem::replace(&mut *self.0.lock(), new)
    }
}

impl<T: ?Sized> Operation<T> {
    /// One-shot and multi-part calls do not mix (rule 42).
    fn fits(&self, part: Part) -> Result<()> {
        match part == Part::Whole && self.updated {
            true => Err(Code::OperationActive.into()),
            false => Ok(()),
        }
    }

    fn may(&self) -> Result<()> {
        match self.asks {
            Some(_) => Err(Code::UserNotLoggedIn.into()),
            None => Ok(()),
        }
    }
}

/// Numbers that no two calls share.
pub(super) fn ticket() -> u64 {
    thread_local! {
        static NEXT: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
    }
    /// A thread takes this many at once, so that threads do not fight over one counter.
    const BLOCK: u64 = 1 << 20;
    static BLOCKS: AtomicU64 = AtomicU64::new(1);
    NEXT.with(|next| {
        let mut ticket = next.get();
        if ticket % BLOCK == 0 {
            ticket = BLOCKS.fetch_add(1, Ordering::Relaxed).wrapping_mul(BLOCK);
        }
        next.set(ticket.wrapping_add(1));
        ticket
    })
}

/// The place of a claimed operation: what lies in it when the call ends is put back, unless the
/// operation was cancelled meanwhile.
struct Place<'a, T: ?Sized> {
    home: &'a Underway<T>,
    ticket: u64,
    operation: Option<Operation<T>>,
}

impl<'a, T: ?Sized> Place<'a, T> {
    fn new(home: &'a Underway<T>, ticket: u64) -> Self {
        Self {
            home,
            ticket,
            operation: None,
        }
    }

    fn keep(&mut self, part: Part, mut operation: Operation<T>) {
        if part == Part::Update {
            operation.updated = true;
            self.operation = Some(operation);
        }
    }
}

impl<T: ?Sized> Drop for Place<'_, T> {
    fn drop(&mut self) {
        let mut state = self.home.0.lock();
        if matches!(&*state, State::Busy(ticket) if *ticket == self.ticket) {
            *state = self.operation.take().map_or(State::Idle, State::Active);
        }
    }
}
