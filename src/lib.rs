//! A PKCS#11 module whose tokens are siblings: key stores that hold a master key each. Keys leave
//! it only in envelopes, which open inside a phase window of the 1.287 Hz clock.
//!
//! A call goes down this list and never up:
//!
//! | layer       | knows                                                              |
//! |-------------|--------------------------------------------------------------------|
//! | `abi`       | C pointers, `CK_RV`                                                |
//! | `admin`     | what the companion command asks for                                |
//! | `session`   | slots, login, handles, operations under way                        |
//! | `object`    | attributes, templates, who may see what, the token row             |
//! | `mechanism` | cryptography on an opened key                                      |
//! | `envelope`  | a key at rest, its window, who can open it                         |
//! | `tether`    | k of n siblings                                                    |
//! | `sibling`   | wrapping and unwrapping a share                                    |
//! | `store`     | rows by name                                                       |
//! | `lc`        | aws-lc, safely; open to all, as are the files at the root of `src` |
//!
//! `unsafe` lives in `abi`, `lc` and `os.rs`. `tests/architecture.rs` fails when a layer names one
//! that it may not.

#[cfg(panic = "abort")]
compile_error!(
    "a panic must become CKR_GENERAL_ERROR, never the end of the host: panic = \"unwind\""
);

mod abi;
pub mod admin;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;

mod session;

mod object;

mod mechanism;

mod envelope;
mod tether;

mod sibling;

mod store;

mod lc;

mod cbor;
mod ck;
mod clock;
mod config;
mod error;
mod log;
mod os;
mod paths;
mod secret;
