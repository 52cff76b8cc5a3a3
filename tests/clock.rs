//! Clocks that are wrong: set back within a boot and below the mark, in 2099 and right again
//! (formats.md §3). The hosts run under libfaketime, which leaves CLOCK_BOOTTIME true.
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

use std::fs;
use std::path::{Path, PathBuf};

use cryptoki_sys::*;

use support::answer::Answer;
use support::mech::Mech;
use support::module::Module;
use support::process::{self, alone, heard, role, say};
use support::session::Session;
use support::store;
use support::template::{Template, open_aes};
use support::token::{PIN, Token};
use support::zeq::*;

const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A host whose clock is as far from the truth as its file says.
struct Host {
    home: PathBuf,
    token: Token,
}

impl Host {
    fn new(home: &Path) -> Self {
        let token = Token::fresh(Module::ours());
        token.session().login(CKU_USER, PIN).unwrap();
        Self {
            home: home.to_owned(),
            token,
        }
    }

    /// Sets the clock to so many seconds past the truth.
    fn wrong_by(&self, seconds: i64) {
        let (file, new) = (self.home.join("time"), self.home.join("time.new"));
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(new, file).unwrap();
    }

    fn session(&self) -> Session<'_> {
        self.token.user()
    }

    /// The same host after a restart of its program.
    fn again(&self) -> Session<'_> {
        self.token.module.finalize().unwrap();
        self.token.module.initialize().unwrap();
        self.session()
    }

    /// An envelope whose window closes so many seconds from now.
    fn sealed(&self, seconds: i64) -> Answer<Vec<u8>> {
        let session = self.session();
        let key = session
            .create(open_aes().bytes(CKA_VALUE, &[0x66; 32]))
            .unwrap();
        let ticks = u64::try_from(seconds).unwrap() * 1000 / 777;
        let how = Mech::sealed(Params::default().closing(tick() + ticks), b"");
        session.wrap(&how, kek(&session), key)
    }

    /// A token object of such an envelope.
    fn kept(&self, label: &str, seconds: i64) {
        let (session, sealed) = (self.session(), self.sealed(seconds).unwrap());
        let template = Template::default().yes(CKA_TOKEN).text(CKA_LABEL, label);
        session
            .unwrap(&Mech::envelope(), kek(&session), &sealed, template)
            .unwrap();
    }

    /// Has the clock been in step for a day already: the base is made older, and judged.
    fn grow_steady(&self) {
        store::sql(
            &self.home,
            "UPDATE clock SET since = since - 90000000000000",
        );
        drop(self.sealed(HOUR));
    }

    fn mark(&self) -> String {
        store::sql(&self.home, "SELECT ns FROM mark")
    }
}

fn kek(session: &Session<'_>) -> CK_OBJECT_HANDLE {
    found(session, "soft").unwrap()
}

fn found(session: &Session<'_>, label: &str) -> Option<CK_OBJECT_HANDLE> {
    session
        .find(Template::default().text(CKA_LABEL, label))
        .unwrap()
        .first()
        .copied()
}

fn used(session: &Session<'_>, label: &str) -> Answer<Vec<u8>> {
    let key = found(session, label).expect(label);
    session.encrypt(&Mech::plain(CKM_AES_ECB), key, &[0; 16])
}

fn opened(session: &Session<'_>, sealed: &[u8]) -> Answer<CK_OBJECT_HANDLE> {
    session.unwrap(&Mech::envelope(), kek(session), sealed, Template::default())
}

fn refused<T>(session: &Session<'_>, answer: Answer<T>, reason: CK_ULONG) {
    assert_eq!(
        answer.map(drop).expect_err("it was allowed").0,
        CKR_KEY_FUNCTION_NOT_PERMITTED
    );
    assert_eq!(session.reason(), reason);
}

/// Plays an act on a host of its own.
fn in_time(act: &str) {
    alone(|home| {
        if !Path::new(FAKETIME).exists() {
            return support::skipped("libfaketime (package faketime)");
        }
        fs::write(home.join("time"), "+0\n").unwrap();
        let mut host = process::actor(home, act);
        host.env("LD_PRELOAD", FAKETIME)
            .env("FAKETIME_TIMESTAMP_FILE", home.join("time"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("DONT_FAKE_MONOTONIC", "1");
        assert_eq!(heard(&mut host, act), ["played"]);
    });
}

#[test]
fn actor_is_moved_by_its_file() {
    in_time("moves");
}

#[test]
fn a_clock_set_back_within_a_boot_opens_no_window_until_it_is_right() {
    in_time("set-back");
}

#[test]
fn a_clock_below_the_mark_opens_no_window_until_it_is_right() {
    in_time("below-the-mark");
}

#[test]
fn a_clock_in_2099_that_is_set_right_has_lost_and_poisoned_nothing() {
    in_time("2099");
}

#[test]
fn a_closed_key_stays_until_steady_time_has_passed_its_close() {
    in_time("closed");
}

/// A host, when a test starts one.
#[test]
fn actor() {
    let Some((act, home)) = role() else {
        return;
    };
    let host = Host::new(&home);
    match act.as_str() {
        "moves" => moves(&host),
        "set-back" => set_back(&host),
        "below-the-mark" => below_the_mark(&host),
        "2099" => in_2099(&host),
        "closed" => closed(&host),
        _ => panic!("{act}"),
    }
    say("played");
}

fn moves(host: &Host) {
    let before = tick();
    host.wrong_by(DAY);
    assert!(
        tick() - before > 100_000,
        "libfaketime does not move this process"
    );
}

fn set_back(host: &Host) {
    let bounded = host.sealed(DAY).unwrap();
    host.kept("kept", DAY);
    let session = host.session();
    let key = session
        .create(open_aes().bytes(CKA_VALUE, &[1; 32]))
        .unwrap();
    let free = session.wrap(&Mech::envelope(), kek(&session), key).unwrap();
    host.wrong_by(-3); // within the tolerance
    opened(&session, &bounded).unwrap();
    for back in [-HOUR, -365 * DAY] {
        host.wrong_by(back);
        let session = host.session();
        refused(&session, opened(&session, &bounded), CLOCK_SET_BACK);
        refused(&session, used(&session, "kept"), CLOCK_SET_BACK);
        refused(&session, host.sealed(DAY), CLOCK_SET_BACK);
        opened(&session, &free).unwrap();
        let session = host.again();
        refused(&session, used(&session, "kept"), CLOCK_SET_BACK);
    }
    assert!(store::log(&host.home).contains("the clock was set back"));
    host.wrong_by(0);
    let session = host.session();
    opened(&session, &bounded).unwrap();
    used(&session, "kept").unwrap();
    assert_eq!(host.mark(), "");
}

fn below_the_mark(host: &Host) {
    let bounded = host.sealed(DAY).unwrap();
    host.kept("kept", DAY);
    host.grow_steady();
    let mark = host.mark();
    assert_ne!(mark, "");
    // Another boot: nothing is known but the mark.
    store::sql(&host.home, "DELETE FROM clock");
    host.wrong_by(-HOUR);
    let session = host.again();
    refused(&session, opened(&session, &bounded), CLOCK_SET_BACK);
    refused(&session, used(&session, "kept"), CLOCK_SET_BACK);
    refused(&session, host.sealed(DAY), CLOCK_SET_BACK);
    host.wrong_by(0);
    opened(&session, &bounded).unwrap();
    used(&session, "kept").unwrap();
    assert_eq!(host.mark(), mark);
}

fn in_2099(host: &Host) {
    let bounded = host.sealed(DAY).unwrap();
    host.kept("kept", DAY);
    host.grow_steady();
    let mark = host.mark();
    host.wrong_by(73 * 365 * DAY);
    for _ in 0..2 {
        let session = host.again();
        refused(&session, opened(&session, &bounded), WINDOW_CLOSED);
        refused(&session, used(&session, "kept"), WINDOW_CLOSED);
        // Not even a day of it moves the mark or deletes.
        host.grow_steady();
    }
    assert_eq!(host.mark(), mark);
    let later = host.sealed(DAY).unwrap();
    host.wrong_by(0);
    let session = host.again();
    opened(&session, &bounded).unwrap();
    used(&session, "kept").unwrap();
    opened(&session, &later).unwrap();
    host.sealed(HOUR).unwrap();
    assert_eq!(host.mark(), mark);
}

fn closed(host: &Host) {
    host.kept("kept", HOUR);
    let session = host.session();
    let key = found(&session, "kept").unwrap();
    used(&session, "kept").unwrap();
    host.wrong_by(2 * HOUR);
    for _ in 0..2 {
        let session = host.again();
        refused(&session, used(&session, "kept"), WINDOW_CLOSED);
        let key = found(&session, "kept").unwrap();
        assert_eq!(session.get(key, CKA_LABEL).unwrap(), b"kept");
        assert_eq!(session.get(key, CKA_ZEQ_CLOSES).unwrap().len(), 8);
    }
    host.wrong_by(0);
    let session = host.again();
    used(&session, "kept").unwrap();
    host.wrong_by(2 * HOUR);
    refused(&session, used(&session, "kept"), WINDOW_CLOSED);
    host.grow_steady();
    let session = host.again();
    assert_eq!(found(&session, "kept"), None);
    assert_eq!(store::sql(&host.home, "SELECT count(*) FROM object"), "0");
    assert_eq!(
        store::sql(
            &host.home,
            "SELECT count(*) FROM audit WHERE what = 'object-closed'"
        ),
        "1"
    );
    let said = session.encrypt_init(&Mech::plain(CKM_AES_ECB), key);
    assert_eq!(said.expect_err("a deleted key").0, CKR_KEY_HANDLE_INVALID);
}
