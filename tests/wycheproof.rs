//! Project Wycheproof's vectors through the C interface: every valid one must be accepted and every
//! invalid one refused; the counts are printed (`cargo test --test wycheproof -- --nocapture`).
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

#[path = "wycheproof/agree.rs"]
mod agree;
#[path = "wycheproof/der.rs"]
mod der;
#[path = "wycheproof/rsa.rs"]
mod rsa;
#[path = "wycheproof/secret.rs"]
mod secret;
#[path = "wycheproof/signatures.rs"]
mod signatures;
#[path = "wycheproof/tally.rs"]
mod tally;
