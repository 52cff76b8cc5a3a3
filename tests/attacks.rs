//! The attacks on the interface (Clulow 2003; Bortolozzo and others 2010; Bardou and others 2012) and
//! on envelopes, each tried through the built library's C functions (pkcs11-rules 17, 27-32, 40).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "test code: a failure ends the test"
)]

#[path = "attacks/envelope.rs"]
mod envelope;
#[path = "attacks/kek.rs"]
mod kek;
#[path = "attacks/keys.rs"]
mod keys;
#[path = "attacks/logout.rs"]
mod logout;
#[path = "attacks/oracle.rs"]
mod oracle;
mod support;
#[path = "attacks/trusted.rs"]
mod trusted;
#[path = "attacks/window.rs"]
mod window;

use cryptoki_sys::*;

use support::answer::Answer;
use support::mech::Mech;
use support::module::Module;
use support::process;
use support::session::Session;
use support::template::{Template, of_class, open_aes, secret, usages};
use support::token::Token;

/// A fresh token of ours with its user logged in, in a process of its own.
fn user(body: impl FnOnce(&Token, Session<'_>)) {
    process::alone(|_| {
        let token = Token::fresh(Module::ours());
        let session = token.user();
        body(&token, session);
    });
}

/// An AES key that does everything, is sensitive and not extractable.
fn guarded() -> Template {
    usages(secret(CKK_AES))
        .yes(CKA_SENSITIVE)
        .no(CKA_EXTRACTABLE)
        .bytes(CKA_VALUE, &[0x77; 32])
}

/// One that does everything and can be read.
fn open() -> Template {
    open_aes().bytes(CKA_VALUE, &[0x66; 32])
}

/// The sibling's KEK object.
fn kek(session: &Session<'_>) -> CK_OBJECT_HANDLE {
    let label = Template::default().text(CKA_LABEL, "soft");
    session.find(label).unwrap()[0]
}

fn kw() -> Mech {
    Mech::plain(CKM_AES_KEY_WRAP)
}

/// Whether a key's value can be had by reading or by wrapping.
fn leaks(session: &Session<'_>, key: CK_OBJECT_HANDLE) -> bool {
    let with = session.create(open()).unwrap();
    session.get(key, CKA_VALUE).is_ok() || session.wrap(&kw(), with, key).is_ok()
}

/// A session object of its own for each place where it may live.
fn both_homes(template: impl Fn() -> Template) -> [Template; 2] {
    [template(), template().yes(CKA_TOKEN)]
}

fn refused<T>(answer: Answer<T>) -> CK_RV {
    answer.map(drop).expect_err("it was allowed").0
}

fn data(value: &[u8]) -> Template {
    of_class(CKO_DATA).bytes(CKA_VALUE, value)
}
