//! A token's turn for a login: an advisory lock of the operating system, so that a killed process
//! gives it back.
#![forbid(unsafe_code)]

use std::fs::File;
use std::fs::TryLockError;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

use super::file;
use crate::store::Error;

/// Longer than many hosts that start together need, one after the other.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Turn(File);

/// Waits for the turn, in this process and others.
///
/// # Errors
/// `NotWritable` when it does not come, or where its file cannot be made.
pub(super) fn take(store: &Path, name: &str) -> Result<Turn, Error> {
    let file = file::turn(store, name)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Turn(file)),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                sleep(Duration::from_millis(2));
            }
            Err(TryLockError::WouldBlock) => {
                let why = "another login has not ended for a minute";
                return Err(Error::NotWritable(why.into()));
            }
            Err(TryLockError::Error(why)) => return Err(Error::NotWritable(why.to_string())),
        }
    }
}

impl Drop for Turn {
    /// Explicitly: a child that was forked meanwhile holds the same lock open.
    fn drop(&mut self) {
        drop(self.0.unlock());
    }
}
