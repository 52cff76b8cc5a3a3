//! The companion command.
#![forbid(unsafe_code)]

fn main() {}
