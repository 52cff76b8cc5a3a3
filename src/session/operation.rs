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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::output::tests::with;

    /// Writes its input's length in bytes, or fails.
    struct Work;

    const NEEDED: usize = 4;

    /// What a host may do.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Start { private: bool },
        StartFails,
        Ask(Part),
        TooSmall(Part),
        Do(Part),
        Fails(Part),
        Panics(Part),
        BadArguments(Part),
        Feed(Part),
        Cancel,
        Logout,
    }

    fn part() -> impl Strategy<Value = Part> {
        prop_oneof![Just(Part::Whole), Just(Part::Update), Just(Part::Final)]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => any::<bool>().prop_map(|private| Step::Start { private }),
            1 => Just(Step::StartFails),
            2 => part().prop_map(Step::Ask),
            2 => part().prop_map(Step::TooSmall),
            3 => part().prop_map(Step::Do),
            1 => part().prop_map(Step::Fails),
            1 => part().prop_map(Step::Panics),
            1 => part().prop_map(Step::BadArguments),
            3 => part().prop_map(Step::Feed),
            1 => Just(Step::Cancel),
            1 => Just(Step::Logout),
        ]
    }

    /// What the standard says is there.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Model {
        private: bool,
        updated: bool,
    }

    /// The operation and the count of logouts.
    #[derive(Default)]
    struct Host {
        place: Underway<Work>,
        logouts: u32,
    }

    impl Host {
        fn start(&self, private: bool, made: Result<()>) -> Option<Code> {
            let logouts = self.logouts;
            let done = self.place.start(logouts, || {
                made?;
                Ok(Operation {
                    private: private.then_some(logouts),
                    ..Operation::new(Box::new(Work))
                })
            });
            done.err().map(|error| error.code)
        }

        fn through(
            &self,
            part: Part,
            buffer: Option<&mut [u8]>,
            work: fn() -> Result<usize>,
        ) -> Option<Code> {
            let now = (part, self.logouts);
            let (done, len) = with(buffer, |output| {
                self.place
                    .through(now, Ok(((), output)), |_, ()| NEEDED, |_, (), _| work())
            });
            let code = done.err().map(|error| error.code);
            assert!(code != Some(Code::BufferTooSmall) || len == NEEDED);
            code
        }

        fn take(&mut self, step: Step) -> Option<Code> {
            match step {
                Step::Start { private } => self.start(private, Ok(())),
                Step::StartFails => self.start(false, Err(Code::KeyHandleInvalid.into())),
                Step::Ask(part) => self.through(part, None, || panic!("asked only")),
                Step::TooSmall(part) => {
                    self.through(part, Some(&mut [0; NEEDED - 1]), || panic!("too small"))
                }
                Step::Do(part) => self.through(part, Some(&mut [0; NEEDED]), || Ok(NEEDED)),
                Step::Fails(part) => self.through(part, Some(&mut [0; NEEDED]), || {
                    Err(Code::DataInvalid.into())
                }),
                Step::Panics(part) => {
                    let call = || {
                        self.through(part, Some(&mut [0; NEEDED]), || {
                            // Says nothing on standard error.
                            std::panic::resume_unwind(Box::new("a defect"))
                        })
                    };
                    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
                    done.unwrap_or(Some(Code::GeneralError))
                }
                Step::BadArguments(part) => {
                    let bad = Err(Code::ArgumentsBad.into());
                    let done = self
                        .place
                        .feed::<()>((part, self.logouts), bad, |_, ()| Ok(()));
                    done.err().map(|error| error.code)
                }
                Step::Feed(part) => {
                    let done = self
                        .place
                        .feed((part, self.logouts), Ok(()), |_, ()| Ok(()));
                    done.err().map(|error| error.code)
                }
                Step::Cancel => match self.place.cancel() {
                    true => None,
                    false => Some(Code::OperationNotInitialized),
                },
                Step::Logout => {
                    self.logouts += 1;
                    self.place.logged_out();
                    None
                }
            }
        }
    }

    /// The answer, and what is there afterwards.
    fn expected(model: Option<Model>, step: Step) -> (Option<Code>, Option<Model>) {
        let new = |private| Model {
            private,
            updated: false,
        };
        let (part, done) = match (step, model) {
            (Step::Start { private }, None) => return (None, Some(new(private))),
            (Step::StartFails, None) => return (Some(Code::KeyHandleInvalid), None),
            (Step::Start { .. } | Step::StartFails, Some(_)) => {
                return (Some(Code::OperationActive), model);
            }
            (Step::BadArguments(_), _) => return (Some(Code::ArgumentsBad), None),
            (Step::Logout, _) => return (None, model.filter(|model| !model.private)),
            (Step::Cancel, Some(_)) => return (None, None),
            (_, None) => return (Some(Code::OperationNotInitialized), None),
            (Step::Ask(part), _) => (part, (None, model)),
            (Step::TooSmall(part), _) => (part, (Some(Code::BufferTooSmall), model)),
            (Step::Fails(part), _) => (part, (Some(Code::DataInvalid), None)),
            (Step::Panics(part), _) => (part, (Some(Code::GeneralError), None)),
            (Step::Do(part) | Step::Feed(part), Some(old)) => {
                let updated = Model {
                    updated: true,
                    ..old
                };
                (part, (None, (part == Part::Update).then_some(updated)))
            }
        };
        match part == Part::Whole && model.is_some_and(|model| model.updated) {
            true => (Some(Code::OperationActive), None),
            false => done,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn every_sequence_of_calls_ends_operations_as_the_rules_say(
            steps in prop::collection::vec(step(), 1..40)
        ) {
            let (mut host, mut model) = (Host::default(), None);
            for step in steps {
                let (code, after) = expected(model, step);
                prop_assert_eq!(host.take(step), code, "{:?} in {:?}", step, model);
                model = after;
            }
        }
    }

    #[test]
    fn an_operation_that_is_cancelled_while_a_call_works_is_not_put_back() {
        let host = Host::default();
        assert_eq!(host.start(false, Ok(())), None);
        let now = (Part::Update, 0);
        let done = host.place.feed(now, Ok(()), |_, ()| {
            assert!(host.place.cancel());
            assert_eq!(host.start(false, Ok(())), None, "the place is free at once");
            Ok(())
        });
        assert!(done.is_ok());
        assert_eq!(
            host.through(Part::Whole, None, || Ok(0)),
            None,
            "the new one is there"
        );
    }

    #[test]
    fn a_logout_while_a_call_works_ends_an_operation_on_a_private_key_after_the_call() {
        let mut host = Host::default();
        assert_eq!(host.start(true, Ok(())), None);
        let done = host.place.feed((Part::Update, 0), Ok(()), |_, ()| {
            host.place.logged_out();
            Ok(())
        });
        assert!(done.is_ok(), "the call finishes");
        host.logouts = 1;
        let next = host.through(Part::Update, None, || Ok(0));
        assert_eq!(next, Some(Code::OperationNotInitialized));
        assert_eq!(host.start(true, Ok(())), None);
    }

    #[test]
    fn a_second_call_on_a_busy_operation_is_refused_and_ends_nothing() {
        let host = Host::default();
        assert_eq!(host.start(false, Ok(())), None);
        let done = host.place.feed((Part::Update, 0), Ok(()), |_, ()| {
            let second = host.through(Part::Update, None, || Ok(0));
            assert_eq!(second, Some(Code::OperationActive));
            Ok(())
        });
        assert!(done.is_ok());
        assert!(host.place.cancel());
    }

    #[test]
    fn an_operation_that_asks_for_its_own_login_gives_lengths_and_no_more() {
        let host = Host::default();
        let start = |number| {
            let asks = || {
                Ok(Operation {
                    asks: Some(number),
                    ..Operation::new(Box::new(Work))
                })
            };
            host.place.start(0, asks).unwrap();
        };
        let mut room = [0; NEEDED];
        start(7);
        assert_eq!(host.through(Part::Whole, None, || Ok(0)), None);
        let done = host.through(Part::Whole, Some(&mut room), || panic!("not yet"));
        assert_eq!(done, Some(Code::UserNotLoggedIn));
        start(8);
        host.place.grant(7);
        assert_eq!(host.place.asks(), Some(8), "a grant for another is none");
        host.place.grant(8);
        assert_eq!(host.through(Part::Whole, Some(&mut room), || Ok(1)), None);
    }
}
