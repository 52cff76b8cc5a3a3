//! The command and hosts open each other's envelopes: the module through its functions, and
//! pkcs11-tool, unmodified.

use std::fs;
use std::process::Command;

use cryptoki_sys::*;

use crate::command::{NOT_PERMITTED, USER, run, with_token};
use crate::support::mech::Mech;
use crate::support::module::ours_path;
use crate::support::session::Session;
use crate::support::skipped;
use crate::support::template::{Template, of_class, open_aes};
use crate::support::token::PIN;

const CKM_ZEQ_ENVELOPE: CK_MECHANISM_TYPE = 0x8000_5A45;

fn kek(session: &Session<'_>) -> CK_OBJECT_HANDLE {
    let template = of_class(CKO_SECRET_KEY).text(CKA_LABEL, "soft");
    session.find(template).unwrap()[0]
}

#[test]
fn data_goes_from_the_command_to_hosts_and_back() {
    with_token(|_, token| {
        let session = token.user();
        let (how, kek) = (Mech::plain(CKM_ZEQ_ENVELOPE), kek(&session));
        let envelope = run(&["wrap", "--kek", "soft", USER], b"from the command").good();
        let opened = session.decrypt(&how, kek, &envelope).unwrap();
        assert_eq!(opened, b"from the command");
        let envelope = session.encrypt(&how, kek, b"from a host").unwrap();
        assert_eq!(run(&["unwrap", USER], &envelope).good(), b"from a host");
    });
}

#[test]
fn a_key_of_the_command_is_unwrapped_by_hosts() {
    with_token(|_, token| {
        let session = token.user();
        let key: Vec<u8> = (0..32).collect();
        let envelope = run(&["wrap", "--kek", "soft", USER, "--key-type", "AES"], &key).good();
        let how = Mech::plain(CKM_ZEQ_ENVELOPE);
        let opened = session.unwrap(&how, kek(&session), &envelope, Template::default());
        let opened = opened.unwrap();
        assert_eq!(session.get(opened, CKA_VALUE).unwrap(), key);
        assert_eq!(session.get_number(opened, CKA_KEY_TYPE), Ok(CKK_AES));
        assert_eq!(session.get_flag(opened, CKA_EXTRACTABLE), Ok(true));
    });
}

#[test]
fn a_key_of_hosts_is_printed_only_if_it_may_be_seen() {
    with_token(|_, token| {
        let session = token.user();
        let (how, kek) = (Mech::plain(CKM_ZEQ_ENVELOPE), kek(&session));
        let value: Vec<u8> = (0..32).rev().collect();
        let open = open_aes().bytes(CKA_VALUE, &value);
        let sensitive = open.clone().without(CKA_SENSITIVE).yes(CKA_SENSITIVE);
        let sealed = |template| {
            let key = session.create(template).unwrap();
            session.wrap(&how, kek, key).unwrap()
        };
        assert_eq!(run(&["unwrap", USER], &sealed(open)).good(), value);
        let told = run(&["unwrap", USER], &sealed(sensitive)).failed(NOT_PERMITTED);
        assert!(told.contains("C_UnwrapKey"), "{told}");
    });
}

fn tool(arguments: &[&str]) -> bool {
    let mut tool = Command::new("pkcs11-tool");
    tool.arg("--module").arg(ours_path());
    let output = tool
        .args(["--login", "--pin", PIN])
        .args(arguments)
        .output();
    let output = output.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}");
    true
}

#[test]
fn pkcs11_tool_and_the_command_open_each_others_envelopes() {
    if Command::new("pkcs11-tool").arg("--help").output().is_err() {
        return skipped("pkcs11-tool (package opensc)");
    }
    with_token(|home, _| {
        let path = |name: &str| home.join(name).to_str().unwrap().to_string();
        let key: Vec<u8> = (100..132).collect();
        let from_command = run(&["wrap", "--kek", "soft", USER, "--key-type", "AES"], &key);
        fs::write(path("envelope"), from_command.good()).unwrap();
        let (envelope, again) = (path("envelope"), path("again"));
        tool(&[
            "--unwrap",
            "-m",
            "AES-KEY-WRAP",
            "--id",
            "736f6674",
            "-i",
            &envelope,
            "--key-type",
            "AES:",
            "--application-id",
            "77",
            "--application-label",
            "unwrapped",
            "--extractable",
        ]);
        tool(&[
            "--wrap",
            "-m",
            "AES-KEY-WRAP",
            "--id",
            "736f6674",
            "--application-id",
            "77",
            "--output-file",
            &again,
        ]);
        assert_eq!(run(&["unwrap", USER, "--in", &again], b"").good(), key);
    });
}
