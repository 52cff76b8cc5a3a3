//! Windows, gates and leases of unwrapped keys: opened again from their envelopes each lease, stopped
//! by their close (design.md §5 and 7, rules 31 and 33).
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

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use cryptoki_sys::*;

use support::answer::Answer;
use support::mech::Mech;
use support::module::Module;
use support::process::alone;
use support::session::{Room, Session};
use support::store;
use support::template::{Template, open_aes};
use support::token::{self, Token};
use support::zeq::*;

/// A fresh token whose sibling's table has `more` lines, with its user logged in.
fn user(more: &str, body: impl FnOnce(&Path, &Token, Session<'_>)) {
    alone(|home| {
        token::configure_ours(home, more);
        let token = Token::fresh(Module::ours());
        let session = token.user();
        body(home, &token, session);
    });
}

fn open() -> Template {
    open_aes().bytes(CKA_VALUE, &[0x66; 32])
}

fn found(session: &Session<'_>, label: &str) -> CK_OBJECT_HANDLE {
    session
        .find(Template::default().text(CKA_LABEL, label))
        .unwrap()[0]
}

fn sealed(session: &Session<'_>, window: Params) -> Vec<u8> {
    let key = session.create(open()).unwrap();
    session
        .wrap(&Mech::sealed(window, b""), found(session, "soft"), key)
        .unwrap()
}

fn opened(session: &Session<'_>, sealed: &[u8], template: Template) -> Answer<CK_OBJECT_HANDLE> {
    session.unwrap(&Mech::envelope(), found(session, "soft"), sealed, template)
}

fn kept() -> Template {
    Template::default().yes(CKA_TOKEN).text(CKA_LABEL, "kept")
}

fn used(session: &Session<'_>, key: CK_OBJECT_HANDLE) -> Answer<Vec<u8>> {
    session.encrypt(&Mech::plain(CKM_AES_ECB), key, &[0; 16])
}

fn openings(home: &Path) -> u32 {
    store::sql(
        home,
        "SELECT count(*) FROM audit WHERE what = 'envelope-open'",
    )
    .parse()
    .unwrap()
}

/// Used every second, the token key is sealed anew before its window closes; unused, it is gone.
#[test]
fn a_token_key_in_use_outlives_its_window_and_an_idle_one_does_not() {
    let settings = "token_window = \"8s\"\nlease = \"1s\"";
    user(settings, |home, _, session| {
        let lasting = open().yes(CKA_TOKEN).text(CKA_LABEL, "kept");
        let key = session.create(lasting).unwrap();
        for _ in 0..14 {
            used(&session, key).unwrap();
            sleep(Duration::from_secs(1));
        }
        let renewals = "SELECT count(*) FROM audit WHERE what = 'token-key-renew'";
        assert!(store::sql(home, renewals).parse::<u32>().unwrap() >= 1);
        session.logout().unwrap();
        sleep(Duration::from_secs(10));
        session.login(CKU_USER, token::PIN).unwrap();
        let late = used(&session, found(&session, "kept"));
        assert_eq!(late.unwrap_err().0, CKR_KEY_FUNCTION_NOT_PERMITTED);
    });
}

#[test]
fn keys_work_across_leases_and_are_opened_again_at_each() {
    user("lease = \"1s\"", |home, _, session| {
        let envelope = sealed(&session, Params::default());
        let held = opened(&session, &envelope, Template::default()).unwrap();
        let kept = opened(&session, &envelope, kept()).unwrap();
        let plain = session.create(open().yes(CKA_TOKEN)).unwrap();
        let copy = session.copy(held, Template::default()).unwrap();
        let begun = openings(home);
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(3200) {
            for key in [held, kept, plain, copy] {
                used(&session, key).unwrap();
            }
            sleep(Duration::from_millis(20));
        }
        let again = openings(home) - begun;
        assert!(
            (9..=13).contains(&again),
            "3 keys were opened {again} times in 3 leases"
        );
    });
}

#[test]
fn an_operation_that_runs_when_its_lease_ends_goes_on() {
    user("lease = \"1s\"", |_, _, session| {
        let envelope = sealed(&session, Params::default());
        let key = opened(&session, &envelope, Template::default()).unwrap();
        let whole = session
            .encrypt(&Mech::plain(CKM_AES_ECB), key, &[0; 32])
            .unwrap();
        session
            .encrypt_init(&Mech::plain(CKM_AES_ECB), key)
            .unwrap();
        let (first, _, one) = session.encrypt_update(&[0; 16], Room::Bytes(64));
        first.ok().unwrap();
        sleep(Duration::from_millis(1200));
        let (second, _, two) = session.encrypt_update(&[0; 16], Room::Bytes(64));
        second.ok().unwrap();
        assert_eq!([one, two].concat(), whole);
    });
}

#[test]
fn what_cannot_be_opened_again_works_no_longer_than_its_lease() {
    user("lease = \"1s\"", |home, _, session| {
        let envelope = sealed(&session, Params::default());
        let kept = opened(&session, &envelope, kept()).unwrap();
        used(&session, kept).unwrap();
        let mut bytes = store::column(home, "kept", "sealed");
        let last = bytes.pop().unwrap();
        bytes.push(if last == '0' { '1' } else { '0' });
        store::put(home, "kept", "sealed", &bytes);
        store::sql(home, "UPDATE object SET revision = revision + 1");
        sleep(Duration::from_millis(1200));
        let said = used(&session, kept);
        assert_eq!(said.expect_err("a changed envelope").0, CKR_DEVICE_ERROR);
        assert_ne!(session.reason(), 0);
    });
}

#[test]
fn a_closed_window_stops_keys_within_their_lease() {
    user("lease = \"1h\"", stopped_by_the_close);
}

#[test]
fn a_closed_window_stops_keys_after_their_lease() {
    user("lease = \"1s\"", stopped_by_the_close);
}

fn stopped_by_the_close(home: &Path, _: &Token, session: Session<'_>) {
    let closes = tick() + 3;
    let envelope = sealed(&session, Params::default().closing(closes));
    let held = opened(&session, &envelope, Template::default()).unwrap();
    let kept = opened(&session, &envelope, kept()).unwrap();
    while tick() < closes {
        for key in [held, kept] {
            assert!(used(&session, key).is_ok() || tick() >= closes);
        }
    }
    while tick() <= closes {
        sleep(Duration::from_millis(10));
    }
    for key in [held, kept] {
        assert_eq!(
            used(&session, key).expect_err("closed").0,
            CKR_KEY_FUNCTION_NOT_PERMITTED
        );
        assert_eq!(session.reason(), WINDOW_CLOSED);
        assert!(session.get(key, CKA_LABEL).is_ok());
    }
    let said = opened(&session, &envelope, Template::default());
    assert_eq!(said.expect_err("closed").0, CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert!(store::log(home).contains("the window has closed"));
    assert_eq!(found(&session, "kept"), kept);
}

/// A gate that is half a phase away now.
fn far_gate() -> Params {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let phase = (now.as_nanos() % 777_000_000) / 77_700;
    let low = (phase as u64 + 4000) % 10_000;
    let high = (low + 1999) % 10_000 + 1;
    Params {
        flags: 4 | 8,
        gate_low: low,
        gate_high: high,
        ..Params::default()
    }
}

#[test]
fn an_opening_outside_its_gate_waits_for_it_and_use_does_not() {
    user("", |_, _, session| {
        let envelope = sealed(&session, far_gate());
        let key = opened(&session, &envelope, Template::default()).unwrap();
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(800) {
            used(&session, key).unwrap();
        }
    });
}

#[test]
fn an_opening_outside_its_gate_is_refused_where_the_configuration_says_so() {
    user("gate = \"reject\"", |_, _, session| {
        let outside = |_: &i32| {
            let envelope = sealed(&session, far_gate());
            opened(&session, &envelope, Template::default()).is_err()
        };
        // A busy machine may come late, and find the gate open.
        assert!((0..20).filter(outside).count() >= 1);
        assert_eq!(session.reason(), 7);
    });
}

#[test]
fn a_host_chooses_a_window_by_choosing_a_kek() {
    user(
        "windows = { short = \"2h\", archive = \"never\" }",
        |_, _, session| {
            let key = session.create(open()).unwrap();
            let closes = |with: &str, key| {
                let sealed = session
                    .wrap(&Mech::envelope(), found(&session, with), key)
                    .unwrap();
                let opened = opened(&session, &sealed, Template::default()).unwrap();
                let shown = session.get(opened, CKA_ZEQ_CLOSES).unwrap();
                shown.try_into().ok().map(u64::from_be_bytes)
            };
            let ticks = |hours: u64| tick() + hours * 3_600_000 / 777;
            let near = |found: Option<u64>, wanted: u64| found.unwrap().abs_diff(wanted) < 100;
            assert_eq!(closes("soft", key), None);
            assert_eq!(closes("soft/archive", key), None);
            assert!(near(closes("soft/short", key), ticks(2)));
            let narrow = session.create(open().text(CKA_ZEQ_WINDOW, "1h")).unwrap();
            assert!(near(closes("soft/short", narrow), ticks(1)));
            assert!(near(closes("soft/archive", narrow), ticks(1)));
        },
    );
}

#[test]
fn an_end_date_shortens_a_window_to_the_end_of_its_day() {
    user("", |_, _, session| {
        let dated = session
            .create(open().bytes(CKA_END_DATE, b"20991231"))
            .unwrap();
        let sealed = session
            .wrap(&Mech::envelope(), found(&session, "soft"), dated)
            .unwrap();
        let key = opened(&session, &sealed, Template::default()).unwrap();
        let shown = session.get(key, CKA_ZEQ_CLOSES).unwrap();
        let closes = u64::from_be_bytes(shown.try_into().unwrap());
        // 2100-01-01T00:00:00Z in seconds.
        let midnight = 4_102_444_800_000_u64;
        assert!((closes + 1) * 777 <= midnight + 777 && closes * 777 > midnight - 2000);
        assert_eq!(session.get(key, CKA_END_DATE).unwrap(), b"20991231");
    });
}
