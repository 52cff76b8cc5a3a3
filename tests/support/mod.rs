//! What the integration tests share: modules loaded as hosts load them, fresh tokens in folders of
//! their own, templates and mechanisms that own their bytes, processes with a time limit.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "test code: a failure ends the test"
)]

pub(crate) mod answer;
pub(crate) mod host;
pub(crate) mod mech;
pub(crate) mod module;
pub(crate) mod operation;
pub(crate) mod process;
pub(crate) mod session;
pub(crate) mod store;
pub(crate) mod template;
pub(crate) mod token;
pub(crate) mod zeq;

use module::Module;

/// The reference, or `None` with a loud line where it is not installed.
pub(crate) fn softhsm() -> Option<Module> {
    let found = Module::softhsm();
    if found.is_none() {
        skipped("SoftHSM (package softhsm2)");
    }
    found
}

/// Says, in a way that is seen, what a test did not do.
pub(crate) fn skipped(missing: &str) {
    println!("SKIPPED: {missing} is missing (scripts/install-test-tools)");
    eprintln!("SKIPPED: {missing} is missing (scripts/install-test-tools)");
}
