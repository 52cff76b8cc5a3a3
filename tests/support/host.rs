//! Host programs in C, compiled by the test that runs them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::module;
use super::process::{self, Said};
use super::token;

/// Compiles `tests/c/NAME.c` into `home`.
pub(crate) fn build(home: &Path, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = home.join(name);
    let mut cc = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    cc.args(["-std=gnu11", "-Wall", "-Werror", "-O1", "-pthread", "-o"])
        .arg(&program)
        .arg(root.join("tests/c").join(name).with_extension("c"))
        .arg("-I")
        .arg(root.join("include"))
        .arg("-ldl");
    let said = process::run(&mut cc, Duration::from_secs(120));
    assert!(said.status.success(), "{name}.c: {}", said.err);
    program
}

/// The command that runs a host on the module, with the test's own configuration.
pub(crate) fn command(home: &Path, program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .arg(module::ours_path())
        .args(arguments)
        .env("ZEQ_BYOK_CONF", token::ours_conf(home))
        .env("HOME", home);
    command
}

/// Runs a host to its end, which is a good one and leaves nothing on standard output.
pub(crate) fn run(home: &Path, name: &str, arguments: &[&str]) -> Said {
    let program = build(home, name);
    let said = process::run(
        &mut command(home, &program, arguments),
        Duration::from_secs(300),
    );
    assert!(
        said.status.success(),
        "{name} {arguments:?}: {}\n{}",
        said.status,
        said.err
    );
    assert_eq!(said.out, "", "{name} {arguments:?}: on standard output");
    said
}

/// A folder with a configuration.
pub(crate) fn home() -> tempfile::TempDir {
    let home = tempfile::Builder::new()
        .prefix("zeq-host.")
        .tempdir()
        .unwrap();
    token::configure(home.path());
    home
}
