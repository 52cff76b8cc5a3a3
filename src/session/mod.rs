//! Who is connected, and what is under way.
#![forbid(unsafe_code)]
