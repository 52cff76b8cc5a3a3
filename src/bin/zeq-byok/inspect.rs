//! `inspect`: what an envelope says of itself.
#![forbid(unsafe_code)]

use serde_json::{Value, json};
use zeq_byok::admin::{self, Inspected, Member, Moment, State};

use crate::cli::{self, Cli, Inspect};
use crate::speak::{self, Outcome};

pub(crate) fn run(cli: &Cli, ask: &Inspect) -> Outcome {
    let envelope = speak::read(cli::named(Some(&ask.file)))?;
    let says = admin::inspect(envelope.bytes())?;
    speak::report(cli.json, &value(&says), &lines(&says))
}

/// The same in JSON, also for `wrap`.
pub(crate) fn value(says: &Inspected) -> Value {
    let moment = |(tick, at): (u64, Moment)| json!({ "tick": tick, "utc": at.to_string() });
    json!({
        "id": says.id,
        "kind": says.kind,
        "created": moment(says.created),
        "opens": says.opens.map(moment),
        "closes": says.closes.map(moment),
        "gate": says.gate.map(|(low, high)| [phase(low), phase(high)]),
        "k": says.k,
        "members": says.members.iter().map(member).collect::<Vec<_>>(),
        "strength": says.strength,
        "context": says.context,
        "state": says.state.name(),
        "left_seconds": says.left,
        "size": says.size,
        "floor": says.floor,
    })
}

fn phase(part: u32) -> f64 {
    f64::from(part) / 1e4
}

fn member(member: &Member) -> Value {
    json!({
        "sibling": member.sibling,
        "fingerprint": member.fingerprint,
        "wrap": member.wrap,
        "strength": member.strength,
    })
}

fn lines(says: &Inspected) -> String {
    let moment = |(tick, at): (u64, Moment)| format!("{at} (tick {tick})");
    let of = says.members.len();
    let mut rows = vec![
        ("id", says.id.clone()),
        ("kind", says.kind.to_string()),
        ("created", moment(says.created)),
        (
            "opens",
            says.opens.map_or_else(|| "at once".to_string(), moment),
        ),
        (
            "closes",
            says.closes.map_or_else(|| "never".to_string(), moment),
        ),
        ("state", state(says)),
        ("gate", says.gate.map_or_else(|| "none".to_string(), gate)),
        ("k", format!("{} of {of}", says.k)),
    ];
    rows.extend(says.members.iter().map(|each| ("member", line(each))));
    rows.push(("strength", says.strength.clone()));
    rows.push((
        "context",
        if says.context { "needed" } else { "none" }.to_string(),
    ));
    let size = format!(
        "{} bytes; its own bytes compress to {}",
        says.size, says.floor
    );
    rows.push(("size", size));
    speak::table(&rows)
}

/// Two decimals, truncated.
fn gate((low, high): (u32, u32)) -> String {
    let two = |part: u32| format!("{}.{:02}", part / 10_000, part % 10_000 / 100);
    format!("[{}, {}]", two(low), two(high))
}

fn line(member: &Member) -> String {
    let name = member.sibling.as_deref().unwrap_or("unnamed");
    format!(
        "{name} (key {}, wrapped by {}, strength {})",
        member.fingerprint, member.wrap, member.strength
    )
}

fn state(says: &Inspected) -> String {
    let name = says.state.name();
    match (says.state, says.left) {
        (State::Open, Some(left)) => format!("{name}, {} left", span(left)),
        (State::NotOpenYet, Some(left)) => format!("{name}, opens in {}", span(left)),
        (State::Open | State::NotOpenYet | State::Closed, _) => name.to_string(),
    }
}

/// The two largest units.
fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, _, _) => format!("{days} d {hours} h"),
    }
}
