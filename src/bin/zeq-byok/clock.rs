//! `clock accept`: the host's clock is right.
#![forbid(unsafe_code)]

use serde_json::json;
use zeq_byok::admin::{self, Setup};

use crate::cli::{Cli, Clock};
use crate::speak::{self, Outcome};

pub(crate) fn run(cli: &Cli, ask: &Clock) -> Outcome {
    let Clock::Accept(ask) = ask;
    let setup = Setup::load(cli.conf.as_deref())?;
    let pins = speak::pins(ask.pin.pin_source.as_ref());
    let accepted = admin::accept_clock(&setup, ask.token.as_deref(), &pins)?;
    let before = accepted.before.map(|before| before.to_string());
    let now = accepted.now.to_string();
    let value = json!({ "before": before, "now": now });
    let lines = speak::table(&[
        ("mark before", before.unwrap_or_else(|| "none".to_string())),
        ("mark now", now),
    ]);
    speak::report(cli.json, &value, &lines)
}
