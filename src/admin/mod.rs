//! What the companion command calls: the safe front door. Each file is one subject of the command,
//! in plain values: no layer's own types pass it.
#![forbid(unsafe_code)]

mod error;
mod init;
mod inspect;
mod module;
mod output;
mod plain;
mod pulse;
mod seal;
mod setup;
mod time;

pub use error::{Error, Failure};
pub use init::{Made, init};
pub use inspect::{Inspected, Member, State, inspect};
pub use module::module;
pub use output::write_whole;
pub use plain::{Format, Plain};
pub use pulse::{Pulse, pulse};
pub use seal::{KeyType, Report, Unwrap, Wrap, unwrap, wrap};
pub use setup::{PinPrompt, PinSource, Pins, Setup};
pub use time::Moment;
