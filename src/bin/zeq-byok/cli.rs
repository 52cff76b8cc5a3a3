//! What the command takes.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use zeq_byok::admin::PinSource;

/// Keys that stay in your own key store, and envelopes that open inside their window.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// The configuration to go by, instead of ZEQ_BYOK_CONF, the user's or the machine's
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) conf: Option<PathBuf>,
    /// Report in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a commented configuration and make its store
    Init(Init),
    /// Say the tick, phase and R(t) of now
    Pulse,
    /// Say what an envelope is, without opening it
    Inspect(Inspect),
    /// Seal standard input into an envelope on standard output
    Wrap(Wrap),
    /// Open an envelope from standard input to standard output: all of it or nothing
    Unwrap(Unwrap),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Put the configuration and the store into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The envelope; - is standard input
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Wrap {
    /// The sibling to seal to: its id, or id/name for one of its windows
    #[arg(long, value_name = "ID")]
    pub(crate) kek: String,
    /// How long it can be unwrapped: 90s, 5m, 1h, 30d or never [default: the sibling's]
    #[arg(long, value_name = "DURATION")]
    pub(crate) window: Option<String>,
    /// Which phases of each tick it opens in: the slot (a twentieth) of now
    #[arg(long, value_name = "GATE")]
    pub(crate) gate: Option<GateName>,
    /// What must be said again to unwrap it
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) context: String,
    /// Make it an extractable key of this type, which C_UnwrapKey takes too
    #[arg(long, value_name = "TYPE", ignore_case = true)]
    pub(crate) key_type: Option<KeyTypeName>,
    #[command(flatten)]
    pub(crate) pin: Pin,
    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
pub(crate) struct Unwrap {
    /// The sibling to open it with [default: the one that it names]
    #[arg(long, value_name = "ID")]
    pub(crate) kek: Option<String>,
    /// What was said when it was wrapped
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) context: String,
    /// How to write it
    #[arg(long, value_enum, default_value_t = FormatName::Raw)]
    pub(crate) format: FormatName,
    #[command(flatten)]
    pub(crate) pin: Pin,
    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Debug, Args)]
pub(crate) struct Pin {
    /// Where the PIN comes from: file:PATH or env:NAME [default: the configuration's, else a prompt]
    #[arg(long, value_name = "SOURCE")]
    pub(crate) pin_source: Option<PinSource>,
}

#[derive(Debug, Args)]
pub(crate) struct Files {
    /// Read this instead of standard input
    #[arg(long = "in", value_name = "FILE")]
    input: Option<PathBuf>,
    /// Write this instead of standard output
    #[arg(long = "out", value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Files {
    /// `None`: standard input.
    pub(crate) fn input(&self) -> Option<&Path> {
        named(self.input.as_deref())
    }

    /// `None`: standard output.
    pub(crate) fn output(&self) -> Option<&Path> {
        named(self.output.as_deref())
    }
}

/// A file, unless it is `-`.
pub(crate) fn named(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| *path != Path::new("-"))
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum GateName {
    Slot,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KeyTypeName {
    #[value(name = "AES")]
    Aes,
    #[value(name = "GENERIC")]
    Generic,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FormatName {
    /// As it is
    Raw,
    /// Lower case, no line feed
    Hex,
    /// Padded, no line feed
    Base64,
    /// A line of MariaDB's key file: 1;hex
    Mariadb,
}
