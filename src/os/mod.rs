//! What only the operating system can do: locked memory, the fork word, clocks, who we are.
//! One of the three homes of `unsafe`.

mod clock;
mod fork;
mod leaked;
mod locked;
mod map;
mod module;
mod process;
mod quiet;
mod scratch;
mod sqlite;
mod unnamed;

pub(crate) use clock::{boottime_ns, realtime_ns, sleep};
pub(crate) use fork::process_generation;
pub(crate) use leaked::Leaked;
pub(crate) use locked::{Locked, locked_memory_report};
pub(crate) use module::try_module;
pub(crate) use process::{effective_user, home, may_write, secure};
pub(crate) use quiet::write_quietly;
pub(crate) use scratch::Scratch;
pub(crate) use sqlite::sqlite_tells_processes_apart;
pub(crate) use unnamed::give_name;

#[cfg(test)]
pub(crate) use fork::tests::in_child;
