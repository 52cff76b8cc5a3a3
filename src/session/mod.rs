//! Who is connected, and what is under way.
#![forbid(unsafe_code)]

mod cipher;
mod digest;
mod find;
mod handles;
mod keys;
mod library;
mod login;
mod operation;
mod output;
mod running;
#[expect(clippy::module_inception, reason = "the standard's word for both")]
mod session;
mod sign;
mod slot;
mod verify;

use cryptoki_sys::CK_SESSION_HANDLE;

pub(crate) use cipher::Way;
pub(crate) use library::{Library, finalize, initialize, library};
pub(crate) use output::Output;
pub(crate) use session::{Mode, Session};
pub(crate) use slot::SlotInfo;

// What the boundary builds and the layers below take.
pub(crate) use crate::object::{Shown, Template, Value};

use crate::error::{Reason, Result};

/// Runs one call on a session, and keeps the reason of a failure for `ulDeviceError` (rule 26).
pub(crate) fn on<T>(
    handle: CK_SESSION_HANDLE,
    work: impl FnOnce(&Session) -> Result<T>,
) -> Result<T> {
    let session = library()?.session(handle)?;
    let mut outcome = Outcome {
        session: &session,
        reason: Some(Reason::Panic),
    };
    let done = work(&session);
    outcome.reason = done.as_ref().err().map(|error| error.reason);
    done
}

/// What `ulDeviceError` will say; written when it is dropped, in a panic too.
struct Outcome<'a> {
    session: &'a Session,
    reason: Option<Reason>,
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        if let Some(reason) = self.reason {
            self.session.failed(reason);
        }
    }
}
