//! `include/zeq_byok.h` as a C and a C++ compiler see it, and a C program that uses it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::path::{Path, PathBuf};
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

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    folder.join(format!("{name}-{}", std::process::id()))
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
fn a_c_program_loads_the_library() {
    let program = scratch("window");
    let mut arguments = STRICT.to_vec();
    arguments.extend([
        "-std=c99",
        "tests/c/window.c",
        "-ldl",
        "-o",
        program.to_str().unwrap(),
    ]);
    let Some(compiled) = run("cc", &arguments) else {
        return;
    };
    assert_well(&compiled);
    let library = std::env::current_exe()
        .unwrap()
        .with_file_name("libzeq_byok.so");
    let output = Command::new(&program).arg(library).output().unwrap();
    std::fs::remove_file(&program).unwrap();
    assert_well(&output);
    assert_eq!(output.stdout, b"ok\n");
}
