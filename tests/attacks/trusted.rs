//! CKA_TRUSTED is the SO's alone; what wants a trusted wrapping key leaves by no other (rule 23).

use cryptoki_sys::*;

use crate::support::mech::{Mech, SHA256};
use crate::support::session::Session;
use crate::support::template::{Template, of_class, secret};
use crate::support::token::{PIN, SO_PIN};
use crate::{kek, kw, open, refused, user};

fn certificate() -> Template {
    of_class(CKO_CERTIFICATE)
        .number(CKA_CERTIFICATE_TYPE, CKC_X_509)
        .bytes(CKA_SUBJECT, b"\x30\x00")
        .bytes(CKA_VALUE, b"\x30\x00")
}

#[test]
fn a_user_trusts_no_key_by_any_call_that_takes_a_template() {
    user(|_, session| {
        let trusted = || Template::default().yes(CKA_TRUSTED);
        let key = session.create(open()).unwrap();
        let base = open()
            .without(CKA_KEY_TYPE)
            .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        let base = session.create(base).unwrap();
        let wrapped = session.wrap(&kw(), key, key).unwrap();
        let sealed = session.wrap(&Mech::envelope(), kek(&session), key).unwrap();
        let ec = || {
            Template::default().bytes(CKA_EC_PARAMS, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")
        };
        let with = |template: Template| template.yes(CKA_TRUSTED);
        let derived = secret(CKK_AES).number(CKA_VALUE_LEN, 32);
        let pair = Mech::plain(CKM_EC_KEY_PAIR_GEN);
        let generation = Mech::plain(CKM_AES_KEY_GEN);
        for (call, said) in [
            ("create", session.create(with(open())).map(drop)),
            (
                "token object",
                session.create(with(open()).yes(CKA_TOKEN)).map(drop),
            ),
            ("certificate", session.create(with(certificate())).map(drop)),
            (
                "generate",
                session
                    .generate(&generation, trusted().number(CKA_VALUE_LEN, 32))
                    .map(drop),
            ),
            (
                "pair",
                session
                    .generate_pair(&pair, with(ec()), Template::default())
                    .map(drop),
            ),
            ("copy", session.copy(key, trusted()).map(drop)),
            ("set", session.set(key, trusted())),
            (
                "derive",
                session
                    .derive(&Mech::hkdf(SHA256, b"", b""), base, with(derived))
                    .map(drop),
            ),
            (
                "unwrap",
                session
                    .unwrap(&kw(), key, &wrapped, with(secret(CKK_AES)))
                    .map(drop),
            ),
            (
                "open",
                session
                    .unwrap(&Mech::envelope(), kek(&session), &sealed, trusted())
                    .map(drop),
            ),
        ] {
            assert!(said.is_err(), "{call}");
        }
    });
}

/// The only object with a label.
fn found(session: &Session<'_>, label: &str) -> CK_OBJECT_HANDLE {
    session
        .find(Template::default().text(CKA_LABEL, label))
        .unwrap()[0]
}

fn so_trusts(session: &Session<'_>, label: &str) {
    session.logout().unwrap();
    session.login(CKU_SO, SO_PIN).unwrap();
    let key = found(session, label);
    session
        .set(key, Template::default().yes(CKA_TRUSTED))
        .unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, PIN).unwrap();
}

#[test]
fn a_key_for_trusted_wrapping_leaves_by_no_other() {
    user(|_, session| {
        let with = open()
            .yes(CKA_TOKEN)
            .no(CKA_PRIVATE)
            .text(CKA_LABEL, "with");
        session.create(with).unwrap();
        let key = open()
            .yes(CKA_WRAP_WITH_TRUSTED)
            .yes(CKA_TOKEN)
            .text(CKA_LABEL, "key");
        let key = session.create(key).unwrap();
        let untrusted = session.wrap(&kw(), found(&session, "with"), key);
        assert_eq!(refused(untrusted), CKR_KEY_NOT_WRAPPABLE);
        // Nor by the KEK, unless the configuration trusts it.
        let sealed = session.wrap(&Mech::envelope(), kek(&session), key);
        assert_eq!(refused(sealed), CKR_KEY_NOT_WRAPPABLE);
        so_trusts(&session, "with");
        // The first call of the login: nothing else has opened the token key yet.
        session
            .wrap(&kw(), found(&session, "with"), found(&session, "key"))
            .unwrap();
        assert!(
            session
                .get_flag(found(&session, "with"), CKA_TRUSTED)
                .unwrap()
        );
    });
}

#[test]
fn a_users_copy_of_a_trusted_key_is_not_trusted() {
    user(|_, session| {
        let with = open()
            .yes(CKA_TOKEN)
            .no(CKA_PRIVATE)
            .text(CKA_LABEL, "with");
        session.create(with).unwrap();
        so_trusts(&session, "with");
        let key = session.create(open().yes(CKA_WRAP_WITH_TRUSTED)).unwrap();
        let with = found(&session, "with");
        session.wrap(&kw(), with, key).unwrap();
        for place in [false, true] {
            let to = Template::default()
                .flag(CKA_TOKEN, place)
                .text(CKA_LABEL, "copy");
            let copy = session.copy(with, to).unwrap();
            assert!(!session.get_flag(copy, CKA_TRUSTED).unwrap());
            assert_eq!(
                refused(session.wrap(&kw(), copy, key)),
                CKR_KEY_NOT_WRAPPABLE
            );
            refused(session.copy(
                with,
                Template::default().flag(CKA_TOKEN, place).yes(CKA_TRUSTED),
            ));
        }
        // The key itself stays trusted when its user changes something else.
        session
            .set(with, Template::default().text(CKA_LABEL, "renamed"))
            .unwrap();
        session.wrap(&kw(), with, key).unwrap();
    });
}
