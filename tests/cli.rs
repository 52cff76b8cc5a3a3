//! The companion command as its users run it: the built binary, in folders of its own, against
//! tokens that the module made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "test code: a failure ends the test"
)]

mod support;

#[path = "cli/command.rs"]
mod command;

#[path = "cli/files.rs"]
mod files;
#[path = "cli/hosts.rs"]
mod hosts;
#[path = "cli/refuse.rs"]
mod refuse;
#[path = "cli/seal.rs"]
mod seal;
#[path = "cli/setup.rs"]
mod setup;
#[path = "cli/trail.rs"]
mod trail;
