//! The 1.287 Hz clock: ticks of 777 ms of Unix time, and the phase within one.
#![forbid(unsafe_code)]
