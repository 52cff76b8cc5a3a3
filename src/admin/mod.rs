//! What the companion command calls: the safe front door. Each file is one subject of the command,
//! in plain values: no layer's own types pass it.
#![forbid(unsafe_code)]

mod clock;
mod doctor;
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
mod trail;

pub use clock::{Accepted, accept_clock};
pub use doctor::{Check, Grade, ModuleSays, doctor, load_module};
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
pub use trail::{Event, Head, LastError, export, last_error, verify};
