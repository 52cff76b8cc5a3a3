//! The companion command: `cli` says what it takes, each subcommand is a file, and everything that
//! it does goes through `zeq_byok::admin`. docs/command.md has the exit codes.
#![forbid(unsafe_code)]

mod audit;
mod cli;
mod clock;
mod doctor;
mod init;
mod inspect;
mod pulse;
mod speak;
mod unwrap;
mod wrap;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return speak::usage(&told),
    };
    match run(&cli) {
        Ok(code) => code,
        Err(error) => speak::failed(&error, cli.json),
    }
}

fn run(cli: &Cli) -> speak::Outcome {
    match &cli.command {
        Command::Init(ask) => init::run(cli, ask),
        Command::Pulse => pulse::run(cli),
        Command::Inspect(ask) => inspect::run(cli, ask),
        Command::Wrap(ask) => wrap::run(cli, ask),
        Command::Unwrap(ask) => unwrap::run(cli, ask),
        Command::Doctor(ask) => doctor::run(cli, ask),
        Command::Clock(ask) => clock::run(cli, ask),
        Command::Audit(ask) => audit::run(cli, ask),
        Command::LoadModule(ask) => doctor::load(ask),
    }
}
