//! What a cold start costs over Argon2id alone at the same cost: a new process each time, from dlopen
//! to the first MAC and C_Finalize, and beside it one that only stretches a PIN.
//!
//! `cargo bench --bench cold_start`
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark talks to who runs it"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use argon2::{Algorithm, Argon2, Params, Version};
use cryptoki_sys::*;

use support::mech::Mech;
use support::module::Module;
use support::template;
use support::token::{self, PIN, Token};

const ROUNDS: usize = 21;
/// The least that a Soft PIN costs (design: 19 MiB, 2 passes, 1 lane).
const COST: (u32, u32, u32) = (19_456, 2, 1);

fn main() {
    let home = tempfile::tempdir().unwrap();
    match env::args().nth(1).as_deref() {
        Some("module") => child(module),
        Some("argon2") => child(stretch),
        _ => parent(home.path()),
    }
}

fn parent(home: &Path) {
    token::configure(home);
    prepare(home);
    let (mut with, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..=ROUNDS {
        with.push(run("module", home));
        alone.push(run("argon2", home));
    }
    let (with, alone) = (median(with), median(alone));
    println!(
        "{:<18}{:>12}{:>16}",
        "cold start", "median ms", "peak RSS MiB"
    );
    for (name, (ms, mib)) in [("module", with), ("Argon2id alone", alone)] {
        println!("{name:<18}{ms:>12.2}{mib:>16.1}");
    }
    println!(
        "{:<18}{:>12.2}{:>16.1}",
        "over it",
        with.0 - alone.0,
        with.1 - alone.1
    );
}

/// A token that the rounds find; made in a process of its own.
fn prepare(home: &Path) {
    let status = Command::new(env::current_exe().unwrap())
        .arg("module")
        .env("ZEQ_BYOK_CONF", token::ours_conf(home))
        .env("COLD_START_PREPARE", "1")
        .output();
    assert!(status.unwrap().status.success());
}

fn run(what: &str, home: &Path) -> (f64, f64) {
    let mut command = Command::new(env::current_exe().unwrap());
    let command = command
        .arg(what)
        .env("ZEQ_BYOK_CONF", token::ours_conf(home));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut numbers = text
        .split_whitespace()
        .map(|number| number.parse::<f64>().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

fn child(work: fn()) {
    let start = Instant::now();
    work();
    println!("{} {}", start.elapsed().as_secs_f64() * 1e3, peak_mib());
}

fn stretch() {
    let params = Params::new(COST.0, COST.1, COST.2, Some(32)).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2
        .hash_password_into(PIN.as_bytes(), &[7; 16], &mut [0; 32])
        .unwrap();
}

fn module() {
    let module = Module::ours();
    if env::var_os("COLD_START_PREPARE").is_some() {
        Token::fresh(module);
        return;
    }
    module.initialize().unwrap();
    let slot = *module.slots(true).unwrap().last().unwrap();
    let session = module
        .session(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION)
        .unwrap();
    session.login(CKU_USER, PIN).unwrap();
    let template = template::secret(CKK_GENERIC_SECRET)
        .number(CKA_VALUE_LEN, 32)
        .yes(CKA_SIGN);
    let key = session
        .generate(&Mech::plain(CKM_GENERIC_SECRET_KEY_GEN), template)
        .unwrap();
    session
        .sign(&Mech::plain(CKM_SHA256_HMAC), key, &[1; 64])
        .unwrap();
    module.finalize().unwrap();
}

fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1024.0
}

/// The first round warms up and is not counted.
fn median(rounds: Vec<(f64, f64)>) -> (f64, f64) {
    let middle = |pick: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = rounds.iter().skip(1).map(pick).collect();
        values.sort_by(f64::total_cmp);
        *values.get(values.len() / 2).unwrap()
    };
    (middle(|round| round.0), middle(|round| round.1))
}
