//! `include/zeq_byok.h` as a C and a C++ compiler see it, and a C program that uses it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod support;

use std::process::{Command, Output};

// Not -pedantic: the standard's own header has stray semicolons.
const STRICT: &[&str] = &["-Wall", "-Wextra", "-Werror", "-Iinclude"];

/// `None`, said loudly, where there is no such compiler.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("SKIPPED: {program}: {error}");
            None
        }
    }
}

fn assert_well(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_header_compiles_alone_as_c99_and_as_cpp() {
    for (compiler, standard, language) in [("cc", "-std=c99", "c"), ("c++", "-std=c++11", "c++")] {
        let mut arguments = STRICT.to_vec();
        arguments.extend([
            standard,
            "-x",
            language,
            "-fsyntax-only",
            "include/zeq_byok.h",
        ]);
        if let Some(output) = run(compiler, &arguments) {
            assert_well(&output);
        }
    }
}

#[test]
fn a_c_program_chooses_a_window_and_learns_why_another_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let program = home.path().join("window");
    let mut arguments = STRICT.to_vec();
    arguments.extend(["-std=c99", "tests/c/window.c", "-ldl", "-o"]);
    arguments.push(program.to_str().unwrap());
    let Some(compiled) = run("cc", &arguments) else {
        return;
    };
    assert_well(&compiled);
    support::token::configure(home.path());
    let library = std::env::current_exe().unwrap();
    let output = Command::new(&program)
        .arg(library.with_file_name("libzeq_byok.so"))
        .args(["0", "12345678", "123456"])
        .env("ZEQ_BYOK_CONF", support::token::ours_conf(home.path()))
        .output()
        .unwrap();
    assert_well(&output);
    assert_eq!(output.stdout, b"ok\n");
}
