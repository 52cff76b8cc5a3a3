//! `audit export`, `audit verify`, `audit --last-error`: what was done, and whether the trail holds.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use serde_json::{Value, json};
use zeq_byok::admin::{self, Event, Setup};

use crate::cli::{Audit, Cli, Trail, Verify};
use crate::speak::{self, Outcome};

pub(crate) fn run(cli: &Cli, ask: &Audit) -> Outcome {
    let setup = Setup::load(cli.conf.as_deref())?;
    match &ask.command {
        Some(Trail::Export) => export(cli, &setup),
        Some(Trail::Verify(ask)) => verify(cli, &setup, ask),
        None => last_error(cli, &setup),
    }
}

/// The head goes to standard error, so that it can be kept apart from the records.
fn export(cli: &Cli, setup: &Setup) -> Outcome {
    let head = admin::export(setup, |event| {
        speak::report(cli.json, &value(&event), &format!("{}\n", line(&event))).map(drop)
    })?;
    match cli.json {
        true => speak::tell(&json!({ "head": head.to_string() }).to_string()),
        false => speak::tell(&format!("head {head}")),
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(cli: &Cli, setup: &Setup, ask: &Verify) -> Outcome {
    let head = admin::verify(setup, ask.head.as_ref())?.to_string();
    let value = json!({ "head": head });
    speak::report(cli.json, &value, &format!("unbroken, head {head}\n"))
}

fn last_error(cli: &Cli, setup: &Setup) -> Outcome {
    let last = admin::last_error(setup)?;
    let none = || "none".to_string();
    let lines = speak::table(&[
        ("refusal", last.refusal.as_ref().map_or_else(none, line)),
        ("log", last.log.clone().unwrap_or_else(none)),
    ]);
    let value = json!({ "refusal": last.refusal.as_ref().map(value), "log": last.log });
    speak::report(cli.json, &value, &lines)
}

fn value(event: &Event) -> Value {
    json!({
        "number": event.number,
        "time": event.at.to_string(),
        "unix_ns": event.at.0,
        "tick": event.tick,
        "phase": f64::from(event.phase) / 1e4,
        "r": f64::from(event.r) / 1e6,
        "token": event.token,
        "what": event.what,
        "detail": event.detail,
        "hash": event.hash,
    })
}

/// One line, whatever a label holds.
fn line(event: &Event) -> String {
    let token = if event.token.is_empty() {
        "-"
    } else {
        &event.token
    };
    let line = format!(
        "{} {} tick {} phase 0.{:04} R {}.{:06} {token} {} {}",
        event.number,
        event.at,
        event.tick,
        event.phase,
        event.r / 1_000_000,
        event.r % 1_000_000,
        event.what,
        event.detail
    );
    line.replace(char::is_control, "?")
}
