//! Hosts that were not written for us, as the pages of `docs/hosts/` drive them: each page's blocks
//! marked `sh test` are run in order, in a folder of their own, on SoftHSM first and then on ours.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "test code: a failure ends the test"
)]

mod support;

#[path = "hosts/page.rs"]
mod page;

use page::Page;

#[test]
fn pkcs11_tool() {
    Page::of("pkcs11-tool", &["pkcs11-tool", "openssl"]).run();
}

#[test]
fn p11tool() {
    Page::of(
        "p11tool",
        &["pkcs11-tool", "p11tool", "certtool", "openssl"],
    )
    .run();
}

#[test]
fn openssl() {
    Page::of(
        "openssl",
        &["pkcs11-tool", "openssl", "engines-3/pkcs11.so"],
    )
    .run();
}

#[test]
fn nginx() {
    let needs = [
        "pkcs11-tool",
        "openssl",
        "engines-3/pkcs11.so",
        "nginx",
        "pgrep",
    ];
    Page::of("nginx", &needs).run();
}

#[test]
fn c() {
    Page::of("c", &["pkcs11-tool", "cc"]).run();
}
