//! The module inside somebody else's process: the traps of docs/decisions/process.md, each by a
//! host program in `tests/c`. Every run also checks that nothing stands on standard output.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::{host, module, process, token};

#[test]
fn a_host_may_end_without_c_finalize() {
    ends("forget");
}

#[test]
fn a_host_may_finalize_in_its_exit_handlers() {
    ends("atexit");
    ends("twice");
}

#[test]
fn a_host_may_finalize_inside_openssl_cleanup() {
    ends("openssl");
}

#[test]
fn the_library_stays_when_it_is_closed_with_threads_inside() {
    ends("dlclose");
}

#[test]
fn a_host_may_close_the_library_without_c_finalize() {
    ends("forget-and-close");
}

#[test]
fn no_signal_is_touched_not_even_sigpipe() {
    needs_a_token("ends", &["signals"]);
}

#[test]
fn closed_standard_streams_are_never_taken_by_the_store() {
    needs_a_token("ends", &["streams"]);
}

#[test]
fn misaligned_pointers_are_read_and_written() {
    needs_a_token("odd", &[]);
}

#[test]
fn a_set_uid_host_reads_no_environment() {
    let home = host::home();
    let text = fs::read_to_string(token::ours_conf(home.path())).unwrap();
    let named = text.replace("id = \"soft\"", "id = \"from-environment\"");
    fs::write(token::ours_conf(home.path()), named).unwrap();
    let program = host::build(home.path(), "label");
    let plain = said(home.path(), &program);
    let Some(secure) = another_owner(home.path(), &program) else {
        return support::skipped("the right to make a set-uid program");
    };
    let secure = said(home.path(), &secure);
    assert!(secure.starts_with("C_Initialize "), "{secure}");
    assert!(!secure.contains("from-environment"), "{secure}");
    assert!(plain.contains("from-environment"), "{plain}");
}

#[test]
fn the_library_shows_three_symbols_and_takes_no_allocator() {
    let library = module::ours_path();
    let shown = symbols(&["-D", "--defined-only"], &library);
    assert_eq!(
        shown,
        ["C_GetFunctionList", "C_GetInterface", "C_GetInterfaceList"]
    );
    let asked = symbols(&["-D", "--undefined-only"], &library);
    let hosts = |name: &&String| name.starts_with("OPENSSL_memory_") || *name == "sdallocx";
    assert_eq!(asked.iter().find(hosts), None);
}

#[test]
fn every_lock_of_aws_lc_and_sqlite_passes_the_fork_gate() {
    let library = module::ours_path();
    let mut disassemble = Command::new("objdump");
    disassemble.args(["-d", "--no-show-raw-insn"]).arg(&library);
    let said = process::run(&mut disassemble, Duration::from_secs(120));
    assert!(said.status.success(), "objdump: {}", said.err);
    for lock in [
        "rwlock_rdlock",
        "rwlock_wrlock",
        "rwlock_unlock",
        "mutex_lock",
    ] {
        let calls: Vec<_> = said.out.lines().filter(|line| calls(line, lock)).collect();
        // The gate's own, by a jump; everybody else calls the gate.
        assert_eq!(calls.len(), 1, "pthread_{lock}: {calls:#?}");
    }
}

/// Outside the table of imports itself.
fn calls(line: &str, lock: &str) -> bool {
    line.ends_with(&format!("<pthread_{lock}@plt>"))
}

#[test]
fn the_library_is_never_unmapped_and_bound_when_loaded() {
    let mut read = Command::new("readelf");
    read.arg("-dW").arg(module::ours_path());
    let said = process::run(&mut read, Duration::from_secs(60));
    let flags = said.out.lines().find(|line| line.contains("FLAGS_1"));
    let flags = flags.unwrap();
    assert!(
        flags.contains("NODELETE") && flags.contains("NOW"),
        "{flags}"
    );
}

fn ends(mode: &str) {
    let home = host::home();
    host::run(home.path(), "ends", &[mode]);
}

fn needs_a_token(name: &str, arguments: &[&str]) {
    let home = host::home();
    host::run(home.path(), name, arguments);
}

fn said(home: &Path, program: &Path) -> String {
    let mut command = host::command(home, program, &[]);
    let said = process::run(&mut command, Duration::from_secs(60));
    assert!(said.status.success(), "{}: {}", said.status, said.err);
    said.out
}

/// A copy that belongs to nobody (65534) and runs as nobody; `None` where we may not make one.
fn another_owner(home: &Path, program: &Path) -> Option<std::path::PathBuf> {
    let copy = home.join("set-uid");
    fs::copy(program, &copy).unwrap();
    std::os::unix::fs::chown(&copy, Some(65534), None).ok()?;
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o4755)).ok()?;
    // Its configuration is readable: only its being named by the environment is wrong.
    fs::set_permissions(home, fs::Permissions::from_mode(0o755)).ok()?;
    fs::set_permissions(token::ours_conf(home), fs::Permissions::from_mode(0o644)).ok()?;
    Some(copy)
}

fn symbols(options: &[&str], library: &Path) -> Vec<String> {
    let mut nm = Command::new("nm");
    nm.args(options).arg(library);
    let said = process::run(&mut nm, Duration::from_secs(60));
    assert!(said.status.success(), "nm: {}", said.err);
    let name = |line: &str| line.split_whitespace().last().unwrap().to_owned();
    said.out.lines().map(name).collect()
}
