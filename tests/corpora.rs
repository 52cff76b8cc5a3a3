//! The committed corpora of the fuzz targets, replayed: what once reached new ground still does no
//! harm. `cargo test --features fuzzing --test corpora`; `scripts/fuzz` goes on from them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    unreachable_pub,
    reason = "a test"
)]
#![allow(
    clippy::multiple_unsafe_ops_per_block,
    clippy::undocumented_unsafe_blocks,
    reason = "a test calls C"
)]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::fs;
use std::path::Path;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 20, "{target} has a corpus");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn envelopes_of_the_corpus_are_refused_or_written_as_they_were_read() {
    corpus("envelope")
        .iter()
        .for_each(|bytes| zeq_byok::fuzzing::envelope(bytes));
}

#[test]
fn templates_of_the_corpus_are_refused_or_written_as_they_were_read() {
    corpus("template")
        .iter()
        .for_each(|bytes| zeq_byok::fuzzing::template(bytes));
}

#[test]
fn calls_of_the_corpus_end_and_leave_a_token_that_works() {
    let mut host = fuzz::Host::fresh();
    corpus("call_sequence")
        .iter()
        .for_each(|bytes| host.run(bytes));
}
