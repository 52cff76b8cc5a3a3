//! Where the module lies that goes with this command.
#![forbid(unsafe_code)]

use std::env;
use std::path::{Path, PathBuf};

const NAME: &str = "libzeq_byok.so";

/// Beside the command, where a package puts it, else the bare name, which the loader looks for.
pub fn module() -> PathBuf {
    let command = env::current_exe().unwrap_or_default();
    let beside = command.parent().unwrap_or_else(|| Path::new("/"));
    let places = [
        beside.join(NAME),
        beside.join("../lib/pkcs11").join(NAME),
        beside.join("../lib").join(NAME),
    ];
    let there = places.into_iter().find(|place| place.is_file());
    there.unwrap_or_else(|| PathBuf::from(NAME))
}
