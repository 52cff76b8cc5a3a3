//! A host that calls a PKCS#11 module in any order with any arguments, led by bytes. The fuzz target
//! `call_sequence` runs it, and so does `tests/corpora.rs`, which includes this file.
//!
//! Every argument is one that a host could give: a pointer is NULL or leads to memory that is there,
//! at any alignment, and a length is right, short, or longer than memory can be.

mod arguments;
mod calls;
mod host;

pub use host::Host;
