//! `kill -9` at random moments while objects are made, changed and destroyed: nothing that was
//! acknowledged is lost, nothing half-done is seen, the store opens. A hundred kills in the ordinary
//! run, a thousand with `ZEQ_TEST_LONG=1`.
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

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use cryptoki_sys::*;

use support::answer::Answer;
use support::mech::Mech;
use support::module::Module;
use support::process::{alone, role, say, spoken};
use support::session::Session;
use support::template::{Template, of_class, open_aes};
use support::token::{PIN, Token};
use support::{process, store};

/// How many threads of a victim are in the middle of something.
const THREADS: u64 = 3;

/// What is known of one object of the victims.
#[derive(Default, Debug)]
struct Known {
    /// The last acknowledged version; 0: not even its making was.
    version: u64,
    /// A version that was begun and not acknowledged.
    begun: Option<u64>,
    leaving: bool,
    gone: bool,
}

type Ledger = BTreeMap<String, Known>;

#[test]
fn a_killed_process_loses_nothing_acknowledged_and_leaves_nothing_half_done() {
    alone(|home| {
        let kills = if env::var_os("ZEQ_TEST_LONG").is_some() {
            1000
        } else {
            100
        };
        let token = Token::fresh(Module::ours());
        let session = token.user();
        let (mut all, mut acknowledged, mut open) = (Ledger::new(), 0, 0);
        for run in 0..kills {
            let mut ledger = Ledger::new();
            for line in killed(home, run, &session) {
                acknowledged += usize::from(note(&mut ledger, &line));
            }
            open += ledger
                .values()
                .filter(|known| known.begun.is_some() || known.leaving && !known.gone)
                .count();
            ledger.retain(|label, known| settle(&session, label, known));
            all.extend(ledger);
        }
        token.module.finalize().unwrap();
        token.module.initialize().unwrap();
        let session = token.user();
        assert!(
            all.iter_mut()
                .all(|(label, known)| settle(&session, label, known))
        );
        let rows = store::sql(home, "PRAGMA integrity_check; SELECT count(*) FROM object");
        assert_eq!(rows, format!("ok\n{}", all.len()));
        println!(
            "{kills} kills, {acknowledged} operations acknowledged, {open} under way, {} objects left",
            all.len()
        );
        assert!(acknowledged > kills as usize && open > 0);
    });
}

/// Starts a victim, kills it at a random moment after its first operation may begin, and gives
/// everything that it said.
fn killed(home: &Path, run: u64, session: &Session<'_>) -> Vec<String> {
    let mut victim = process::actor(home, &format!("work {run}"));
    let mut victim = victim.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let ready = |line: &String| spoken(line) == Some("ready");
    assert!(
        lines.by_ref().map(Result::unwrap).any(|line| ready(&line)),
        "the victim of run {run}"
    );
    let random = session.random(2).unwrap();
    let pause = u64::from(u16::from_ne_bytes([random[0], random[1]]));
    thread::sleep(Duration::from_micros(pause));
    victim.kill().unwrap();
    let ended = victim.wait().unwrap();
    assert_eq!(
        ended.signal(),
        Some(9),
        "the victim of run {run} ended by itself"
    );
    lines
        .map(Result::unwrap)
        .filter_map(|line| spoken(&line).map(str::to_owned))
        .collect()
}

/// Notes what a victim said; whether it acknowledged something.
fn note(ledger: &mut Ledger, line: &str) -> bool {
    let [what, label, version] = line.split(' ').collect::<Vec<_>>()[..] else {
        return false; // cut by the kill
    };
    let known = ledger.entry(label.to_owned()).or_default();
    match what {
        "begin" => known.begun = Some(version.parse().unwrap()),
        "done" => (known.version, known.begun) = (version.parse().unwrap(), None),
        "leave" => known.leaving = true,
        "left" => known.gone = true,
        _ => panic!("{line}"),
    }
    matches!(what, "done" | "left")
}

/// Holds an object against what is known of it; whether it is there. What was under way is then known.
fn settle(session: &Session<'_>, label: &str, known: &mut Known) -> bool {
    let found = session
        .find(Template::default().text(CKA_LABEL, label))
        .unwrap();
    assert!(found.len() <= 1, "{label} is there {} times", found.len());
    let Some(object) = found.first() else {
        let never = known.version == 0;
        assert!(never || known.leaving, "{label} is lost: {known:?}");
        return false;
    };
    assert!(!known.gone, "{label} is there again");
    let version = version(session, label, *object);
    let fits = version == known.version || Some(version) == known.begun;
    assert!(
        version > 0 && fits,
        "{label} is of version {version}: {known:?}"
    );
    *known = Known {
        version,
        ..Known::default()
    };
    true
}

/// Reads an object whole: every part of it must be of one version.
fn version(session: &Session<'_>, label: &str, object: CK_OBJECT_HANDLE) -> u64 {
    if session.get_number(object, CKA_CLASS).unwrap() == CKO_DATA {
        let version = session.get(object, CKA_APPLICATION).unwrap();
        let version = u64::from_be_bytes(version.try_into().unwrap());
        assert_eq!(
            session.get(object, CKA_VALUE).unwrap(),
            text(label, version)
        );
        return version;
    }
    let how = Mech::plain(CKM_AES_ECB);
    let opened = session
        .decrypt(&how, object, &sealed(session, label))
        .unwrap();
    assert_eq!(opened, [7; 16]);
    let version = session.get(object, CKA_ID).unwrap();
    u64::from_be_bytes(version.try_into().unwrap())
}

fn text(label: &str, version: u64) -> Vec<u8> {
    format!("{label} {version} ").repeat(20).into_bytes()
}

fn value(label: &str) -> [u8; 32] {
    let mut value = [0x55; 32];
    value[..label.len()].copy_from_slice(label.as_bytes());
    value
}

/// What the label's key makes of a known block, by a copy of the key.
fn sealed(session: &Session<'_>, label: &str) -> Vec<u8> {
    let key = session
        .create(open_aes().bytes(CKA_VALUE, &value(label)))
        .unwrap();
    let sealed = session
        .encrypt(&Mech::plain(CKM_AES_ECB), key, &[7; 16])
        .unwrap();
    session.destroy(key).unwrap();
    sealed
}

/// The victim, when [`killed`] starts it.
#[test]
fn actor() {
    let Some((act, _)) = role() else { return };
    let run: u64 = act.strip_prefix("work ").unwrap().parse().unwrap();
    let token = Token::existing();
    token.session().login(CKU_USER, PIN).unwrap();
    say("ready");
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let token = &token;
            scope.spawn(move || work(&token.session(), &format!("{run}-{thread}")));
        }
    });
}

/// Makes, changes and destroys until it is killed.
fn work(session: &Session<'_>, name: &str) {
    for n in 0_u64.. {
        let label = format!("{name}-{n}");
        let object = step(&label, 1, || session.create(made(&label, n)));
        for version in 2..4 {
            step(&label, version, || {
                session.set(object, changed(&label, n, version))
            });
        }
        if n % 3 > 0 {
            say(&format!("leave {label} 0"));
            session.destroy(object).unwrap();
            say(&format!("left {label} 0"));
        }
    }
}

fn step<T>(label: &str, version: u64, work: impl FnOnce() -> Answer<T>) -> T {
    say(&format!("begin {label} {version}"));
    let done = work().unwrap();
    say(&format!("done {label} {version}"));
    done
}

/// A private data object or a key, by turns.
fn made(label: &str, n: u64) -> Template {
    let kept = match n % 2 {
        0 => of_class(CKO_DATA)
            .yes(CKA_PRIVATE)
            .bytes(CKA_VALUE, &text(label, 1)),
        _ => open_aes().bytes(CKA_VALUE, &value(label)),
    };
    kept.yes(CKA_TOKEN)
        .text(CKA_LABEL, label)
        .bytes(numbered(n), &1_u64.to_be_bytes())
}

fn changed(label: &str, n: u64, version: u64) -> Template {
    let changes = Template::default().bytes(numbered(n), &version.to_be_bytes());
    match n % 2 {
        0 => changes.bytes(CKA_VALUE, &text(label, version)),
        _ => changes,
    }
}

/// Where an object's version stands.
fn numbered(n: u64) -> CK_ATTRIBUTE_TYPE {
    match n % 2 {
        0 => CKA_APPLICATION,
        _ => CKA_ID,
    }
}
