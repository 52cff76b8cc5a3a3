//! The audit trail: exported, verified, and changed from outside.

use rusqlite::Connection;

use crate::command::{DAMAGED, USER, run, with_token};

#[test]
fn a_trail_that_was_changed_is_found_at_the_record() {
    with_token(|home, _| {
        run(&["wrap", "--kek", "soft", USER], b"some secret").good();
        run(&["audit", "verify"], b"").good();
        change(home, "UPDATE audit SET detail = 'nothing' WHERE number = 2");
        let told = run(&["audit", "verify"], b"").failed(DAMAGED);
        assert!(told.contains("record 2"), "{told}");
    });
}

#[test]
fn a_trail_that_was_cut_is_found_by_a_head_that_was_kept() {
    with_token(|home, _| {
        run(&["wrap", "--kek", "soft", USER], b"some secret").good();
        let exported = run(&["audit", "export", "--json"], b"");
        let head: serde_json::Value = serde_json::from_str(&exported.err).unwrap();
        let head = head["head"].as_str().unwrap().to_string();
        let records: Vec<serde_json::Value> = exported
            .good()
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let last = records.last().unwrap();
        assert_eq!(
            head,
            format!("{}:{}", records.len(), last["hash"].as_str().unwrap())
        );
        assert_eq!(last["what"], "envelope-seal");
        assert!((last["r"].as_f64().unwrap() - 1.0).abs() <= 0.001_29);

        // What comes after a head does not disturb it.
        run(&["wrap", "--kek", "soft", USER], b"another").good();
        run(&["audit", "verify", "--head", &head], b"").good();
        change(
            home,
            &format!("DELETE FROM audit WHERE number >= {}", records.len()),
        );
        run(&["audit", "verify"], b"").good();
        run(&["audit", "verify", "--head", &head], b"").failed(DAMAGED);
    });
}

fn change(home: &std::path::Path, sql: &str) {
    let db = Connection::open(home.join("store.db")).unwrap();
    assert!(db.execute(sql, []).unwrap() > 0, "{sql}");
}
