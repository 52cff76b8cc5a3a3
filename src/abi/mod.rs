//! The C ABI: one file per chapter of the PKCS#11 function list.
//!
//! # The pointer contract
//!
//! PKCS#11 promises of every call: (1) a non-null pointer with a length names that many readable
//! bytes, at any alignment; (2) an output pointer is writable until the call returns, at any
//! alignment, and shares memory with nothing but, perhaps, the input of the same call; (3) the
//! host does not free or change either before then. Every `SAFETY` comment below cites these by
//! number. A length of an output buffer is believed only for the bytes that are written.

#![expect(non_snake_case, reason = "the names are the standard's")]

mod args;
mod decrypt;
mod digest;
mod encrypt;
mod entry;
mod function_list;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzed;
mod general;
mod keys;
mod objects;
mod params;
mod random;
mod sessions;
mod sign;
mod slots;
mod template;
mod unsupported;
mod verify;
