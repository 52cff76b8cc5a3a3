//! Running the command: what it said, and how it ended.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

use crate::support::module::Module;
use crate::support::process;
use crate::support::token::{PIN, SO_PIN, Token};

/// Exit codes, as docs/command.md lists them.
pub(crate) const USAGE: i32 = 2;
pub(crate) const WINDOW: i32 = 3;
pub(crate) const WRONG_PIN: i32 = 4;
pub(crate) const DAMAGED: i32 = 5;
pub(crate) const SETUP: i32 = 6;
pub(crate) const NOT_PERMITTED: i32 = 7;

/// How the tests give PINs.
pub(crate) const USER: &str = "--pin-source=env:TEST_PIN";
pub(crate) const SO: &str = "--pin-source=env:TEST_SO_PIN";

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

/// The command with these arguments, and no terminal to ask for a PIN.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zeq-byok"));
    command.args(arguments);
    command.env("TEST_PIN", PIN).env("TEST_SO_PIN", SO_PIN);
    command
}

/// Runs to the end, with `input` on standard input.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Ran {
    finish(&mut command(arguments), input)
}

pub(crate) fn finish(command: &mut Command, input: &[u8]) -> Ran {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut pipe, input) = (child.stdin.take().unwrap(), input.to_vec());
    // Who refuses its arguments reads no input.
    let writer = thread::spawn(move || drop(pipe.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran {
        code: output.status.code(),
        out: output.stdout,
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// Standard output of a run that ended well.
    #[track_caller]
    pub(crate) fn good(self) -> Vec<u8> {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// A run that failed so: nothing on standard output, something on standard error.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, b"", "{self:?}");
        assert!(self.err.starts_with("zeq-byok: "), "{self:?}");
        self.err
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_slice(&self.good()).unwrap()
    }
}

/// Runs a test in a process of its own with a token whose PINs are the fixtures'.
pub(crate) fn with_token(body: impl FnOnce(&Path, &Token)) {
    process::alone(|home| body(home, &Token::fresh(Module::ours())));
}
