//! A full disk, a store that may only be read, and one that others may write.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use cryptoki_sys::*;

use crate::support::module::Module;
use crate::support::process::{alone, play};
use crate::support::token::{self, PIN, Token};
use crate::support::zeq::STORE_NOT_WRITABLE;
use crate::support::{skipped, store};
use crate::{again, ecb, found, kept, labelled, refused, told, user};

const NOT_WRITABLE: (CK_ULONG, &str) = (STORE_NOT_WRITABLE, "store not writable");

/// A small file system of its own for the store; `None` where we may not mount one.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn under(home: &'a Path) -> Option<Self> {
        let options = "size=1m,mode=0700";
        let mounted = mount(&["-t", "tmpfs", "-o", options, "zeq-test"], home);
        if mounted {
            token::configure(home);
            return Some(Self(home));
        }
        skipped("the right to mount a file system");
        None
    }

    fn read_only(&self, only: bool) {
        let how = if only { "remount,ro" } else { "remount,rw" };
        assert!(mount(&["-o", how], self.0));
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

fn mount(options: &[&str], on: &Path) -> bool {
    let status = Command::new("mount")
        .args(options)
        .arg(on)
        .stderr(std::process::Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    alone(|home| {
        let Some(_disk) = Disk::under(home) else {
            return;
        };
        let token = Token::fresh(Module::ours());
        let session = token.user();
        session.create(kept("before")).unwrap();
        let filler = home.join("filler");
        drop(fs::write(&filler, vec![0; 4 << 20]));
        let mut made = 0;
        let said = loop {
            match session.create(kept(&format!("full-{made}"))) {
                Ok(_) => made += 1,
                Err(said) => break said,
            }
            assert!(made < 10_000);
        };
        assert_eq!(
            (said.0, session.reason()),
            (CKR_DEVICE_ERROR, STORE_NOT_WRITABLE)
        );
        session
            .encrypt(&ecb(), found(&session, "before"), &[0; 16])
            .unwrap();
        fs::remove_file(&filler).unwrap();
        assert!(
            session
                .find(labelled(&format!("full-{made}")))
                .unwrap()
                .is_empty()
        );
        session.create(kept("after")).unwrap();
        let session = again(&token);
        for n in 0..made {
            found(&session, &format!("full-{n}"));
        }
        for label in ["before", "after"] {
            session
                .encrypt(&ecb(), found(&session, label), &[0; 16])
                .unwrap();
        }
        // The log lies on the same disk: it has room again.
        assert_eq!(store::sql(home, "PRAGMA integrity_check"), "ok");
    });
}

#[test]
fn a_read_only_store_is_read_and_searched_and_checks_no_pin() {
    alone(|home| {
        let Some(disk) = Disk::under(home) else {
            return;
        };
        let token = Token::fresh(Module::ours());
        let session = token.user();
        session
            .create(
                crate::support::template::of_class(CKO_DATA)
                    .yes(CKA_TOKEN)
                    .no(CKA_PRIVATE)
                    .text(CKA_LABEL, "public")
                    .bytes(CKA_VALUE, b"for all"),
            )
            .unwrap();
        session.create(kept("private")).unwrap();
        token.module.finalize().unwrap();
        let log = home.with_extension("log");
        let conf = fs::read_to_string(token::ours_conf(home)).unwrap();
        let moved = conf.replace(
            &format!("file:{}/log", home.display()),
            &format!("file:{}", log.display()),
        );
        fs::write(token::ours_conf(home), moved).unwrap();
        disk.read_only(true);
        play(home, "read-only");
        disk.read_only(false);
        assert_eq!(store::sql(home, "SELECT user_tries FROM token"), "0");
        assert!(fs::read_to_string(&log).unwrap().contains(NOT_WRITABLE.1));
        fs::remove_file(log).unwrap();
        token.module.initialize().unwrap();
        found(&token.user(), "private");
    });
}

/// In another process, on a disk that may only be read.
pub(crate) fn reads() {
    let token = Token::existing();
    let session = token.session();
    let public = found(&session, "public");
    assert_eq!(session.get(public, CKA_VALUE).unwrap(), b"for all");
    for pin in [PIN, "wrong"] {
        assert_eq!(refused(session.login(CKU_USER, pin)), CKR_DEVICE_ERROR);
        assert_eq!(session.reason(), STORE_NOT_WRITABLE);
    }
    let more = crate::support::template::of_class(CKO_DATA)
        .yes(CKA_TOKEN)
        .no(CKA_PRIVATE);
    assert_eq!(refused(session.create(more)), CKR_DEVICE_ERROR);
    assert_eq!(session.reason(), STORE_NOT_WRITABLE);
    assert_eq!(refused(session.destroy(public)), CKR_DEVICE_ERROR);
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_store_that_others_may_write_is_refused() {
    user(|home, token| {
        let session = token.user();
        session.create(kept("one")).unwrap();
        token.module.finalize().unwrap();
        let file = home.join("store.db");
        for open in [0o602, 0o666, 0o606] {
            let closed = fs::metadata(&file).unwrap().permissions().mode();
            mode(&file, open);
            assert_eq!(
                refused(token.module.initialize()),
                CKR_DEVICE_ERROR,
                "{open:o}"
            );
            mode(&file, closed);
        }
        assert!(store::log(home).contains("may be written by everybody"));
        token.module.initialize().unwrap();
        found(&token.user(), "one");
    });
}

#[test]
fn a_configuration_that_others_may_write_is_refused() {
    user(|home, token| {
        token.module.finalize().unwrap();
        mode(&token::ours_conf(home), 0o602);
        assert_eq!(refused(token.module.initialize()), CKR_GENERAL_ERROR);
        mode(&token::ours_conf(home), 0o600);
        token.module.initialize().unwrap();
        told_nothing(home, &token);
    });
}

fn told_nothing(home: &Path, token: &Token) {
    let session = token.user();
    session.create(kept("one")).unwrap();
    let far = session.find(labelled("none")).unwrap();
    assert!(far.is_empty());
    told(
        home,
        &session,
        session.unwrap(
            &crate::Mech::envelope(),
            crate::kek(&session),
            b"x",
            crate::Template::default(),
        ),
        CKR_WRAPPED_KEY_INVALID,
        (crate::support::zeq::NOT_AN_ENVELOPE, "not an envelope"),
    );
}
