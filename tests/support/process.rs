//! Child processes with a time limit, and tests that run in a process of their own.

use std::env;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::token;

/// Set in the child process of [`alone`]: the test's folder.
const HOME: &str = "ZEQ_TEST_HOME";
/// The longest that one test may take, on a slow and busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// What a process said before it ended.
pub(crate) struct Said {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs to the end, or kills it after `limit` and panics.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Said {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
    let out = collect(child.stdout.take());
    let err = collect(child.stderr.take());
    let status = wait(&mut child, limit);
    let (out, err) = (out.join().unwrap(), err.join().unwrap());
    match status {
        Some(status) => Said { status, out, err },
        None => panic!("{command:?} took longer than {limit:?}\n{out}\n{err}"),
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// `None` where it had to be killed.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// Runs the test that calls it in a process of its own, with a folder of its own that holds both
/// modules' configurations and is named in the environment: PKCS#11 state is one a process.
pub(crate) fn alone(body: impl FnOnce(&Path)) {
    match env::var_os(HOME) {
        Some(home) => body(Path::new(&home)),
        None => again(),
    }
}

fn again() {
    let name = thread::current().name().unwrap().to_owned();
    let home = tempfile::Builder::new()
        .prefix("zeq-test.")
        .tempdir()
        .unwrap();
    let path = fs::canonicalize(home.path()).unwrap();
    token::configure(&path);
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args([&name, "--exact", "--nocapture", "--test-threads=1"])
        .env(HOME, &path)
        .env("SOFTHSM2_CONF", token::softhsm_conf(&path))
        .env("ZEQ_BYOK_CONF", token::ours_conf(&path));
    let said = run(&mut command, LIMIT);
    let passed = said.status.success() && said.out.contains("1 passed");
    assert!(
        passed,
        "{name} by itself: {}\n{}\n{}",
        said.status, said.out, said.err
    );
    print!("{}", told(&said.out));
}

/// Set in an actor: what it is to do.
const ACT: &str = "ZEQ_TEST_ACT";

/// Another process of the same test binary on the same folder: it runs the test `actor`, which plays
/// `act` ([`role`]).
pub(crate) fn actor(home: &Path, act: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["actor", "--exact", "--nocapture", "--test-threads=1"])
        .env(ACT, act)
        .env(HOME, home)
        .env("ZEQ_BYOK_CONF", token::ours_conf(home));
    command
}

/// What this process is to play and where, if it is an actor.
pub(crate) fn role() -> Option<(String, std::path::PathBuf)> {
    let act = env::var(ACT).ok()?;
    Some((act, env::var_os(HOME)?.into()))
}

/// Plays an act to its end, which is a good one, and gives the lines that it said with `> `.
pub(crate) fn play(home: &Path, act: &str) -> Vec<String> {
    heard(&mut actor(home, act), act)
}

pub(crate) fn heard(command: &mut Command, act: &str) -> Vec<String> {
    let said = run(command, LIMIT);
    assert!(
        said.status.success(),
        "{act}: {}\n{}\n{}",
        said.status,
        said.out,
        said.err
    );
    said.out
        .lines()
        .filter_map(spoken)
        .map(str::to_owned)
        .collect()
}

/// A line that an actor said with [`say`]; the frame of the test may stand before it.
pub(crate) fn spoken(line: &str) -> Option<&str> {
    line.split_once("> ").map(|(_, said)| said)
}

/// One line for the one who started this actor.
pub(crate) fn say(what: &str) {
    println!("> {what}");
}

/// What the test itself printed, without the frame around it.
fn told(out: &str) -> String {
    let within = |line: &str| match line.strip_prefix("test ") {
        Some(framed) => framed.split_once(" ... ").map(|(_, rest)| rest.to_owned()),
        None => Some(line.to_owned()),
    };
    let frame = ["", "ok", "running 1 test"];
    out.lines()
        .filter_map(within)
        .filter(|line| !frame.contains(&line.as_str()))
        .map(|line| format!("{line}\n"))
        .collect()
}
