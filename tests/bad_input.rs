//! What must never be believed: damaged envelopes, stores and configurations that others wrote,
//! wrong PINs, full disks, and what other processes do meanwhile. Each has its `CK_RV`, its reason in
//! `ulDeviceError` and its line in the log, and nothing is lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "test code: a failure ends the test"
)]

#[path = "bad_input/disk.rs"]
mod disk;
#[path = "bad_input/envelope.rs"]
mod envelope;
#[path = "bad_input/others.rs"]
mod others;
#[path = "bad_input/pins.rs"]
mod pins;
#[path = "bad_input/rows.rs"]
mod rows;
mod support;
#[path = "bad_input/trust.rs"]
mod trust;

use std::path::Path;

use cryptoki_sys::*;

use support::answer::Answer;
use support::mech::Mech;
use support::module::Module;
use support::process;
use support::session::Session;
use support::store;
use support::template::{Template, open_aes};
use support::token::{PIN, Token};

/// A fresh token of ours with its user logged in, in a process of its own.
fn user(body: impl FnOnce(&Path, Token)) {
    process::alone(|home| {
        let token = Token::fresh(Module::ours());
        token.session().login(CKU_USER, PIN).unwrap();
        body(home, token);
    });
}

/// The same token as a process sees it that has just started.
fn again(token: &Token) -> Session<'_> {
    token.module.finalize().unwrap();
    token.module.initialize().unwrap();
    token.user()
}

fn open() -> Template {
    open_aes().bytes(CKA_VALUE, &[0x66; 32])
}

fn kept(label: &str) -> Template {
    open().yes(CKA_TOKEN).text(CKA_LABEL, label)
}

fn labelled(label: &str) -> Template {
    Template::default().text(CKA_LABEL, label)
}

fn found(session: &Session<'_>, label: &str) -> CK_OBJECT_HANDLE {
    let found = session.find(labelled(label)).unwrap();
    assert_eq!(found.len(), 1, "{label}");
    found[0]
}

fn kek(session: &Session<'_>) -> CK_OBJECT_HANDLE {
    found(session, "soft")
}

fn ecb() -> Mech {
    Mech::plain(CKM_AES_ECB)
}

fn refused<T>(answer: Answer<T>) -> CK_RV {
    answer.map(drop).expect_err("it was allowed").0
}

/// Refused as it should be: code, reason, and a line in the log.
fn told<T>(
    home: &Path,
    session: &Session<'_>,
    answer: Answer<T>,
    code: CK_RV,
    (reason, line): (CK_ULONG, &str),
) {
    assert_eq!(refused(answer), code);
    assert_eq!(session.reason(), reason);
    assert!(store::log(home).contains(line), "no line with {line:?}");
}

/// Another process, when a test starts one.
#[test]
fn actor() {
    let Some((act, _)) = process::role() else {
        return;
    };
    match act.split(' ').collect::<Vec<_>>()[..] {
        ["login"] => pins::logs_in(),
        ["create", name, count] => others::creates(name, count.parse().unwrap()),
        ["destroy", label] => others::destroys(label),
        ["relabel", label, to] => others::relabels(label, to),
        ["init"] => others::initialises(),
        ["read-only"] => disk::reads(),
        _ => panic!("{act}"),
    }
}
