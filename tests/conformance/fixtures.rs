//! `softhsm-fixtures/make` makes what its page says.

use std::process::Command;
use std::time::Duration;

use crate::support::process::run;
use crate::support::softhsm;

#[test]
fn the_fixtures_hold_a_key_of_each_kind() {
    let Some(module) = softhsm() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut make = Command::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/softhsm-fixtures/make"
    ));
    let made = run(make.arg(folder.path()), Duration::from_secs(120));
    assert!(made.status.success(), "{}{}", made.out, made.err);
    let mut list = Command::new("pkcs11-tool");
    list.arg("--module").arg(&module.path);
    list.args(["--login", "--pin", "123456", "--list-objects"]);
    list.env("SOFTHSM2_CONF", folder.path().join("softhsm2.conf"));
    let listed = run(&mut list, Duration::from_secs(60)).out;
    let labels = [
        "zeq-kek", "aes-128", "generic", "rsa", "p256", "p384", "p521", "ed25519", "imported",
        "'data'",
    ];
    for label in labels {
        assert!(listed.contains(label), "{label} in\n{listed}");
    }
}
