//! What is wrapped is unwrapped: all of it, and nothing else on standard output.

use std::fs;
use std::os::unix::fs::MetadataExt;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::command::{DAMAGED, NOT_PERMITTED, USAGE, USER, run, with_token};

fn wrap(more: &[&str], bytes: &[u8]) -> Vec<u8> {
    run(&[&["wrap", "--kek", "soft", USER], more].concat(), bytes).good()
}

#[test]
fn bytes_of_any_length_come_back_and_only_with_their_context() {
    with_token(|_, _| {
        let mut runner = TestRunner::new(Config::with_cases(8));
        let cases = (
            prop::collection::vec(any::<u8>(), 0..65_536),
            "[a-zé ]{0,12}",
        );
        let property = |(bytes, context): (Vec<u8>, String)| {
            let envelope = wrap(&["--context", &context], &bytes);
            let unwrap = ["unwrap", USER, "--context"];
            let back = run(&[&unwrap[..], &[&context]].concat(), &envelope).good();
            prop_assert!(back == bytes);
            let other = format!("{context}x");
            let refused = run(&[&unwrap[..], &[&other]].concat(), &envelope);
            prop_assert_eq!(refused.code, Some(DAMAGED));
            prop_assert_eq!(refused.out, b"");
            Ok(())
        };
        runner.run(&cases, property).unwrap();
        for len in [0, 1, 4096, 65_536] {
            let bytes = vec![0x5a; len];
            assert_eq!(run(&["unwrap", USER], &wrap(&[], &bytes)).good(), bytes);
        }
    });
}

#[test]
fn inspect_says_what_was_asked_for() {
    with_token(|home, _| {
        let (file, name) = (home.join("envelope"), "envelope of 32 bytes");
        let out = file.to_str().unwrap();
        let made = run(
            &[
                "wrap",
                "--kek",
                "soft",
                USER,
                "--window",
                "30d",
                "--gate",
                "slot",
                "--context",
                name,
                "--out",
                out,
                "--json",
            ],
            &[7; 32],
        );
        let report: serde_json::Value = serde_json::from_str(&made.err).unwrap();
        assert_eq!(report["error_pct"].as_f64(), Some(0.0));
        assert_eq!(made.good(), b"");
        let says = run(&["inspect", out, "--json"], b"").json();
        assert_eq!(says["kind"], "data");
        assert_eq!(says["k"], 1);
        assert_eq!(says["members"][0]["sibling"], "soft");
        assert_eq!(says["strength"], "module, unwitnessed");
        assert_eq!(says["context"], true);
        assert_eq!(
            says["size"].as_u64(),
            Some(fs::metadata(&file).unwrap().size())
        );
        assert!(says["floor"].as_u64().unwrap() > 200);
        let created = says["created"]["tick"].as_u64().unwrap();
        let closes = says["closes"]["tick"].as_u64().unwrap();
        assert!((closes - created).abs_diff(30 * 86_400_000 / 777) <= 1);
        assert!(says["opens"].is_null());
        let (low, high) = (&says["gate"][0], &says["gate"][1]);
        assert!((high.as_f64().unwrap() - low.as_f64().unwrap() - 0.05).abs() < 1e-9);
        let text = String::from_utf8(run(&["inspect", out], b"").good()).unwrap();
        assert!(
            text.contains("open, ") && text.contains(" h left"),
            "{text}"
        );
        assert_eq!(
            run(&["unwrap", USER, "--context", name, "--in", out], b"").good(),
            [7; 32]
        );
    });
}

#[test]
fn keys_are_spelled_as_databases_read_them() {
    with_token(|_, _| {
        let key: Vec<u8> = (0..32).map(|n| n * 8 + 7).collect();
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let envelope = wrap(&["--key-type", "AES"], &key);
        let unwrap = |format| run(&["unwrap", USER, "--format", format], &envelope).good();
        assert_eq!(unwrap("raw"), key);
        assert_eq!(unwrap("hex"), hex.as_bytes());
        assert_eq!(unwrap("mariadb"), format!("1;{hex}\n").as_bytes());
        assert_eq!(
            unwrap("base64"),
            b"Bw8XHycvNz9HT1dfZ293f4ePl5+nr7e/x8/X3+fv9/8="
        );
        let short = wrap(&[], b"a passphrase");
        run(&["unwrap", USER, "--format", "mariadb"], &short).failed(1);
    });
}

#[test]
fn a_key_has_a_length_of_its_type() {
    with_token(|_, _| {
        let wrap = ["wrap", "--kek", "soft", USER, "--key-type"];
        run(&[&wrap[..], &["AES"]].concat(), b"a 17 byte secret!").failed(USAGE);
        run(&[&wrap[..], &["GENERIC"]].concat(), b"a 17 byte secret!").good();
    });
}

#[test]
fn material_under_the_floor_is_refused_where_the_configuration_says_so() {
    with_token(|home, _| {
        let conf = home.join("strict.toml");
        let text = fs::read_to_string(home.join("zeq-byok.toml")).unwrap();
        fs::write(&conf, format!("cs87 = \"refuse\"\n{text}")).unwrap();
        let conf = ["--conf", conf.to_str().unwrap()];
        let wrap = ["wrap", "--kek", "soft", USER];
        run(&[&wrap[..], &conf[..]].concat(), &[0; 64]).failed(NOT_PERMITTED);
        run(&[&wrap[..], &conf[..]].concat(), b"short and various").good();
    });
}
