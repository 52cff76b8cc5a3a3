//! Rows, guards, races, files.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::store::Columns;

const ID: TokenId = [7; 16];
const SOFT: Guard<'static> = Guard {
    name: "soft",
    id: ID,
    generation: 1,
};

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path()).unwrap()
    }

    /// With the token `soft`.
    fn with_token(&self) -> SqliteStore {
        let store = self.open();
        store
            .init_token("soft", None, &token(ID), &entry("init"))
            .unwrap();
        store
    }
}

fn entry(what: &str) -> Entry<'_> {
    Entry {
        unix_ns: 1_700_000_000_000_000_000,
        token: "soft",
        what,
        detail: "x".into(),
    }
}

fn pin(salt: u8) -> PinRecord {
    PinRecord {
        head: vec![salt; 40],
        check: vec![salt; 32],
        sealed_root: vec![salt; 60],
    }
}

fn token(id: TokenId) -> TokenRow {
    TokenRow {
        id,
        label: "Soft".into(),
        so: Some(pin(1)),
        user: None,
        so_tries: 0,
        user_tries: 0,
        generation: 1,
        token_key: b"an envelope".to_vec(),
    }
}

fn object(n: u64) -> ObjectRow {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&n.to_be_bytes());
    ObjectRow {
        id,
        revision: 1,
        attributes: format!("attributes of {n}").into_bytes(),
        sealed: Some(vec![9; 48]),
        trusted: None,
        columns: Columns {
            class: 4,
            label: Some(format!("label {n}").into_bytes()),
            cka_id: Some(n.to_be_bytes().to_vec()),
            subject: None,
            closes: None,
        },
    }
}

fn insert(store: &SqliteStore, rows: &[ObjectRow]) {
    store.insert(&SOFT, rows, &entry("object-create")).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_store_that_is_not_there_reads_as_empty_and_is_made_by_the_first_write() {
    let place = Place::new();
    let path = place.folder.path().join("new/folder/store.db");
    let store = SqliteStore::open(&path).unwrap();
    assert!(store.token("soft").unwrap().is_none());
    assert_eq!(store.version().unwrap(), 0);
    assert!(store.find("soft", &Query::default()).unwrap().is_empty());
    assert!(store.writable() && !path.exists());
    store
        .init_token("soft", None, &token(ID), &entry("init"))
        .unwrap();
    assert_eq!(store.token("soft").unwrap().unwrap().label, "Soft");
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    assert_eq!(mode(&file::beside(&path, "-wal")), 0o600);
    assert_ne!(store.version().unwrap(), 0);
}

#[test]
fn a_token_row_is_given_back_as_it_was() {
    let place = Place::new();
    let store = place.with_token();
    let mut written = token([8; 16]);
    written.user = Some(pin(3));
    (written.so_tries, written.user_tries, written.generation) = (4, 5, 6);
    store
        .init_token("soft", Some(ID), &written, &entry("init"))
        .unwrap();
    let read = place.open().token("soft").unwrap().unwrap();
    assert_eq!(format!("{read:?}"), format!("{written:?}"));
}

#[test]
fn initialising_needs_the_token_that_was_read_and_clears_what_it_held() {
    let place = Place::new();
    let store = place.with_token();
    insert(&store, &[object(1)]);
    for found in [None, Some([1; 16])] {
        let said = store.init_token("soft", found, &token([8; 16]), &entry("init"));
        assert!(matches!(said, Err(Error::Changed)));
    }
    assert_eq!(store.find("soft", &Query::default()).unwrap().len(), 1);
    store
        .init_token("soft", Some(ID), &token([8; 16]), &entry("init"))
        .unwrap();
    assert!(store.find("soft", &Query::default()).unwrap().is_empty());
    assert!(store.object("soft", &object(1).id).unwrap().is_none());
}

#[test]
fn tokens_do_not_see_each_others_objects() {
    let place = Place::new();
    let store = place.with_token();
    store
        .init_token("board", None, &token([8; 16]), &entry("init"))
        .unwrap();
    insert(&store, &[object(1)]);
    assert!(store.object("board", &object(1).id).unwrap().is_none());
    assert!(store.find("board", &Query::default()).unwrap().is_empty());
    let board = Guard {
        name: "board",
        id: [8; 16],
        generation: 1,
    };
    store
        .insert(&board, &[object(1)], &entry("object-create"))
        .unwrap();
    store
        .delete(&SOFT, &object(1).id, &entry("object-destroy"))
        .unwrap();
    assert_eq!(
        store.object("board", &object(1).id).unwrap(),
        Some(object(1))
    );
}

#[test]
fn every_write_of_a_replaced_token_is_refused_and_writes_nothing() {
    let place = Place::new();
    let store = place.with_token();
    insert(&store, &[object(1)]);
    let before = store.trail(1, 99).unwrap().len();
    for stale in [
        Guard {
            id: [0; 16],
            ..SOFT
        },
        Guard {
            generation: 2,
            ..SOFT
        },
        Guard {
            name: "other",
            ..SOFT
        },
    ] {
        let mut second = object(1);
        second.revision = 2;
        let said = [
            store.insert(&stale, &[object(2)], &entry("a")),
            store.update(&stale, &second, &entry("a")),
            store.delete(&stale, &object(1).id, &entry("a")),
            store.set_tries(&stale, PinRole::User, 3),
            store.set_pin(&stale, PinRole::So, &pin(2), &[], &entry("a")),
            store.swap_token_key(&stale, b"an envelope", b"new", &entry("a")),
        ];
        assert!(
            said.iter().all(|s| matches!(s, Err(Error::Replaced))),
            "{said:?}"
        );
    }
    assert_eq!(
        store.object("soft", &object(1).id).unwrap(),
        Some(object(1))
    );
    assert_eq!(store.trail(1, 99).unwrap().len(), before);
}

#[test]
fn an_object_is_given_back_as_it_was_and_replaced_from_its_last_revision_only() {
    let place = Place::new();
    let store = place.with_token();
    let mut row = object(1);
    row.trusted = Some(vec![1; 32]);
    (row.columns.class, row.columns.subject) = (u64::MAX, Some(Vec::new()));
    row.columns.closes = Some(2_187_902_187);
    insert(&store, &[row.clone()]);
    assert_eq!(store.object("soft", &row.id).unwrap(), Some(row.clone()));
    row.revision = 3;
    let said = store.update(&SOFT, &row, &entry("object-change"));
    assert!(matches!(said, Err(Error::Changed)));
    (row.revision, row.sealed, row.columns.closes) = (2, None, None);
    store.update(&SOFT, &row, &entry("object-change")).unwrap();
    assert_eq!(store.object("soft", &row.id).unwrap(), Some(row.clone()));
    store
        .delete(&SOFT, &row.id, &entry("object-destroy"))
        .unwrap();
    for said in [
        store.delete(&SOFT, &row.id, &entry("object-destroy")),
        store.update(&SOFT, &row, &entry("object-change")),
    ] {
        assert!(matches!(said, Err(Error::Missing)));
    }
}

#[test]
fn objects_are_inserted_all_or_none() {
    let place = Place::new();
    let store = place.with_token();
    let said = store.insert(&SOFT, &[object(1), object(2), object(1)], &entry("a"));
    assert!(matches!(said, Err(Error::Changed)), "{said:?}");
    assert!(store.find("soft", &Query::default()).unwrap().is_empty());
}

/// 5, 3, 9, 1: 3 has another class, 9 the label of 5, 1 an empty id and a subject.
fn four() -> (Place, SqliteStore) {
    let place = Place::new();
    let store = place.with_token();
    let mut rows: Vec<_> = [5, 3, 9, 1].map(object).into();
    rows[1].columns.class = 2;
    rows[2].columns.label = rows[0].columns.label.clone();
    rows[3].columns.cka_id = Some(Vec::new());
    rows[3].columns.subject = Some(b"CN=x".to_vec());
    insert(&store, &rows);
    (place, store)
}

fn found(store: &SqliteStore, fill: impl Fn(&mut Query<'_>)) -> Vec<u8> {
    let mut query = Query::default();
    fill(&mut query);
    let found = store.find("soft", &query).unwrap();
    found.iter().map(|(id, _)| id[15]).collect()
}

#[test]
fn a_search_finds_what_matches_in_order_of_creation() {
    let (_place, store) = four();
    assert_eq!(found(&store, |_| {}), [5, 3, 9, 1]);
    assert_eq!(found(&store, |q| q.class = Some(4)), [5, 9, 1]);
    assert_eq!(found(&store, |q| q.label = Some(b"label 5")), [5, 9]);
    assert_eq!(found(&store, |q| q.cka_id = Some(b"")), [1]);
    assert_eq!(found(&store, |q| q.subject = Some(b"CN=x")), [1]);
    assert_eq!(found(&store, |q| q.subject = Some(b"")), [0; 0]);
}

#[test]
fn a_search_that_names_more_finds_what_has_all_of_it() {
    let (_place, store) = four();
    let nine = |q: &mut Query<'_>| {
        q.label = Some(b"label 5");
        q.cka_id = Some(&[0, 0, 0, 0, 0, 0, 0, 9]);
    };
    assert_eq!(found(&store, nine), [9]);
    let none = |q: &mut Query<'_>| {
        nine(q);
        q.class = Some(2);
    };
    assert_eq!(found(&store, none), [0; 0]);
}

#[test]
fn what_has_closed_is_found_by_its_tick() {
    let place = Place::new();
    let store = place.with_token();
    let closing = |n, closes| {
        let mut row = object(n);
        row.columns.closes = closes;
        row
    };
    let closes = [None, Some(10), Some(11), Some(5), Some(u64::MAX)];
    let rows: Vec<_> = (1..).zip(closes).map(|(n, c)| closing(n, c)).collect();
    insert(&store, &rows);
    let closed = store.closed("soft", 11).unwrap();
    assert_eq!(closed.iter().map(|id| id[15]).collect::<Vec<_>>(), [4, 2]);
}

#[test]
fn a_pin_is_replaced_only_while_the_salts_are_those_that_were_read() {
    let place = Place::new();
    let store = place.with_token();
    store.set_tries(&SOFT, PinRole::User, 7).unwrap();
    store.set_tries(&SOFT, PinRole::So, 2).unwrap();
    let so = pin(1);
    let set = |role, record: &PinRecord, still: &[(PinRole, &[u8])]| {
        store.set_pin(&SOFT, role, record, still, &entry("pin-set"))
    };
    set(PinRole::User, &pin(2), &[(PinRole::So, &so.head)]).unwrap();
    let row = store.token("soft").unwrap().unwrap();
    assert_eq!(
        (row.user, row.user_tries, row.so_tries),
        (Some(pin(2)), 0, 2)
    );
    let stale = [(PinRole::User, so.head.as_slice())];
    assert!(matches!(
        set(PinRole::User, &pin(3), &stale),
        Err(Error::Changed)
    ));
    assert_eq!(store.token("soft").unwrap().unwrap().user, Some(pin(2)));
}

#[test]
fn a_token_key_is_swapped_only_for_the_one_that_was_read() {
    let place = Place::new();
    let store = place.with_token();
    store
        .swap_token_key(&SOFT, b"an envelope", b"another", &entry("renew"))
        .unwrap();
    let again = store.swap_token_key(&SOFT, b"an envelope", b"a third", &entry("renew"));
    assert!(matches!(again, Err(Error::Changed)));
    assert_eq!(store.token("soft").unwrap().unwrap().token_key, b"another");
}

#[test]
fn the_mark_goes_up_and_only_accepting_the_clock_takes_it_down() {
    let place = Place::new();
    let store = place.open();
    let base = Base {
        off: 1,
        floor: 2,
        since: 3,
        last: 4,
        jumped: true,
    };
    assert_eq!(store.clock(&[1; 16]).unwrap(), ClockRow::default());
    store.set_base(&[1; 16], &base).unwrap();
    store.raise_mark(50).unwrap();
    store.raise_mark(40).unwrap();
    let row = ClockRow {
        base: Some(base),
        mark: Some(50),
    };
    assert_eq!(store.clock(&[1; 16]).unwrap(), row);
    assert_eq!(
        store.clock(&[2; 16]).unwrap(),
        ClockRow { base: None, ..row }
    );
    let right = Base {
        jumped: false,
        ..base
    };
    store
        .accept_clock(&[1; 16], &right, 30, &entry("clock-accept"))
        .unwrap();
    let row = ClockRow {
        base: Some(right),
        mark: Some(30),
    };
    assert_eq!(store.clock(&[1; 16]).unwrap(), row);
}

#[test]
fn each_change_leaves_one_record_and_the_chain_holds() {
    let place = Place::new();
    let store = place.with_token();
    insert(&store, &[object(1), object(2)]);
    store
        .delete(&SOFT, &object(1).id, &entry("object-destroy"))
        .unwrap();
    store.audit(&entry("envelope-open")).unwrap();
    let trail = store.trail(1, 99).unwrap();
    let what: Vec<_> = trail.iter().map(|record| record.what.as_str()).collect();
    assert_eq!(
        what,
        ["init", "object-create", "object-destroy", "envelope-open"]
    );
    assert_eq!(audit::verify(&trail).unwrap().number, 4);
    assert_eq!(store.trail(2, 1).unwrap(), trail[1..2]);
}

#[test]
fn an_edited_record_breaks_the_chain_where_it_is() {
    let place = Place::new();
    let store = place.with_token();
    for _ in 0..5 {
        store.audit(&entry("envelope-open")).unwrap();
    }
    let db = Connection::open(place.path()).unwrap();
    db.execute("UPDATE audit SET detail = 'y' WHERE number = 3", [])
        .unwrap();
    assert_eq!(audit::verify(&store.trail(1, 99).unwrap()), Err(3));
}
