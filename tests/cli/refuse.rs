//! What is refused, with which exit code, and that nothing comes out.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::command::{
    DAMAGED, Ran, SETUP, SO, USER, WINDOW, WRONG_PIN, command, finish, run, with_token,
};
use crate::support::skipped;

const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

fn wrap(more: &[&str]) -> Vec<u8> {
    let wrap = ["wrap", "--kek", "soft", USER];
    run(&[&wrap[..], more].concat(), b"a secret of some length").good()
}

#[test]
fn a_wrong_pin_is_told_as_one_and_a_locked_one_too() {
    with_token(|_, _| {
        let envelope = wrap(&[]);
        let unwrap = |pin: &str| {
            let mut command = command(&["unwrap", USER]);
            finish(command.env("TEST_PIN", pin), &envelope)
        };
        assert!(unwrap("999999").failed(WRONG_PIN).contains("wrong PIN"));
        assert_eq!(unwrap("123456").good(), b"a secret of some length");
        for _ in 0..10 {
            unwrap("999999").failed(WRONG_PIN);
        }
        assert!(unwrap("123456").failed(WRONG_PIN).contains("locked"));
    });
}

#[test]
fn without_a_terminal_or_a_source_there_is_no_pin() {
    with_token(|_, _| {
        let envelope = wrap(&[]);
        let missing = run(
            &["unwrap", "--pin-source", "env:NOT_SET_ANYWHERE"],
            &envelope,
        );
        missing.failed(WRONG_PIN);
        let missing = run(&["unwrap", "--pin-source", "file:/no/such/file"], &envelope);
        missing.failed(WRONG_PIN);
    });
}

#[test]
fn a_prompt_on_the_terminal_takes_the_pin_and_does_not_echo_it() {
    if Command::new("script").arg("--version").output().is_err() {
        return skipped("script (package bsdutils)");
    }
    with_token(|home, _| {
        std::fs::write(home.join("envelope"), wrap(&[])).unwrap();
        let line = format!(
            "{} unwrap --in envelope --out key",
            env!("CARGO_BIN_EXE_zeq-byok")
        );
        let mut terminal = Command::new("script");
        terminal
            .args(["-qec", &line, "/dev/null"])
            .current_dir(home);
        let mut child = terminal
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut shown = vec![0; "PIN of soft: ".len()];
        let mut screen = child.stdout.take().unwrap();
        screen.read_exact(&mut shown).unwrap();
        assert_eq!(shown, b"PIN of soft: ");
        // The echo is turned off just after the prompt is written.
        thread::sleep(Duration::from_secs(1));
        child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(b"123456\n")
            .unwrap();
        let mut rest = String::new();
        screen.read_to_string(&mut rest).unwrap();
        assert!(child.wait().unwrap().success(), "{rest}");
        assert!(!rest.contains("123456"), "{rest}");
        assert_eq!(
            std::fs::read(home.join("key")).unwrap(),
            b"a secret of some length"
        );
    });
}

#[test]
fn what_is_no_whole_envelope_is_refused() {
    with_token(|_, _| {
        let envelope = wrap(&[]);
        let mut changed = envelope.clone();
        *changed.last_mut().unwrap() ^= 1;
        let cut = &envelope[..envelope.len() - 1];
        let longer = [&envelope[..], b"\n"].concat();
        for bad in [&changed, cut, &longer, b"", b"text"] {
            run(&["unwrap", USER], bad).failed(DAMAGED);
        }
        let told = run(&["unwrap", USER, "--json"], b"text");
        let told: serde_json::Value = serde_json::from_str(&told.err).unwrap();
        assert_eq!(told["exit"], DAMAGED);
    });
}

#[test]
fn a_sibling_that_is_not_there_and_a_token_that_was_not_made_are_told() {
    let home = tempfile::tempdir().unwrap();
    run(&["init", "--dir", home.path().to_str().unwrap()], b"").good();
    let conf = home.path().join("config.toml");
    let wrap = |kek| {
        let conf = conf.to_str().unwrap();
        run(&["wrap", "--conf", conf, USER, "--kek", kek], b"secret")
    };
    assert!(wrap("sofa").failed(SETUP).contains("takes one of: soft"));
    assert!(wrap("soft").failed(SETUP).contains("--init-token"));
    run(
        &["wrap", "--conf", "/no/such.toml", "--kek", "soft", USER],
        b"x",
    )
    .failed(SETUP);
}

fn at(offset: &str, arguments: &[&str], input: &[u8]) -> Ran {
    let faked = |command: &mut Command| {
        command
            .env("LD_PRELOAD", FAKETIME)
            .env("FAKETIME", offset)
            .env("DONT_FAKE_MONOTONIC", "1");
    };
    let mut command = command(arguments);
    faked(&mut command);
    finish(&mut command, input)
}

#[test]
fn a_window_closes_and_opens_again_when_the_clock_is_set_right() {
    if !Path::new(FAKETIME).exists() {
        return skipped("libfaketime (package faketime)");
    }
    with_token(|_, _| {
        let envelope = wrap(&["--window", "1h"]);
        // No PIN is asked for what is refused anyway.
        let closed = at("+2h", &["unwrap"], &envelope).failed(WINDOW);
        assert!(closed.contains("closed"), "{closed}");
        assert_eq!(
            run(&["unwrap", USER], &envelope).good(),
            b"a secret of some length"
        );
    });
}

#[test]
fn a_clock_that_was_set_back_is_refused_until_the_so_accepts_it() {
    if !Path::new(FAKETIME).exists() {
        return skipped("libfaketime (package faketime)");
    }
    with_token(|_, _| {
        let envelope = wrap(&["--window", "1h"]);
        let told = at("-10m", &["unwrap", USER], &envelope).failed(WINDOW);
        assert!(told.contains("clock accept"), "{told}");
        let told = run(&["audit", "--last-error"], b"").good();
        assert!(String::from_utf8(told).unwrap().contains("set back"));
        at("-10m", &["clock", "accept", USER], b"").failed(WRONG_PIN);
        at("-10m", &["unwrap", USER], &envelope).failed(WINDOW);
        at("-10m", &["clock", "accept", SO], b"").good();
        let opened = at("-10m", &["unwrap", USER], &envelope).good();
        assert_eq!(opened, b"a secret of some length");
        let trail = run(&["audit", "export"], b"").good();
        assert!(String::from_utf8(trail).unwrap().contains("clock-accept"));
    });
}
