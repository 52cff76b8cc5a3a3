//! `init`, `pulse`, `doctor`, and arguments that cannot be meant.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::command::{SETUP, USAGE, command, finish, run, with_token};
use crate::support::module::ours_path;

#[test]
fn init_makes_a_configuration_and_a_store_that_only_their_owner_reads() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("new");
    let dir = folder.to_str().unwrap();
    let made = run(&["init", "--dir", dir, "--json"], b"").json();
    for (key, file) in [("configuration", "config.toml"), ("store", "store.db")] {
        let path = folder.join(file);
        assert_eq!(made[key], path.to_str().unwrap());
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
    }
    assert!(made["next"].as_str().unwrap().contains("--init-token"));
    let conf = folder.join("config.toml");
    let doctor = run(&["doctor", "--json", "--conf", conf.to_str().unwrap()], b"").json();
    assert!(doctor["checks"].as_array().unwrap().len() >= 7);
    let again = run(&["init", "--dir", dir], b"").failed(SETUP);
    assert!(again.contains("--dir"), "{again}");
}

#[test]
fn init_without_a_folder_writes_where_the_module_looks() {
    let home = tempfile::tempdir().unwrap();
    let mut init = command(&["init", "--json"]);
    init.env_clear().env("HOME", home.path());
    let made = finish(&mut init, b"").json();
    let conf = home.path().join(".config/zeq-byok/config.toml");
    assert_eq!(made["configuration"], conf.to_str().unwrap());
    let store = home.path().join(".local/share/zeq-byok/store.db");
    assert_eq!(made["store"], store.to_str().unwrap());
    assert!(!made["next"].as_str().unwrap().contains("ZEQ_BYOK_CONF"));
}

#[test]
fn the_pulse_has_four_decimals_and_fits_the_time() {
    let text = String::from_utf8(run(&["pulse"], b"").good()).unwrap();
    let phase = text
        .lines()
        .find_map(|l| l.strip_prefix("phase  "))
        .unwrap();
    assert!(phase.starts_with("0.") && phase.len() == 6, "{phase}");
    let json = run(&["pulse", "--json"], b"").json();
    let unix = json["unix_ns"].as_u64().unwrap();
    assert_eq!(json["tick"].as_u64().unwrap(), unix / 777_000_000);
    let whole = unix % 777_000_000 * 10_000 / 777_000_000;
    assert!((json["phase"].as_f64().unwrap() * 1e4 - whole as f64).abs() < 1e-6);
    let r = json["r"].as_f64().unwrap();
    // Compared as printed: 1.00129 - 1.0 is more than 0.00129 in binary.
    assert!((0.998_71..=1.001_29).contains(&r), "{r}");
}

#[test]
fn the_doctor_finds_nothing_bad_and_names_a_window_that_never_closes() {
    with_token(|_, _| {
        let module = ours_path();
        let said = run(&["doctor", "--module", module.to_str().unwrap()], b"");
        let text = String::from_utf8(said.good()).unwrap();
        assert!(text.contains("note  window of soft: never"), "{text}");
        assert!(text.contains("good  token soft: initialised"), "{text}");
        assert!(text.contains("PKCS#11 "), "{text}");
        assert!(!text.contains("bad "), "{text}");
    });
}

#[test]
fn the_doctor_fails_for_what_others_may_write_and_for_no_module() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().to_str().unwrap();
    run(&["init", "--dir", dir], b"").good();
    let conf = home.path().join("config.toml");
    let doctor = [
        "doctor",
        "--module",
        "/dev/null",
        "--conf",
        conf.to_str().unwrap(),
    ];
    let text = |ran: &crate::command::Ran| String::from_utf8(ran.out.clone()).unwrap();
    let said = run(&doctor, b"");
    assert_eq!(said.code, Some(1));
    assert!(text(&said).contains("bad   module /dev/null"), "{said:?}");
    fs::set_permissions(&conf, Permissions::from_mode(0o666)).unwrap();
    let said = run(&doctor, b"");
    assert_eq!(said.code, Some(1));
    assert!(
        text(&said).contains("may be written by everybody"),
        "{said:?}"
    );
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    for arguments in [
        &["wrap"][..],
        &["audit"],
        &["wrap", "--kek", "soft", "--pin-source", "123456"],
        &["unwrap", "--format", "pem"],
        &["audit", "verify", "--head", "7"],
        &["no-such-thing"],
    ] {
        let ran = run(arguments, b"");
        assert_eq!(ran.code, Some(USAGE), "{arguments:?} {ran:?}");
        assert_eq!(ran.out, b"", "{arguments:?}");
    }
    assert_eq!(run(&["--help"], b"").code, Some(0));
}
