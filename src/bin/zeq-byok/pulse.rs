//! `pulse`: the moment by the 1.287 Hz clock.
#![forbid(unsafe_code)]

use serde_json::json;
use zeq_byok::admin::{self, Moment};

use crate::cli::Cli;
use crate::speak::{self, Outcome};

pub(crate) fn run(cli: &Cli) -> Outcome {
    let pulse = admin::pulse();
    let phase = format!("0.{:04}", pulse.phase);
    let value = json!({
        "tick": pulse.tick,
        "phase": f64::from(pulse.phase) / 1e4,
        "r": (pulse.r * 1e6).round() / 1e6,
        "unix_ns": pulse.unix_ns,
    });
    let lines = speak::table(&[
        ("tick", pulse.tick.to_string()),
        ("phase", phase),
        ("R(t)", format!("{:.6}", pulse.r)),
        ("time", Moment(pulse.unix_ns).to_string()),
    ]);
    speak::report(cli.json, &value, &lines)
}
