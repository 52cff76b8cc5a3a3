//! Where the library's own words go: syslog, a file, standard error, or nowhere.
#![forbid(unsafe_code)]

use crate::error::Error;

/// One call that failed.
pub(crate) fn failed(_function: &'static str, _error: &Error) {}
