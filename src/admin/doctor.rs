//! Whether everything is as it should be, and what to do where it is not.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use cryptoki_sys::*;

use super::Moment;
use super::error::Result;
use super::setup::Setup;
use super::trail;
use crate::clock::{self, Ask, Refusal, Span, Status};
use crate::config::Witness;
use crate::object::Token;
use crate::os;
use crate::secret::Secret;
use crate::store::Store;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// As it should be.
    Good,
    /// Works, and somebody should know.
    Note,
    /// Does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Check {
    /// How it is.
    pub grade: Grade,
    /// What was looked at.
    pub subject: String,
    /// What was found, and what to do.
    pub finding: String,
}

/// What a module says of itself.
#[derive(Debug)]
pub struct ModuleSays {
    /// The version of PKCS#11 that it speaks.
    pub interface: String,
    /// Its own.
    pub version: String,
    /// Who made it.
    pub manufacturer: String,
    /// How many slots it has.
    pub slots: u64,
}

impl Check {
    /// A check by its outcome: what is good, or what is bad.
    pub fn of(subject: impl Into<String>, found: std::result::Result<String, String>) -> Self {
        let (grade, finding) = match found {
            Ok(finding) => (Grade::Good, finding),
            Err(finding) => (Grade::Bad, finding),
        };
        Self {
            grade,
            subject: subject.into(),
            finding,
        }
    }

    fn note(subject: impl Into<String>, finding: impl Into<String>) -> Self {
        Self {
            grade: Grade::Note,
            subject: subject.into(),
            finding: finding.into(),
        }
    }
}

/// Looks at the configuration, the store, the tokens, the windows, the clock, key memory and the
/// audit trail. Asks for no PIN and changes nothing.
pub fn doctor(conf: Option<&Path>) -> Vec<Check> {
    let setup = match Setup::load(conf) {
        Ok(setup) => setup,
        Err(why) => return vec![Check::of("configuration", Err(why.what)), memory()],
    };
    let mut checks = vec![configuration(&setup), store(&setup)];
    match setup.tokens() {
        Ok(tokens) => checks.extend(tokens.iter().map(token)),
        Err(why) => checks.push(Check::of("tokens", Err(why.what))),
    }
    checks.extend(windows(&setup));
    checks.extend([clock(&setup), memory(), trail(&setup)]);
    checks
}

/// Loads a module as a host would. To be called in a process of its own, which ends soon.
///
/// # Errors
/// What the loader or the module says.
pub fn load_module(path: &Path) -> std::result::Result<ModuleSays, String> {
    let says = os::try_module(path)?;
    let version = |(major, minor): (u8, u8)| format!("{major}.{minor}");
    Ok(ModuleSays {
        interface: version(says.interface),
        version: version(says.library),
        manufacturer: says.manufacturer,
        slots: says.slots,
    })
}

fn configuration(setup: &Setup) -> Check {
    match &setup.config.file {
        Some(file) => Check::of("configuration", Ok(described(file))),
        None => Check::note(
            "configuration",
            "none: one Soft token in your data folder; `zeq-byok init` writes one",
        ),
    }
}

fn described(file: &Path) -> String {
    match fs::metadata(file) {
        Ok(is) => {
            let (mode, owner) = (is.mode() & 0o7777, is.uid());
            format!("{} (mode {mode:04o}, of user {owner})", file.display())
        }
        Err(why) => format!("{}: {why}", file.display()),
    }
}

fn store(setup: &Setup) -> Check {
    let path = &setup.config.store;
    let opened = match setup.store() {
        Ok(opened) => opened,
        Err(why) => return Check::of("store", Err(why.what)),
    };
    match (opened.writable(), path.exists()) {
        (true, true) => Check::of("store", Ok(described(path))),
        (true, false) => Check::note(
            "store",
            format!("{} will be made at the first write", path.display()),
        ),
        (false, _) => Check::note(
            "store",
            format!(
                "{} may only be read: no login, nothing new",
                described(path)
            ),
        ),
    }
}

fn token(token: &Arc<Token>) -> Check {
    let subject = format!("token {}", token.id());
    let (info, has) = (token.info(), |flag| token.info().flags & flag != 0);
    if !has(CKF_TOKEN_INITIALIZED) {
        return Check::note(
            subject,
            "not initialised: pkcs11-tool --module libzeq_byok.so --init-token --label NAME",
        );
    }
    if has(CKF_USER_PIN_LOCKED) || has(CKF_SO_PIN_LOCKED) {
        return Check::of(subject, Err("a PIN is locked: too many wrong ones".into()));
    }
    if !has(CKF_USER_PIN_INITIALIZED) {
        let what = "no user PIN: pkcs11-tool --login --login-type so --init-pin";
        return Check::note(subject, what);
    }
    if has(CKF_USER_PIN_COUNT_LOW) || has(CKF_SO_PIN_COUNT_LOW) {
        return Check::note(subject, "wrong PINs have been tried since the last login");
    }
    Check::of(subject, Ok(format!("initialised, label {:?}", info.label)))
}

/// A window that never closes protects nothing that was stolen.
fn windows(setup: &Setup) -> Vec<Check> {
    let default = setup.config.default_window;
    let siblings = setup.config.siblings.iter();
    siblings
        .map(|sibling| {
            let subject = format!("window of {}", sibling.id);
            match sibling.window.unwrap_or(default) {
                Span::Never => Check::note(
                    subject,
                    "never: a stolen envelope keeps its worth; set `window` or wrap with --window",
                ),
                Span::Seconds(_) => {
                    let window = sibling.window.unwrap_or(default);
                    Check::of(subject, Ok(window.to_string()))
                }
            }
        })
        .collect()
}

fn clock(setup: &Setup) -> Check {
    match judged(setup) {
        Ok(check) => check,
        Err(why) => Check::of("clock", Err(why.what)),
    }
}

/// As the module would judge it now, and keeping nothing of it.
fn judged(setup: &Setup) -> Result<Check> {
    let kept: clock::State = setup.store()?.clock(&clock::domain())?;
    let now = clock::read();
    let required = |witness| witness == Witness::Required;
    let ask = Ask {
        bounded: true,
        required: setup.config.siblings.iter().any(|s| required(s.witness)),
        tolerance: setup.config.tolerance_ns(),
    };
    let mark = kept.mark.map_or_else(String::new, |mark| {
        format!("; proven or steady up to {}", Moment(mark))
    });
    let at = Moment(now.unix);
    Ok(match clock::judge(ask, now, kept).verdict {
        Ok((_, Status::Proven)) => Check::of("clock", Ok(format!("{at}, proven{mark}"))),
        Ok((_, Status::Steady)) => {
            Check::of("clock", Ok(format!("{at}, steady, unwitnessed{mark}")))
        }
        Ok((_, Status::Unproven)) => Check::note(
            "clock",
            format!(
                "{at}, unwitnessed, not a day in step yet: windows are judged by it, nothing that \
                 closed is deleted by it{mark}"
            ),
        ),
        Err(Refusal::SetBack) => Check::of(
            "clock",
            Err(format!(
                "{at} is set back{mark}: set it right, or if it is right `zeq-byok clock accept`"
            )),
        ),
        Err(Refusal::NoWitness) => Check::of(
            "clock",
            Err(format!("{at}: `witness = \"required\"`, and there is none")),
        ),
    })
}

fn memory() -> Check {
    let subject = "key memory";
    let Ok(_some) = Secret::zeroed(32) else {
        return Check::of(subject, Err("there is none".into()));
    };
    let report = os::locked_memory_report();
    if report.guarded < report.mapped {
        let what = "the kernel does not keep it out of core dumps and forked children";
        return Check::note(subject, what);
    }
    match report.locked < report.mapped {
        true => Check::note(
            subject,
            "not locked, so that keys may be written to swap: raise the limit (`ulimit -l`, \
             LimitMEMLOCK=)",
        ),
        false => Check::of(
            subject,
            Ok("locked, kept out of core dumps, wiped on fork and on free".into()),
        ),
    }
}

fn trail(setup: &Setup) -> Check {
    let found = trail::verify(setup, None);
    Check::of(
        "audit trail",
        found
            .map(|head| format!("unbroken, head {head}"))
            .map_err(|why| why.what),
    )
}
