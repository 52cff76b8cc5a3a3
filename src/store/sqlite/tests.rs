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

fn found<'q>(store: &SqliteStore, fill: impl Fn(&mut Query<'q>)) -> Vec<u8> {
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

#[test]
fn a_newer_store_and_what_is_no_store_are_refused() {
    let place = Place::new();
    drop(place.with_token());
    let db = Connection::open(place.path()).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let open = || SqliteStore::open(&place.path()).err();
    assert!(matches!(open(), Some(Error::Newer { found: 99, .. })));
    fs::write(
        place.path(),
        "no database at all, but long enough to be looked at",
    )
    .unwrap();
    assert!(matches!(open(), Some(Error::Damaged(_))), "{:?}", open());
    fs::remove_file(place.path()).unwrap();
    fs::create_dir(place.path()).unwrap();
    assert!(matches!(open(), Some(Error::Damaged(_))));
}

#[test]
fn a_store_that_a_newer_library_took_on_meanwhile_is_written_no_more() {
    let place = Place::new();
    let store = place.with_token();
    let db = Connection::open(place.path()).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    let said = store.set_tries(&SOFT, PinRole::User, 1);
    assert!(
        matches!(said, Err(Error::Newer { found: 99, .. })),
        "{said:?}"
    );
}

#[test]
fn a_store_that_others_may_write_is_refused() {
    let place = Place::new();
    drop(place.with_token());
    let open = || SqliteStore::open(&place.path()).map(drop);
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set(&place.path(), 0o606).unwrap();
    assert!(matches!(open(), Err(Error::Unsafe(_))));
    set(&place.path(), 0o600).unwrap();
    set(place.folder.path(), 0o1777).unwrap();
    assert!(matches!(open(), Err(Error::Unsafe(_))));
    set(place.folder.path(), 0o700).unwrap();
    assert!(open().is_ok());
}

#[test]
fn in_a_shared_folder_the_group_may_write_all_that_is_made() {
    let place = Place::new();
    fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(0o2770)).unwrap();
    let store = place.with_token();
    let _turn = store.login_turn("soft").unwrap();
    for suffix in ["", "-wal", "-shm", "-soft.turn"] {
        assert_eq!(
            mode(&file::beside(&place.path(), suffix)),
            0o660,
            "{suffix}"
        );
    }
}

#[test]
fn the_version_changes_with_each_write_of_anybody_and_with_nothing_else() {
    let place = Place::new();
    let (store, other) = (place.with_token(), place.open());
    let before = store.version().unwrap();
    other.find("soft", &Query::default()).unwrap();
    assert_eq!(store.version().unwrap(), before);
    insert(&other, &[object(1)]);
    let after = store.version().unwrap();
    assert_ne!(after, before);
    insert(&store, &[object(2)]);
    assert_ne!(store.version().unwrap(), after);
}

#[test]
fn a_store_that_was_removed_is_not_written_into_the_void() {
    let place = Place::new();
    let store = place.with_token();
    let version = store.version().unwrap();
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(file::beside(&place.path(), suffix)).unwrap();
    }
    assert!(store.token("soft").unwrap().is_none());
    let said = store.insert(&SOFT, &[object(1)], &entry("a"));
    assert!(matches!(said, Err(Error::Replaced)), "{said:?}");
    store
        .init_token("soft", None, &token(ID), &entry("init"))
        .unwrap();
    assert_ne!(store.version().unwrap(), version);
    assert!(place.open().token("soft").unwrap().is_some());
}

#[test]
fn a_backup_is_a_store_of_its_own_and_never_overwrites() {
    let place = Place::new();
    let store = place.with_token();
    insert(&store, &[object(1)]);
    let to = place.folder.path().join("backup.db");
    store.backup(&to).unwrap();
    assert!(matches!(store.backup(&to), Err(Error::NotWritable(_))));
    assert_eq!(mode(&to), 0o600);
    let copy = SqliteStore::open(&to).unwrap();
    assert_eq!(copy.object("soft", &object(1).id).unwrap(), Some(object(1)));
}

#[test]
fn what_a_pin_change_replaced_is_in_no_file_any_more() {
    let place = Place::new();
    let store = place.with_token();
    let old = pin(0xd7);
    store
        .set_pin(&SOFT, PinRole::User, &old, &[], &entry("pin-set"))
        .unwrap();
    store
        .set_pin(&SOFT, PinRole::User, &pin(2), &[], &entry("pin-set"))
        .unwrap();
    for suffix in ["", "-wal"] {
        let bytes = fs::read(file::beside(&place.path(), suffix)).unwrap();
        let found = bytes.windows(60).any(|part| part == old.sealed_root);
        assert!(!found, "the old box is still in store.db{suffix}");
    }
}

#[test]
fn logins_take_turns_by_token() {
    let place = Place::new();
    let (store, other) = (place.with_token(), place.open());
    let turn = store.login_turn("soft").unwrap();
    drop(other.login_turn("board").unwrap());
    let (done, waiting) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || done.send(other.login_turn("soft").is_ok()).unwrap());
        assert!(waiting.recv_timeout(Duration::from_millis(50)).is_err());
        drop(turn);
        assert!(waiting.recv().unwrap());
    });
}

#[test]
fn the_clock_does_not_wait_for_a_writer_and_readers_do_not_either() {
    let place = Place::new();
    let store = place.with_token();
    let writer = Connection::open(place.path()).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    assert!(matches!(store.raise_mark(5), Err(Error::NotWritable(_))));
    assert!(store.token("soft").unwrap().is_some());
    assert!(start.elapsed() < Duration::from_secs(2));
    writer.execute_batch("ROLLBACK").unwrap();
    store.raise_mark(5).unwrap();
}

/// Each writer has its own store, as processes do.
#[test]
fn of_many_who_change_one_revision_exactly_one_wins() {
    let place = Place::new();
    insert(&place.with_token(), &[object(1)]);
    let (wins, losses) = (AtomicU64::new(0), AtomicU64::new(0));
    let race = || {
        let store = place.open();
        for revision in 2..=21 {
            let row = ObjectRow {
                revision,
                ..object(1)
            };
            loop {
                let now = store.object("soft", &row.id).unwrap().unwrap().revision;
                if now + 1 >= revision {
                    break;
                }
                thread::yield_now();
            }
            match store.update(&SOFT, &row, &entry("object-change")) {
                Ok(()) => wins.fetch_add(1, Ordering::Relaxed),
                Err(Error::Changed) => losses.fetch_add(1, Ordering::Relaxed),
                Err(other) => panic!("{other}"),
            };
        }
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(race);
        }
    });
    assert_eq!((wins.into_inner(), losses.into_inner()), (20, 60));
    let store = place.open();
    assert_eq!(
        store
            .object("soft", &object(1).id)
            .unwrap()
            .unwrap()
            .revision,
        21
    );
    assert_eq!(
        audit::verify(&store.trail(1, 99).unwrap()).unwrap().number,
        22
    );
}

#[test]
fn of_many_who_initialise_at_once_one_wins() {
    let place = Place::new();
    let wins: u32 = thread::scope(|scope| {
        let one = |n: u8| {
            let place = &place;
            scope.spawn(move || {
                let store = place.open();
                match store.init_token("soft", None, &token([n; 16]), &entry("init")) {
                    Ok(()) => 1,
                    Err(Error::Changed) => 0,
                    Err(other) => panic!("{other}"),
                }
            })
        };
        let running: Vec<_> = (0..4).map(one).collect();
        running.into_iter().map(|r| r.join().unwrap()).sum()
    });
    assert_eq!(wins, 1);
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u64),
    Update(u64, u64),
    Delete(u64),
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let step = prop_oneof![
        (0..4u64).prop_map(Step::Insert),
        (0..4u64, 1..5u64).prop_map(|(n, revision)| Step::Update(n, revision)),
        (0..4u64).prop_map(Step::Delete),
    ];
    proptest::collection::vec((any::<bool>(), step), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Two stores over one file answer as one map of revisions would.
    #[test]
    fn compare_and_swap_is_that_of_a_map(steps in steps()) {
        let place = Place::new();
        let stores = [place.with_token(), place.open()];
        let mut model = std::collections::BTreeMap::new();
        for (which, step) in steps {
            let store = &stores[usize::from(which)];
            match step {
                Step::Insert(n) => {
                    let said = store.insert(&SOFT, &[object(n)], &entry("a"));
                    let fine = !model.contains_key(&n);
                    model.entry(n).or_insert(1);
                    prop_assert_eq!(said.is_ok(), fine);
                }
                Step::Update(n, revision) => {
                    let row = ObjectRow { revision, ..object(n) };
                    let said = store.update(&SOFT, &row, &entry("a"));
                    let fine = model.get(&n).is_some_and(|now| now + 1 == revision);
                    if fine { model.insert(n, revision); }
                    prop_assert_eq!(said.is_ok(), fine);
                }
                Step::Delete(n) => {
                    let said = store.delete(&SOFT, &object(n).id, &entry("a"));
                    let fine = model.remove(&n).is_some();
                    prop_assert_eq!(said.is_ok(), fine);
                }
            }

            let found = stores[usize::from(!which)].find("soft", &Query::default()).unwrap();
            let found: std::collections::BTreeMap<u64, u64> = found
                .iter()
                .map(|(id, revision)| (u64::from(id[15]), *revision))
                .collect();
            prop_assert_eq!(&found, &model);
        }
    }
}

/// Runs another test alone in a process: as `nobody`, where root would be.
fn apart(test: &str, as_nobody: bool) {
    let mut run = std::process::Command::new(std::env::current_exe().unwrap());
    let test = format!("store::sqlite::tests::{test}");
    run.args(["--exact", &test, "--ignored", "--test-threads=1"]);
    if as_nobody && crate::os::effective_user() == 0 {
        std::os::unix::process::CommandExt::uid(&mut run, 65_534);
    }
    let run = run.output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn what_may_not_be_written_is_read() {
    apart("as_somebody_without_rights", true);
}

#[test]
#[ignore = "run by what_may_not_be_written_is_read, never as root"]
fn as_somebody_without_rights() {
    let place = Place::new();
    let writer = place.with_token();
    insert(&writer, &[object(1)]);
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let refused = |journal: bool| {
        let store = place.open();
        assert_eq!(file::has_journal(&place.path()), journal);
        assert!(!store.writable());
        assert_eq!(found(&store, |_| {}), [1]);
        assert_ne!(store.version().unwrap(), 0);
        for said in [
            store.insert(&SOFT, &[object(2)], &entry("a")),
            store.set_tries(&SOFT, PinRole::User, 1),
            store.raise_mark(1),
        ] {
            assert!(matches!(said, Err(Error::NotWritable(_))), "{said:?}");
        }
    };
    set(&place.path(), 0o400).unwrap();
    set(place.folder.path(), 0o500).unwrap();
    refused(true);
    set(&place.path(), 0o600).unwrap();
    set(place.folder.path(), 0o700).unwrap();
    drop(writer);
    set(&place.path(), 0o400).unwrap();
    set(place.folder.path(), 0o500).unwrap();
    refused(false);
    assert!(place.open().login_turn("soft").is_err());
    set(place.folder.path(), 0o700).unwrap();
}

/// Alone in a process of its own: a fork beside other tests would inherit their locks.
#[test]
fn a_forked_childs_store_takes_locks_of_its_own() {
    apart("in_a_child_of_a_process_with_an_open_store", false);
}

#[test]
#[ignore = "run by a_forked_childs_store_takes_locks_of_its_own"]
fn in_a_child_of_a_process_with_an_open_store() {
    let place = Place::new();
    let store = place.with_token();
    insert(&store, &[object(1)]);
    let locks = || {
        let process = std::process::id().to_string();
        let inode = fs::metadata(place.path()).unwrap().ino().to_string();
        let locks = fs::read_to_string("/proc/locks").unwrap();
        let ours = |line: &&str| {
            let words: Vec<_> = line.split([' ', ':']).collect();
            words.contains(&process.as_str()) && words.contains(&inode.as_str())
        };
        locks.lines().filter(ours).count()
    };
    assert!(locks() > 0, "the parent holds its file");
    let fine = crate::os::in_child(|| {
        let inherited = locks();
        let own = place.open();
        insert(&own, &[object(2)]);
        inherited == 0 && locks() > 0 && found(&own, |_| {}) == [1, 2]
    });
    assert!(fine);
    insert(&store, &[object(3)]);
    assert_eq!(found(&store, |_| {}), [1, 2, 3]);
}

/// Printed, not asserted: `cargo test --lib measure -- --ignored --nocapture`.
#[test]
#[expect(clippy::print_stdout, reason = "what it is for")]
#[ignore = "a measurement"]
fn measure_searches_among_many() {
    for count in [1_000, 100_000] {
        let place = Place::new();
        let store = place.with_token();
        let rows: Vec<_> = (0..count).map(object).collect();
        insert(&store, &rows);
        let time = |what: &str, work: &dyn Fn()| {
            let start = Instant::now();
            (0..1000).for_each(|_| work());
            println!("{count} objects, {what}: {:?}", start.elapsed() / 1000);
        };
        let (id, label) = ((count / 2).to_be_bytes(), format!("label {}", count / 2));
        time("by id", &|| {
            assert_eq!(found(&store, |q| q.cka_id = Some(&id)).len(), 1)
        });
        time("by label", &|| {
            assert_eq!(found(&store, |q| q.label = Some(label.as_bytes())).len(), 1);
        });
        time("by class and id", &|| {
            let both = |q: &mut Query<'_>| (q.class, q.cka_id) = (Some(4), Some(b"".as_slice()));
            assert_eq!(found(&store, both).len(), 0);
        });
        time("version", &|| assert_ne!(store.version().unwrap(), 0));
        time("object", &|| {
            drop(store.object("soft", &object(5).id).unwrap())
        });
        time("tries", &|| {
            store.set_tries(&SOFT, PinRole::User, 1).unwrap()
        });
        let start = Instant::now();
        (0..100).for_each(|n| insert(&store, &[object(1_000_000 + n)]));
        println!(
            "{count} objects, durable insert: {:?}",
            start.elapsed() / 100
        );
    }
}
