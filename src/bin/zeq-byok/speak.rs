//! What every subcommand says and how it ends: reports, errors, exit codes; input and output.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use zeq_byok::admin::{self, Error, Failure, PinSource, Pins, Plain};

/// How a subcommand ends, where it did not fail.
pub(crate) type Outcome = Result<ExitCode, Error>;

/// docs/command.md, Exit codes: a public list, added to and never changed.
pub(crate) fn code(failure: Failure) -> u8 {
    match failure {
        Failure::Other => 1,
        Failure::Usage => 2,
        Failure::Window => 3,
        Failure::Pin => 4,
        Failure::Damaged => 5,
        Failure::Setup => 6,
        Failure::NotPermitted => 7,
    }
}

/// Help and the version are no errors, and go to standard output.
pub(crate) fn usage(told: &clap::Error) -> ExitCode {
    let code = if told.use_stderr() { 2 } else { 0 };
    match told.print() {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}

/// What failed and what to do, on standard error.
pub(crate) fn failed(error: &Error, as_json: bool) -> ExitCode {
    let code = code(error.failure);
    match (as_json, &error.hint) {
        (true, hint) => {
            tell(&json!({ "error": error.what, "hint": hint, "exit": code }).to_string())
        }
        (false, Some(hint)) => tell(&format!("zeq-byok: {}\n  {hint}", error.what)),
        (false, None) => tell(&format!("zeq-byok: {}", error.what)),
    }
    ExitCode::from(code)
}

/// A line on standard error. Nobody is left to be told that it cannot be written.
pub(crate) fn tell(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

/// A report on standard output: people's lines, or JSON.
pub(crate) fn report(as_json: bool, value: &Value, lines: &str) -> Outcome {
    match as_json {
        true => write_all(format!("{value}\n").as_bytes())?,
        false => write_all(lines.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Lines of two columns.
pub(crate) fn table(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| format!("{name:width$}  {value}\n");
    rows.iter().map(line).collect()
}

/// All of a file, or of standard input.
pub(crate) fn read(path: Option<&Path>) -> Result<Plain, Error> {
    let read = match path {
        Some(path) => File::open(path).and_then(Plain::read),
        None => duplicate(io::stdin().as_fd()).and_then(Plain::read),
    };
    read.map_err(|why| {
        let name = path.map_or_else(|| "standard input".into(), Path::to_string_lossy);
        Error::new(Failure::Other, format!("{name}: {why}"))
    })
}

/// Writes a file whole, or standard output, past every buffer that would keep a copy.
pub(crate) fn write(path: Option<&Path>, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let Some(path) = path else {
        return write_all(bytes);
    };
    admin::write_whole(path, bytes, mode)
        .map_err(|why| Error::new(Failure::Other, format!("{}: {why}", path.display())))
}

fn write_all(bytes: &[u8]) -> Result<(), Error> {
    let written = duplicate(io::stdout().as_fd()).and_then(|mut to| to.write_all(bytes));
    written.map_err(|why| Error::new(Failure::Other, format!("standard output: {why}")))
}

fn duplicate(fd: std::os::fd::BorrowedFd<'_>) -> io::Result<File> {
    Ok(File::from(fd.try_clone_to_owned()?))
}

/// PINs from where the caller says, else from whoever sits at the terminal.
pub(crate) fn pins(source: Option<&PinSource>) -> Pins<'static> {
    Pins {
        source: source.cloned(),
        prompt: &|text| rpassword::prompt_password(text),
    }
}
