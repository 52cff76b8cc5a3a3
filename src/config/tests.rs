//! What a file may say, and what it is told when it may not.
#![forbid(unsafe_code)]

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::section::distance;
use super::*;

fn read(text: &str) -> Result<Config, Error> {
    read::config(Path::new("/etc/z/config.toml"), text)
}

fn fault(text: &str) -> (usize, String) {
    let error = read(text).unwrap_err();
    (error.line.unwrap(), error.what)
}

const FULL: &str = r#"
store = "sqlite:/var/lib/z/store.db"
slots = ["two", "one"]
default_window = "30d"
cs87 = "refuse"
templates = "strict"
separation = "off"
sensitive_default = true
pin_tries = 3
max_data = 0x1000
tolerance = "1m"
log = "file:/var/log/z.log"

[[sibling]]
id = "one"
provider = "soft"
window = "1h"
windows = { hour = "1h", archive = "never" }
token_window = "90d"
gate = "reject"
lease = "10s"
witness = "required"
verify_wrap = false
login = "auto"
pin = "file:/run/pin"
envelope_aliases = false
trusted = true
wrap_template = { CKA_EXTRACTABLE = true }
unwrap_template = { CKA_LABEL = "x", CKA_KEY_TYPE = 31 }
kind = "aes-256"
pin_cost = { memory = 65536, passes = 3 }

[[sibling]]
id = "two"
provider = "soft"
"#;

#[test]
fn every_key_arrives() {
    let config = read(FULL).unwrap();
    assert_eq!(config.store, Path::new("/var/lib/z/store.db"));
    assert_eq!(config.default_window, Span::Seconds(2_592_000));
    assert_eq!(
        (config.cs87, config.templates),
        (Cs87::Refuse, Templates::Strict)
    );
    assert_eq!(config.separation, Separation::Off);
    assert!(config.sensitive_default);
    assert_eq!((config.pin_tries, config.max_data), (3, 4096));
    assert_eq!(config.tolerance_ns(), 60_000_000_000);
    assert_eq!(config.log, Sink::File("/var/log/z.log".into()));
    let order: Vec<_> = config.in_slot_order().into_iter().map(|s| s.id).collect();
    assert_eq!(order, ["two", "one"]);
}

#[test]
fn every_key_of_a_sibling_arrives() {
    let config = read(FULL).unwrap();
    let one = &config.siblings[0];
    assert_eq!(one.window, Some(Span::Seconds(3600)));
    assert_eq!(one.windows.get("archive"), Some(&Span::Never));
    assert_eq!(one.token_window, Span::Seconds(7_776_000));
    assert_eq!((one.gate, one.witness), (Gate::Reject, Witness::Required));
    assert_eq!(one.lease_ns(), 10_000_000_000);
    assert_eq!(one.login, Some(Login::Auto));
    assert_eq!(one.pin, Some(Source::File("/run/pin".into())));
    assert!(!one.verify_wrap && !one.envelope_aliases && one.trusted);
    let flag = one.wrap_template.get("CKA_EXTRACTABLE");
    assert_eq!(flag, Some(&AttributeValue::Flag(true)));
    let number = one.unwrap_template.get("CKA_KEY_TYPE");
    assert_eq!(number, Some(&AttributeValue::Number(31)));
    let cost = PinCost {
        memory: 65_536,
        passes: 3,
        lanes: 1,
    };
    assert_eq!(one.pin_cost, Some(cost));
}

#[test]
fn an_empty_file_is_the_default() {
    let config = read("").unwrap();
    assert_eq!(config.siblings.len(), 1);
    assert_eq!(config.siblings[0].id, "soft");
    assert_eq!((config.pin_tries, config.max_data), (10, 16_777_216));
    assert_eq!(config.tolerance_ns(), 5_000_000_000);
    assert!(config.store.is_absolute() && config.store.ends_with("zeq-byok/store.db"));
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    let said = fault("log = \"off\"\n\nsensitive_defualt = true\n");
    assert_eq!(
        said,
        (
            3,
            "sensitive_defualt is no key here; did you mean sensitive_default?".into()
        )
    );
    let said = fault("[[sibling]]\nid = \"a\"\nprovider = \"soft\"\nleese = \"5m\"\n");
    assert_eq!(
        said,
        (4, "leese is no key here; did you mean lease?".into())
    );
}

#[test]
fn a_key_of_another_provider_is_unknown() {
    let (line, what) = fault("[[sibling]]\nid = \"a\"\nprovider = \"soft\"\nregion = \"x\"\n");
    assert!(
        line == 4 && what.starts_with("region is no key here"),
        "{what}"
    );
}

#[test]
fn what_cannot_be_is_refused_with_its_line() {
    for (text, line, what) in [
        ("pin_tries = 0", 1, "pin_tries"),
        ("pin_tries = \"3\"", 1, "a whole number"),
        ("max_data = -1", 1, "a whole number"),
        ("\nlog = \"stdout\"", 2, "syslog, off, stderr or file:/PATH"),
        ("log = \"file:relative\"", 1, "file:/PATH"),
        ("default_window = \"30w\"", 1, "no duration"),
        ("default_window = \"999999999d\"", 1, "2262"),
        ("cs87 = \"maybe\"", 1, "\"warn\" or \"refuse\" or \"off\""),
        ("slots = [\"nobody\"]", 1, "no sibling's id"),
        ("store = \"postgres://x\"", 1, "not in this build"),
        ("store = \"store.db\"", 1, "sqlite:PATH"),
        ("a = = 1", 1, ""),
        ("sibling = 3", 1, "[[sibling]]"),
    ] {
        let said = fault(text);
        assert!(said.0 == line && said.1.contains(what), "{text}: {said:?}");
    }
}

#[test]
fn what_a_sibling_cannot_be_is_refused() {
    for (text, what) in [
        ("id = \"a\"", "provider is missing"),
        ("provider = \"soft\"", "id is missing"),
        ("provider = \"soft\"\nid = \"\"", "1 to 32"),
        ("provider = \"soft\"\nid = \"Soft\"", "1 to 32"),
        ("provider = \"soft\"\nid = \"a/b\"", "1 to 32"),
        (
            "provider = \"soft\"\nid = \"123456789012345678901234567890123\"",
            "1 to 32",
        ),
        (
            "provider = \"aws\"\nid = \"a\"\nregion = \"x\"",
            "provider \"aws\" is not in this build",
        ),
        (
            "provider = \"azure\"\nid = \"a\"",
            "none of soft, aws, gcp, vault, pulse",
        ),
        (
            "provider = \"soft\"\nid = \"a\"\npin = \"1234\"",
            "file:PATH or env:NAME",
        ),
        ("provider = \"soft\"\nid = \"a\"\nkind = \"rsa\"", "aes-256"),
        (
            "provider = \"soft\"\nid = \"a\"\nwindows = { X = \"1h\" }",
            "1 to 32",
        ),
        (
            "provider = \"soft\"\nid = \"a\"\npin_cost = { memory = 8 }",
            "19456",
        ),
        (
            "provider = \"soft\"\nid = \"a\"\npin_cost = { speed = 8 }",
            "19456",
        ),
    ] {
        let said = fault(&format!("[[sibling]]\n{text}\n"));
        assert!(said.1.contains(what), "{text}: {said:?}");
    }
}

#[test]
fn two_siblings_of_one_id_are_refused() {
    let one = "[[sibling]]\nid = \"a\"\nprovider = \"soft\"\n";
    assert!(
        fault(&[one, one].concat())
            .1
            .contains("another sibling has it")
    );
}

#[test]
fn a_relative_store_lies_beside_its_configuration() {
    let config = read("store = \"sqlite:store.db\"").unwrap();
    assert_eq!(config.store, Path::new("/etc/z/store.db"));
}

#[test]
fn a_file_that_others_may_write_or_that_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let said = Config::load(Some(&file)).unwrap_err();
    assert!(said.to_string().contains("config.toml") && !said.open_to_others);
    fs::write(&file, "pin_tries = 4").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(Config::load(Some(&file)).unwrap().pin_tries, 4);
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    assert!(Config::load(Some(&file)).unwrap_err().open_to_others);
}

#[test]
fn an_error_says_file_line_and_key() {
    let said = read("\npin_tries = 0").unwrap_err().to_string();
    assert_eq!(
        said,
        "/etc/z/config.toml, line 2: pin_tries: 1 to 1000 are wanted"
    );
}

#[test]
fn a_secrets_line_end_is_no_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pin");
    fs::write(&file, "12 34\r\n").unwrap();
    let source = Source::File(file);
    assert_eq!(source.read().unwrap().as_slice(), b"12 34");
    let none = Source::Environment("ZEQ_BYOK_NO_SUCH_VARIABLE".into());
    assert!(
        none.read()
            .unwrap_err()
            .contains("ZEQ_BYOK_NO_SUCH_VARIABLE")
    );
}

#[test]
fn the_distance_of_words_counts_edits() {
    for (a, b, far) in [
        ("", "", 0),
        ("a", "", 1),
        ("leese", "lease", 1),
        ("kitten", "sitting", 3),
    ] {
        assert_eq!((distance(a, b), distance(b, a)), (far, far));
    }
}
