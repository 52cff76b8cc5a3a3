//! `unwrap`: what an envelope holds, all of it or nothing.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use zeq_byok::admin::{self, Format, Setup};

use crate::cli::{Cli, FormatName, Unwrap};
use crate::speak::{self, Outcome};

/// What comes out is its owner's.
const MODE: u32 = 0o600;

pub(crate) fn run(cli: &Cli, ask: &Unwrap) -> Outcome {
    let setup = Setup::load(cli.conf.as_deref())?;
    let envelope = speak::read(ask.files.input())?;
    let wanted = admin::Unwrap {
        kek: ask.kek.clone(),
        context: ask.context.clone(),
    };
    let pins = speak::pins(ask.pin.pin_source.as_ref());
    let plain = admin::unwrap(&setup, &wanted, envelope.bytes(), &pins)?;
    let spelled = plain.spelled(format(ask.format))?;
    speak::write(ask.files.output(), spelled.bytes(), MODE)?;
    Ok(ExitCode::SUCCESS)
}

fn format(name: FormatName) -> Format {
    match name {
        FormatName::Raw => Format::Raw,
        FormatName::Hex => Format::Hex,
        FormatName::Base64 => Format::Base64,
        FormatName::Mariadb => Format::MariaDb,
    }
}
