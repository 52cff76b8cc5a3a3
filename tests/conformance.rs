//! Differential tests: each behaviour runs on SoftHSM first, then on ours, and the answers are
//! compared. A difference is named in the test and has its line, with the reason, in
//! `docs/conformance.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "test code: a failure ends the test"
)]

mod support;

#[path = "conformance/attacks.rs"]
mod attacks;
#[path = "conformance/bytes.rs"]
mod bytes;
#[path = "conformance/compare.rs"]
mod compare;
#[path = "conformance/document.rs"]
mod document;
#[path = "conformance/fixtures.rs"]
mod fixtures;
#[path = "conformance/interop.rs"]
mod interop;
#[path = "conformance/mechanisms.rs"]
mod mechanisms;
#[path = "conformance/objects.rs"]
mod objects;
#[path = "conformance/operations.rs"]
mod operations;
#[path = "conformance/sessions.rs"]
mod sessions;
