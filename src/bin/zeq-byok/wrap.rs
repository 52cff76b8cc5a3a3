//! `wrap`: bytes into an envelope.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use serde_json::json;
use zeq_byok::admin::{self, KeyType, Report, Setup};

use crate::cli::{Cli, KeyTypeName, Wrap};
use crate::inspect;
use crate::speak::{self, Outcome};

/// An envelope is no secret; who may read it is left to the umask.
const MODE: u32 = 0o666;

pub(crate) fn run(cli: &Cli, ask: &Wrap) -> Outcome {
    let setup = Setup::load(cli.conf.as_deref())?;
    let bytes = speak::read(ask.files.input())?;
    let wanted = admin::Wrap {
        kek: ask.kek.clone(),
        window: ask.window.clone(),
        slot_gate: ask.gate.is_some(),
        context: ask.context.clone(),
        key_type: ask.key_type.map(key_type),
    };
    let pins = speak::pins(ask.pin.pin_source.as_ref());
    let report = admin::wrap(&setup, &wanted, &bytes, &pins)?;
    speak::write(ask.files.output(), &report.envelope, MODE)?;
    tell(&report, cli.json);
    Ok(ExitCode::SUCCESS)
}

fn key_type(name: KeyTypeName) -> KeyType {
    match name {
        KeyTypeName::Aes => KeyType::Aes,
        KeyTypeName::Generic => KeyType::Generic,
    }
}

/// On standard error: the envelope is alone on standard output.
fn tell(report: &Report, as_json: bool) {
    let says = &report.says;
    if as_json {
        let value = json!({ "envelope": inspect::value(says), "error_pct": report.error_pct });
        return speak::tell(&value.to_string());
    }
    let never = || "never".to_string();
    let closes = says.closes.map_or_else(never, |(_, at)| at.to_string());
    speak::tell(&format!(
        "a {} envelope of {} bytes, closes {closes}",
        says.kind, says.size
    ));
}
