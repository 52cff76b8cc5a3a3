//! What the command takes.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use zeq_byok::admin::{Head, PinSource};

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
    /// Look at everything, and say what is wrong and what to do
    Doctor(Doctor),
    /// The host's clock
    #[command(subcommand)]
    Clock(Clock),
    /// What was done: the audit trail
    Audit(Audit),
    /// Load a module and say what it is; for `doctor`, which gives it a process of its own
    #[command(hide = true)]
    LoadModule(LoadModule),
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The module to load [default: the one beside this command]
    #[arg(long, value_name = "FILE")]
    pub(crate) module: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LoadModule {
    pub(crate) module: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Clock {
    /// Take the host's clock as right after a jump or a step back; asks for the SO PIN
    Accept(Accept),
}

#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// The token whose SO vouches [default: the first that is initialised]
    #[arg(long, value_name = "ID")]
    pub(crate) token: Option<String>,
    #[command(flatten)]
    pub(crate) pin: Pin,
}

#[derive(Debug, Args)]
#[command(arg_required_else_help = true, args_conflicts_with_subcommands = true)]
pub(crate) struct Audit {
    /// Print what failed last
    #[arg(long)]
    pub(crate) last_error: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Trail>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Trail {
    /// Print every record, and the head on standard error
    Export,
    /// Follow the chain of hashes from its first record to its head
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A head that was kept elsewhere: the trail must lead through it
    #[arg(long, value_name = "NUMBER:HASH")]
    pub(crate) head: Option<Head>,
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
