//! What the companion command calls: the safe front door.
#![forbid(unsafe_code)]
