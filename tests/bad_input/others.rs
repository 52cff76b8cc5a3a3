//! What other processes do to the same token meanwhile (rules 11, 19).

use std::thread;
use std::time::Duration;

use cryptoki_sys::*;

use crate::support::mech::Mech;
use crate::support::process::{actor, heard, play, say};
use crate::support::store;
use crate::support::token::{PIN, SO_PIN, Token};
use crate::support::zeq::TOKEN_REPLACED;
use crate::{ecb, found, kept, labelled, open, refused, told, user};

/// A little over the second that an answer of the store is believed.
const DELAY: Duration = Duration::from_millis(1050);

#[test]
fn after_another_process_initialises_the_token_it_is_removed_here() {
    user(|home, token| {
        let session = token.user();
        let kept = session.create(kept("kept")).unwrap();
        let held = session.create(open()).unwrap();
        session.encrypt(&ecb(), held, &[0; 16]).unwrap();
        play(home, "init");
        thread::sleep(DELAY);
        let line = (TOKEN_REPLACED, "the token was initialised again");
        for said in [
            session.encrypt_init(&ecb(), held),
            session.encrypt_init(&ecb(), kept),
            session.digest_init(&Mech::plain(CKM_SHA256)),
            session.find(labelled("kept")).map(drop),
            session.create(crate::kept("more")).map(drop),
            session.get(kept, CKA_LABEL).map(drop),
        ] {
            told(home, &session, said, CKR_DEVICE_REMOVED, line);
        }
        let opened = token.module.session(token.slot, CKF_SERIAL_SESSION);
        assert_eq!(refused(opened.map(|s| s.handle)), CKR_DEVICE_REMOVED);
        finds_the_new_one(&token);
    });
}

/// Without sessions of the old token a process finds the new one.
fn finds_the_new_one(token: &Token) {
    token.module.close_all(token.slot).unwrap();
    let session = token.session();
    assert_eq!(
        refused(session.login(CKU_USER, PIN)),
        CKR_USER_PIN_NOT_INITIALIZED
    );
    session.login(CKU_SO, SO_PIN).unwrap();
    session.init_pin(PIN).unwrap();
    session.logout().unwrap();
    let session = token.user();
    assert!(session.find(labelled("kept")).unwrap().is_empty());
    session.create(kept("more")).unwrap();
}

pub(crate) fn initialises() {
    let token = Token::existing();
    token
        .module
        .init_token(token.slot, SO_PIN, "another")
        .unwrap();
}

#[test]
fn an_object_deleted_elsewhere_is_gone_here_within_a_second() {
    user(|home, token| {
        let session = token.user();
        let key = session.create(kept("key")).unwrap();
        session.encrypt(&ecb(), key, &[0; 16]).unwrap();
        play(home, "destroy key");
        assert!(session.find(labelled("key")).unwrap().is_empty());
        thread::sleep(DELAY);
        assert_eq!(
            refused(session.encrypt_init(&ecb(), key)),
            CKR_KEY_HANDLE_INVALID
        );
        assert_eq!(
            refused(session.get(key, CKA_LABEL)),
            CKR_OBJECT_HANDLE_INVALID
        );
        let two = session.create(kept("two")).unwrap();
        session.get(two, CKA_LABEL).unwrap();
        play(home, "destroy two");
        assert_eq!(
            refused(session.set(two, labelled("three"))),
            CKR_OBJECT_HANDLE_INVALID
        );
        let two = session.create(kept("two")).unwrap();
        play(home, "destroy two");
        assert_eq!(refused(session.destroy(two)), CKR_OBJECT_HANDLE_INVALID);
        assert_eq!(
            refused(session.get(two, CKA_LABEL)),
            CKR_OBJECT_HANDLE_INVALID
        );
    });
}

pub(crate) fn destroys(label: &str) {
    let token = Token::existing();
    let session = token.user();
    session.destroy(found(&session, label)).unwrap();
}

#[test]
fn an_object_changed_elsewhere_is_seen_here_and_can_be_changed_on() {
    user(|home, token| {
        let session = token.user();
        let key = session.create(kept("first")).unwrap();
        play(home, "relabel first second");
        assert_eq!(session.find(labelled("second")).unwrap(), [key]);
        // Before this process looks at it again: the change is made to what the object is now.
        let id = crate::Template::default().text(CKA_ID, "mine");
        session.set(key, id).unwrap();
        assert_eq!(session.get(key, CKA_LABEL).unwrap(), b"second");
        assert_eq!(session.get(key, CKA_ID).unwrap(), b"mine");
        play(home, "relabel second third");
        thread::sleep(DELAY);
        assert_eq!(session.get(key, CKA_LABEL).unwrap(), b"third");
        session.encrypt(&ecb(), key, &[0; 16]).unwrap();
    });
}

pub(crate) fn relabels(label: &str, to: &str) {
    let token = Token::existing();
    let session = token.user();
    session.set(found(&session, label), labelled(to)).unwrap();
}

#[test]
fn many_processes_that_make_objects_at_once_lose_none() {
    const EACH: usize = 20;
    user(|home, token| {
        let session = token.user();
        let started: Vec<_> = (0..8)
            .map(|n| {
                let act = format!("create {n} {EACH}");
                let mut one = actor(home, &act);
                thread::spawn(move || heard(&mut one, &act))
            })
            .collect();
        let made: Vec<String> = started
            .into_iter()
            .flat_map(|one| one.join().unwrap())
            .collect();
        assert_eq!(made.len(), 8 * EACH);
        for label in made {
            let key = found(&session, &label);
            session.encrypt(&ecb(), key, &[0; 16]).unwrap();
        }
        assert_eq!(store::sql(home, "PRAGMA integrity_check"), "ok");
    });
}

pub(crate) fn creates(name: &str, count: usize) {
    let token = Token::existing();
    let session = token.user();
    for n in 0..count {
        let label = format!("{name}-{n}");
        session.create(kept(&label)).unwrap();
        say(&label);
    }
}
