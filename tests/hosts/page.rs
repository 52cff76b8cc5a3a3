//! A page of `docs/hosts/`: its commands are the test.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::module::{ours_path, softhsm_path};
use crate::support::process::run;
use crate::support::{skipped, token};

/// The longest that one page may take, on a slow and busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// Before a page runs on SoftHSM: the key that stands where our token has its master key.
const STAND_IN: &str = r#"
stand_in_kek() {
  pkcs11-tool --module "$MODULE" --login --pin 123456 --keygen --key-type AES:32 --id 736f6674 --label soft --usage-wrap >/dev/null 2>&1
}
"#;

pub(crate) struct Page {
    name: &'static str,
    needs: Vec<&'static str>,
}

impl Page {
    pub(crate) fn of(name: &'static str, needs: &[&'static str]) -> Self {
        Self {
            name,
            needs: needs.to_vec(),
        }
    }

    pub(crate) fn run(&self) {
        let missing: Vec<_> = self
            .needs
            .iter()
            .filter(|program| !there(program))
            .collect();
        for program in &missing {
            skipped(&format!("{program}, for docs/hosts/{}.md", self.name));
        }
        if !missing.is_empty() {
            return;
        }
        match softhsm_path() {
            Some(module) => self.run_on(&module, false),
            None => skipped("SoftHSM (package softhsm2)"),
        }
        self.run_on(&ours_path(), true);
    }

    fn run_on(&self, module: &Path, ours: bool) {
        let home = tempfile::Builder::new()
            .prefix("zeq-hosts.")
            .tempdir()
            .unwrap();
        let path = fs::canonicalize(home.path()).unwrap();
        token::configure(&path);
        let script = path.join("page.sh");
        fs::write(&script, self.script(ours)).unwrap();
        let mut bash = Command::new("bash");
        bash.args(["-x", "page.sh"])
            .current_dir(&path)
            .env("HOME", &path)
            .env("MODULE", module)
            .env("PORT", free_port().to_string())
            .env("ROOT", env!("CARGO_MANIFEST_DIR"))
            .env("SOFTHSM2_CONF", token::softhsm_conf(&path))
            .env("ZEQ_BYOK_CONF", token::ours_conf(&path));
        let said = run(&mut bash, LIMIT);
        let log = fs::read_to_string(path.join("log")).unwrap_or_default();
        assert!(
            said.status.success(),
            "docs/hosts/{}.md on {}: {}\n{}\n{}\nlog:\n{log}",
            self.name,
            module.display(),
            said.status,
            said.out,
            said.err
        );
    }

    /// The blocks of the page, in order; those marked `ours` only where they apply.
    fn script(&self, ours: bool) -> String {
        let text = fs::read_to_string(self.path()).unwrap();
        let mut script = String::from("set -euo pipefail\n");
        script.push_str(STAND_IN);
        let mut within = false;
        for line in text.lines() {
            match line.strip_prefix("```") {
                Some("sh test") => within = true,
                Some("sh test ours") => within = ours,
                Some(_) => within = false,
                None if within => push_line(&mut script, line, ours),
                None => {}
            }
        }
        script
    }

    fn path(&self) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        root.join("docs/hosts").join(self.name).with_extension("md")
    }
}

fn push_line(script: &mut String, line: &str, ours: bool) {
    // `! command` is exempt from `set -e`: say it so that success fails.
    match line.strip_prefix("! ") {
        Some(command) => script.push_str(&format!("if {command}; then exit 99; fi\n")),
        None => script.push_str(&format!("{line}\n")),
    }
    if !ours && line.contains("--init-pin") {
        script.push_str("stand_in_kek\n");
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let libraries = [
        "/usr/sbin",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
    ];
    std::env::split_paths(&path)
        .chain(libraries.map(PathBuf::from))
        .any(|folder| folder.join(program).exists())
}
