//! `docs/conformance.md` says what is so.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The words of a text that `` ` `` encloses.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_document_lists_exactly_the_functions_that_are_not_supported() {
    let source = read("src/abi/unsupported.rs");
    let mut built: Vec<&str> = source
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("C_"))
        .collect();
    let page = read("docs/conformance.md");
    let (_, rest) = page.split_once("## Functions").unwrap();
    let (table, _) = rest.split_once("\n## ").unwrap();
    let mut named: Vec<&str> = quoted(table)
        .into_iter()
        .filter(|word| word.starts_with("C_"))
        .collect();
    built.sort_unstable();
    built.dedup();
    named.sort_unstable();
    assert_eq!(named, built);
}

#[test]
fn every_test_that_the_document_names_exists() {
    let page = read("docs/conformance.md");
    let (_, rest) = page.split_once("## Differences from SoftHSM").unwrap();
    let (table, _) = rest.split_once("\n## ").unwrap();
    for (module, test) in quoted(table).into_iter().filter_map(|w| w.split_once("::")) {
        let source = read(&format!("tests/conformance/{module}.rs"));
        let there = source.contains(&format!("fn {test}()"));
        assert!(there, "{module}::{test} is named, and does not exist");
    }
}
