//! What every `C_` function does around its own work.
#![forbid(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use cryptoki_sys::{CK_RV, CKR_OK};

use crate::error::{Code, Error, Reason, Result};
use crate::log;

/// Runs one call: a panic stays inside, an error is logged once and becomes its `CK_RV`.
pub(super) fn entry(function: &'static str, work: impl FnOnce() -> Result<()>) -> CK_RV {
    // Logging, and dropping the error, run foreign code too: inside.
    let guarded = AssertUnwindSafe(|| work().map_err(|error| logged(function, &error)));
    match catch_unwind(guarded) {
        Ok(Ok(())) => CKR_OK,
        Ok(Err(code)) => code.rv(),
        Err(_panic) => panicked(function),
    }
}

#[cold]
fn logged(function: &'static str, error: &Error) -> Code {
    log::failed(function, error);
    error.code
}

#[cold]
fn panicked(function: &'static str) -> CK_RV {
    let error = Error::new(Code::GeneralError, Reason::Panic);
    // The log may be what panicked.
    let told = catch_unwind(AssertUnwindSafe(|| log::failed(function, &error)));
    drop(told);
    error.code.rv()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_general_error() {
        assert_eq!(
            entry("C_Test", || panic!("a defect")),
            Code::GeneralError.rv()
        );
    }

    #[test]
    fn an_error_becomes_its_code() {
        let failing = || Err(Code::DeviceError.into());
        assert_eq!(entry("C_Test", failing), Code::DeviceError.rv());
        assert_eq!(entry("C_Test", || Ok(())), CKR_OK);
    }
}
