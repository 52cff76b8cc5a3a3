//! A store that somebody edited: what was turned over, moved or put back is found when it is opened,
//! and refused (design.md §10, formats.md §4.7).

use std::path::Path;

use cryptoki_sys::*;

use crate::support::mech::Mech;
use crate::support::session::Session;
use crate::support::store;
use crate::support::template::{Template, of_class, secret};
use crate::support::token::{PIN, Token};
use crate::support::zeq::*;
use crate::{again, ecb, found, kek, kept, labelled, open, refused, told, user};

const DAMAGED: (CK_ULONG, &str) = (STORE_DAMAGED, "a row of the store was changed from outside");

/// The row is refused where its secret is needed, and is then no more there.
fn is_refused(home: &Path, session: &Session<'_>, label: &str) {
    let key = found(session, label);
    told(
        home,
        session,
        session.encrypt_init(&ecb(), key),
        CKR_DEVICE_ERROR,
        DAMAGED,
    );
    assert!(
        session.find(labelled(label)).unwrap().is_empty(),
        "{label} is still listed"
    );
}

/// What an edit does to a key of the token, seen by a new process.
fn edited(template: Template, edit: impl FnOnce(&Path)) {
    user(|home, token| {
        let session = token.user();
        session
            .create(template.yes(CKA_TOKEN).text(CKA_LABEL, "one"))
            .unwrap();
        session.create(kept("two")).unwrap();
        edit(home);
        let session = again(&token);
        is_refused(home, &session, "one");
        let two = found(&session, "two");
        session.encrypt(&ecb(), two, &[0; 16]).unwrap();
    });
}

fn guarded() -> Template {
    open()
        .without(CKA_SENSITIVE)
        .without(CKA_EXTRACTABLE)
        .yes(CKA_SENSITIVE)
        .no(CKA_EXTRACTABLE)
}

#[test]
fn extractable_turned_on_is_found() {
    edited(guarded(), |home| {
        store::turn(home, "one", CKA_EXTRACTABLE, true)
    });
}

#[test]
fn sensitive_turned_off_is_found_before_the_value_is_shown() {
    user(|home, token| {
        let session = token.user();
        session
            .create(guarded().yes(CKA_TOKEN).text(CKA_LABEL, "one"))
            .unwrap();
        store::turn(home, "one", CKA_SENSITIVE, false);
        store::turn(home, "one", CKA_EXTRACTABLE, true);
        let session = again(&token);
        let one = found(&session, "one");
        assert_eq!(refused(session.get(one, CKA_VALUE)), CKR_DEVICE_ERROR);
        assert_eq!(session.reason(), STORE_DAMAGED);
    });
}

#[test]
fn a_usage_turned_on_is_found() {
    edited(open().without(CKA_WRAP).no(CKA_WRAP), |home| {
        store::turn(home, "one", CKA_WRAP, true)
    });
}

#[test]
fn an_older_sealed_value_under_a_newer_revision_is_found() {
    user(|home, token| {
        let session = token.user();
        let key = session.create(kept("old")).unwrap();
        let sealed = store::column(home, "old", "sealed");
        session.set(key, labelled("new")).unwrap();
        store::put(home, "new", "sealed", &sealed);
        is_refused(home, &again(&token), "new");
    });
}

#[test]
fn an_older_state_under_a_newer_revision_is_found() {
    user(|home, token| {
        let session = token.user();
        let key = session
            .create(
                kept("key")
                    .yes(CKA_SENSITIVE)
                    .without(CKA_SENSITIVE)
                    .no(CKA_SENSITIVE),
            )
            .unwrap();
        let [attributes, sealed] =
            ["attributes", "sealed"].map(|name| store::column(home, "key", name));
        session
            .set(key, Template::default().yes(CKA_SENSITIVE))
            .unwrap();
        store::put(home, "key", "attributes", &attributes);
        store::put(home, "key", "sealed", &sealed);
        is_refused(home, &again(&token), "key");
    });
}

#[test]
fn a_label_moved_to_another_key_is_found() {
    user(|home, token| {
        let session = token.user();
        session.create(kept("one")).unwrap();
        session.create(kept("two")).unwrap();
        let hex = |text: &str| text.bytes().map(|b| format!("{b:02X}")).collect::<String>();
        let attributes = store::column(home, "one", "attributes");
        let moved = attributes.replace(&hex("one"), &hex("two"));
        store::sql(home, "DELETE FROM object WHERE label = CAST('two' AS BLOB)");
        store::put(home, "one", "attributes", &moved);
        store::sql(home, "UPDATE object SET label = CAST('two' AS BLOB)");
        is_refused(home, &again(&token), "two");
    });
}

#[test]
fn a_column_that_says_something_else_than_its_row_is_found() {
    user(|home, token| {
        let session = token.user();
        session.create(kept("one")).unwrap();
        session.create(kept("two")).unwrap();
        store::sql(home, "UPDATE object SET label = CAST('two' AS BLOB)");
        let session = again(&token);
        let both = session.find(labelled("two")).unwrap();
        let answers: Vec<_> = both
            .iter()
            .map(|key| session.encrypt_init(&ecb(), *key).is_ok())
            .collect();
        assert_eq!(
            answers.iter().filter(|fine| **fine).count(),
            1,
            "{answers:?}"
        );
        assert_eq!(session.find(labelled("two")).unwrap().len(), 1);
        assert!(store::log(home).contains(DAMAGED.1));
    });
}

#[test]
fn a_value_of_one_key_in_the_row_of_another_is_found() {
    edited(open(), |home| {
        let sealed = store::column(home, "two", "sealed");
        store::put(home, "one", "sealed", &sealed);
    });
}

#[test]
fn a_sealed_value_taken_away_is_found() {
    user(|home, token| {
        let session = token.user();
        session.create(kept("key")).unwrap();
        let secret = of_class(CKO_DATA)
            .yes(CKA_TOKEN)
            .yes(CKA_PRIVATE)
            .bytes(CKA_VALUE, b"mine");
        session.create(secret.text(CKA_LABEL, "data")).unwrap();
        store::sql(home, "UPDATE object SET sealed = NULL");
        let session = again(&token);
        let key = session.find(labelled("key")).unwrap();
        for key in key {
            assert_eq!(refused(session.encrypt_init(&ecb(), key)), CKR_DEVICE_ERROR);
        }
        for data in session.find(labelled("data")).unwrap() {
            assert_eq!(refused(session.get(data, CKA_VALUE)), CKR_DEVICE_ERROR);
        }
        assert!(store::log(home).contains(DAMAGED.1));
    });
}

/// An unwrapped token object whose row was edited: its envelope still says what it may.
fn unwrapped(home: &Path, token: &Token, edit: impl FnOnce(&Path, u64)) {
    let session = token.user();
    let key = secret(CKK_AES)
        .bytes(CKA_VALUE, &[3; 32])
        .yes(CKA_SENSITIVE)
        .yes(CKA_EXTRACTABLE)
        .yes(CKA_ENCRYPT)
        .no(CKA_DECRYPT);
    let key = session.create(key).unwrap();
    let closes = tick() + 100_000;
    let how = Mech::sealed(Params::default().closing(closes), b"");
    let sealed = session.wrap(&how, kek(&session), key).unwrap();
    let template = Template::default().yes(CKA_TOKEN).text(CKA_LABEL, "one");
    session
        .unwrap(&Mech::envelope(), kek(&session), &sealed, template)
        .unwrap();
    edit(home, closes);
}

#[test]
fn an_unwrapped_keys_loosened_row_gives_neither_value_nor_use() {
    user(|home, token| {
        unwrapped(home, &token, |home, _| {
            store::turn(home, "one", CKA_SENSITIVE, false)
        });
        let session = again(&token);
        let one = found(&session, "one");
        told(
            home,
            &session,
            session.get(one, CKA_VALUE),
            CKR_DEVICE_ERROR,
            DAMAGED,
        );
        assert!(session.find(labelled("one")).unwrap().is_empty());
    });
}

fn for_each_edit(edit: impl FnOnce(&Path, u64)) {
    user(|home, token| {
        unwrapped(home, &token, edit);
        is_refused(home, &again(&token), "one");
    });
}

#[test]
fn an_unwrapped_keys_usage_turned_on_is_found() {
    for_each_edit(|home, _| store::turn(home, "one", CKA_DECRYPT, true));
}

#[test]
fn a_window_made_wider_in_the_row_is_found() {
    for_each_edit(|home, closes| {
        let hex = |tick: u64| format!("{tick:016X}");
        let attributes = store::column(home, "one", "attributes");
        let wider = attributes.replace(&hex(closes), &hex(closes + 1000));
        assert_ne!(attributes, wider);
        store::put(home, "one", "attributes", &wider);
        store::sql(
            home,
            &format!("UPDATE object SET closes = {}", closes + 1000),
        );
    });
}

#[test]
fn a_row_whose_envelope_is_another_is_found() {
    user(|home, token| {
        unwrapped(home, &token, |_, _| ());
        let envelope = store::column(home, "one", "sealed");
        store::sql(home, "UPDATE object SET label = CAST('old' AS BLOB)");
        let [one, old] =
            ["one", "old"].map(|text| text.bytes().map(|b| format!("{b:02X}")).collect::<String>());
        let attributes = store::column(home, "old", "attributes").replace(&one, &old);
        store::put(home, "old", "attributes", &attributes);
        unwrapped(home, &token, |_, _| ());
        store::put(home, "one", "sealed", &envelope);
        is_refused(home, &again(&token), "one");
    });
}

#[test]
fn a_damaged_pin_record_is_damage_and_costs_no_try() {
    user(|home, token| {
        store::sql(
            home,
            "UPDATE token SET user_box = zeroblob(length(user_box))",
        );
        token.module.finalize().unwrap();
        token.module.initialize().unwrap();
        let session = token.session();
        for _ in 0..12 {
            told(
                home,
                &session,
                session.login(CKU_USER, PIN),
                CKR_DEVICE_ERROR,
                DAMAGED,
            );
        }
        assert_eq!(store::sql(home, "SELECT user_tries FROM token"), "0");
        assert_eq!(
            refused(session.login(CKU_USER, "not it")),
            CKR_PIN_INCORRECT
        );
    });
}

#[test]
fn a_damaged_token_key_is_damage_and_opens_nothing() {
    user(|home, token| {
        token.user().create(kept("one")).unwrap();
        let key = store::sql(home, "SELECT hex(token_key) FROM token");
        let (front, last) = key.split_at(key.len() - 2);
        let other = u8::from_str_radix(last, 16).unwrap() ^ 1;
        store::sql(
            home,
            &format!("UPDATE token SET token_key = X'{front}{other:02X}'"),
        );
        let session = again(&token);
        let one = found(&session, "one");
        assert_eq!(refused(session.encrypt_init(&ecb(), one)), CKR_DEVICE_ERROR);
        assert_ne!(session.reason(), 0);
        store::sql(home, &format!("UPDATE token SET token_key = X'{key}'"));
        let session = again(&token);
        session
            .encrypt(&ecb(), found(&session, "one"), &[0; 16])
            .unwrap();
    });
}

#[test]
fn a_newer_store_is_refused_in_words() {
    user(|home, token| {
        token.module.finalize().unwrap();
        store::sql(home, "PRAGMA user_version = 99");
        assert_eq!(refused(token.module.initialize()), CKR_DEVICE_ERROR);
        assert!(store::log(home).contains("the store has schema 99"));
        store::sql(home, "PRAGMA user_version = 1");
        token.module.initialize().unwrap();
        token.user();
    });
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    user(|home, token| {
        token.module.finalize().unwrap();
        let store = home.join("store.db");
        for beside in ["store.db-wal", "store.db-shm"] {
            drop(std::fs::remove_file(home.join(beside)));
        }
        std::fs::write(&store, "these are somebody's notes, and no store").unwrap();
        assert_eq!(refused(token.module.initialize()), CKR_DEVICE_ERROR);
        assert!(store::log(home).contains("store damaged"));
        assert!(
            std::fs::read_to_string(&store)
                .unwrap()
                .starts_with("these are")
        );
    });
}
