//! `doctor`: looks at everything, the module in a process of its own.
#![forbid(unsafe_code)]

use std::env;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zeq_byok::admin::{self, Check, Error, Failure, Grade};

use crate::cli::{Cli, Doctor, LoadModule};
use crate::speak::{self, Outcome};

/// The longest that a module may take to start and end.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn run(cli: &Cli, ask: &Doctor) -> Outcome {
    let mut checks = admin::doctor(cli.conf.as_deref());
    checks.push(module(cli, ask));
    let value = json!({ "checks": checks.iter().map(value).collect::<Vec<_>>() });
    let lines: String = checks.iter().map(line).collect();
    speak::report(cli.json, &value, &lines)?;
    match checks.iter().any(|check| check.grade == Grade::Bad) {
        true => Ok(ExitCode::FAILURE),
        false => Ok(ExitCode::SUCCESS),
    }
}

/// The child's part: one line on standard output, or an error.
pub(crate) fn load(ask: &LoadModule) -> Outcome {
    let says = admin::load_module(&ask.module).map_err(|why| Error::new(Failure::Other, why))?;
    let line = format!(
        "{} {}, PKCS#11 {}, {} slots",
        says.manufacturer, says.version, says.interface, says.slots
    );
    speak::report(false, &Value::Null, &line)
}

fn module(cli: &Cli, ask: &Doctor) -> Check {
    let path = ask.module.clone().unwrap_or_else(admin::module);
    let subject = format!("module {}", path.display());
    Check::of(subject, in_a_child(cli, &path))
}

/// As a host would: another process, the same configuration.
fn in_a_child(cli: &Cli, path: &Path) -> Result<String, String> {
    let command = env::current_exe().map_err(|why| why.to_string())?;
    let mut command = Command::new(command);
    command.arg("load-module").arg(path).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(conf) = &cli.conf {
        command.env("ZEQ_BYOK_CONF", conf);
    }
    let mut child = command.spawn().map_err(|why| why.to_string())?;
    let ended = wait(&mut child).map_err(|why| why.to_string())?;
    let (said, complained) = (all(child.stdout.take()), all(child.stderr.take()));
    match ended {
        None => Err(format!("it took longer than {} s", LIMIT.as_secs())),
        Some(true) => Ok(said),
        Some(false) if complained.is_empty() => Err("it ended the process".to_string()),
        Some(false) => Err(complained.trim_start_matches("zeq-byok: ").to_string()),
    }
}

/// Whether it ended well; `None`: it had to be killed.
fn wait(child: &mut Child) -> std::io::Result<Option<bool>> {
    let end = Instant::now() + LIMIT;
    while Instant::now() < end {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill()?;
    child.wait().map(|_| None)
}

fn all(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What was read before an error is worth saying too.
        drop(pipe.take(4096).read_to_end(&mut bytes));
    }
    String::from_utf8_lossy(&bytes).trim_end().to_string()
}

fn name(grade: Grade) -> &'static str {
    match grade {
        Grade::Good => "good",
        Grade::Note => "note",
        Grade::Bad => "bad",
    }
}

fn value(check: &Check) -> Value {
    json!({ "grade": name(check.grade), "subject": check.subject, "finding": check.finding })
}

fn line(check: &Check) -> String {
    format!(
        "{:4}  {}: {}\n",
        name(check.grade),
        check.subject,
        check.finding
    )
}
