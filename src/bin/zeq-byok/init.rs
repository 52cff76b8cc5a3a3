//! `init`: a first configuration and its store.
#![forbid(unsafe_code)]

use serde_json::json;
use zeq_byok::admin::{self, Made};

use crate::cli::{Cli, Init};
use crate::speak::{self, Outcome};

pub(crate) fn run(cli: &Cli, ask: &Init) -> Outcome {
    let made = admin::init(ask.dir.as_deref(), cli.conf.as_deref())?;
    let next = next(&made);
    let value = json!({
        "configuration": made.configuration,
        "store": made.store,
        "next": next,
    });
    let lines = speak::table(&[
        ("configuration", made.configuration.display().to_string()),
        ("store", made.store.display().to_string()),
    ]);
    speak::report(cli.json, &value, &format!("{lines}next:\n  {next}\n"))
}

/// The command that makes the token.
fn next(made: &Made) -> String {
    let mut command = String::new();
    if made.must_be_named {
        let file = quoted(&made.configuration.to_string_lossy());
        command = format!("export ZEQ_BYOK_CONF={file}; ");
    }
    let module = admin::module();
    let module = quoted(&module.to_string_lossy());
    command
        + &format!(
            "pkcs11-tool --module {module} --init-token --slot-index 0 --label zeq && \
             pkcs11-tool --module {module} --slot-index 0 --login --login-type so --init-pin"
        )
}

/// For a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    match text.chars().all(plain) {
        true => text.to_string(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
