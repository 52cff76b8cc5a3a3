//! Files that are there whole or not at all.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::command::{USER, command, run, with_token};

#[test]
fn a_killed_unwrap_leaves_the_old_file_or_the_whole_new_one_and_nothing_else() {
    with_token(|home, _| {
        let (old, new) = (b"old".to_vec(), vec![0x5a; 65_536]);
        let envelope = home.join("envelope");
        let sealed = run(&["wrap", "--kek", "soft", USER], &new).good();
        fs::write(&envelope, sealed).unwrap();
        let folder = home.join("out");
        fs::create_dir(&folder).unwrap();
        let out = folder.join("key");
        let arguments = [
            "unwrap",
            USER,
            "--in",
            envelope.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ];
        let mut whole = 0;
        for round in 0..40 {
            fs::write(&out, &old).unwrap();
            let mut child = command(&arguments).stdin(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_millis(round * 5));
            child.kill().unwrap();
            child.wait().unwrap();
            let found = fs::read(&out).unwrap();
            assert!(found == old || found == new, "{} bytes", found.len());
            whole += usize::from(found == new);
            // Between giving a name and taking the old file's place a whole copy has its own.
            for other in fs::read_dir(&folder).unwrap() {
                let other = other.unwrap().path();
                assert!(
                    other == out || fs::read(&other).unwrap() == new,
                    "round {round}"
                );
            }
            // A login that was killed counts as a wrong PIN: a good one clears the count.
            if round % 6 == 5 {
                run(&["unwrap", USER, "--in", envelope.to_str().unwrap()], b"").good();
            }
        }
        println!("{whole} of 40 had ended before they were killed");
        run(&arguments, b"").good();
        assert_eq!(fs::read(&out).unwrap(), new);
    });
}

#[test]
fn what_comes_out_is_its_owners_and_a_failure_touches_nothing() {
    with_token(|home, _| {
        let out = home.join("key");
        let out_name = out.to_str().unwrap();
        let sealed = run(&["wrap", "--kek", "soft", USER], b"some secret").good();
        run(&["unwrap", USER, "--out", out_name], b"no envelope").failed(5);
        assert!(!out.exists());
        run(&["unwrap", USER, "--out", out_name], &sealed).good();
        assert_eq!(fs::read(&out).unwrap(), b"some secret");
        assert_eq!(fs::metadata(&out).unwrap().mode() & 0o777, 0o600);
        run(&["unwrap", USER, "--out", out_name], b"no envelope").failed(5);
        assert_eq!(fs::read(&out).unwrap(), b"some secret");
    });
}
