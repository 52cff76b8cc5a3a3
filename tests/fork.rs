//! Forks, in the ways that hosts do: nginx, Apache, sshd and BIND fork after they have loaded and
//! used a module. `tests/c/forks.c` is the host.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::host;

/// `scripts/test` sets more.
const CHILDREN: &str = "200";

#[test]
fn a_child_that_only_initializes_works() {
    forks("initialize", &[]);
}

#[test]
fn a_child_that_finalizes_and_initializes_works() {
    forks("finalize", &[]);
}

#[test]
fn a_child_that_does_nothing_ends() {
    forks("nothing", &[]);
}

#[test]
fn a_child_that_keeps_calling_is_told_that_it_is_not_initialized() {
    forks("calls", &[]);
}

#[test]
fn no_child_hangs_that_was_forked_while_threads_draw_sign_store_and_end() {
    let children = std::env::var("ZEQ_TEST_CHILDREN").unwrap_or_else(|_| CHILDREN.into());
    forks("storm", &[&children]);
}

fn forks(mode: &str, more: &[&str]) {
    let home = host::home();
    host::run(home.path(), "forks", &[&[mode], more].concat());
}
