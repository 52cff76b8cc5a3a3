//! The attacks on the interface itself (Clulow 2003; Bortolozzo and others 2010; Bardou and others
//! 2012), each tried through the C functions. Where SoftHSM gives way, the difference is named.

use cryptoki_sys::*;

use crate::compare::{Run, differs, same};
use crate::support::mech::Mech;
use crate::support::session::Session;
use crate::support::template::{Template, of_class, open_aes, secret, usages};
use crate::support::token::{PIN, SO_PIN};

/// An AES key that is sensitive and not extractable.
fn guarded() -> Template {
    usages(secret(CKK_AES))
        .yes(CKA_SENSITIVE)
        .no(CKA_EXTRACTABLE)
        .bytes(CKA_VALUE, &[0x77; 32])
}

fn open() -> Template {
    open_aes().bytes(CKA_VALUE, &[0x66; 32])
}

fn loosened() -> Template {
    Template::default().no(CKA_SENSITIVE).yes(CKA_EXTRACTABLE)
}

/// Whether the key's value can be had by reading or by wrapping.
fn leaks(session: &Session<'_>, key: CK_OBJECT_HANDLE) -> bool {
    let kek = session.create(open()).unwrap();
    session.get(key, CKA_VALUE).is_ok()
        || session
            .wrap(&Mech::plain(CKM_AES_KEY_WRAP), kek, key)
            .is_ok()
}

#[test]
fn setting_attributes_loosens_no_key() {
    same(|run| {
        let session = run.user();
        let key = session.create(guarded()).unwrap();
        run.note(
            "not sensitive",
            session.set(key, Template::default().no(CKA_SENSITIVE)),
        );
        run.note(
            "extractable",
            session.set(key, Template::default().yes(CKA_EXTRACTABLE)),
        );
        run.note("leaks", leaks(&session, key));
        let key = session.create(open().yes(CKA_WRAP_WITH_TRUSTED)).unwrap();
        let changes = Template::default().no(CKA_WRAP_WITH_TRUSTED);
        run.note("without a trusted key", session.set(key, changes));
        let key = session.create(open()).unwrap();
        let changes = Template::default().yes(CKA_SENSITIVE).no(CKA_EXTRACTABLE);
        run.note("tightened", session.set(key, changes));
        run.note("leaks after that", leaks(&session, key));
    });
}

#[test]
fn a_copy_loosens_no_key() {
    differs(
        &[
            (
                "not sensitive",
                "Err(CKR_ATTRIBUTE_READ_ONLY)",
                "Err(CKR_TEMPLATE_INCONSISTENT)",
            ),
            (
                "extractable",
                "Err(CKR_ATTRIBUTE_READ_ONLY)",
                "Err(CKR_TEMPLATE_INCONSISTENT)",
            ),
            (
                "without a trusted key",
                "Err(CKR_ATTRIBUTE_READ_ONLY)",
                "Err(CKR_TEMPLATE_INCONSISTENT)",
            ),
        ],
        |run| {
            let session = run.user();
            let key = session.create(guarded()).unwrap();
            let copied = |changes| session.copy(key, changes).map(drop);
            run.note(
                "not sensitive",
                copied(Template::default().no(CKA_SENSITIVE)),
            );
            run.note(
                "extractable",
                copied(Template::default().yes(CKA_EXTRACTABLE)),
            );
            let copy = session.copy(key, Template::default()).unwrap();
            run.note("a plain copy leaks", leaks(&session, copy));
            let key = session.create(open().yes(CKA_WRAP_WITH_TRUSTED)).unwrap();
            let changes = Template::default().no(CKA_WRAP_WITH_TRUSTED);
            run.note(
                "without a trusted key",
                session.copy(key, changes).map(drop),
            );
        },
    );
}

#[test]
fn a_derived_key_is_no_looser_than_its_base() {
    same(|run| {
        let session = run.user();
        let public =
            Template::default().bytes(CKA_EC_PARAMS, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
        let private = Template::default()
            .yes(CKA_DERIVE)
            .yes(CKA_SENSITIVE)
            .no(CKA_EXTRACTABLE);
        let how = Mech::plain(CKM_EC_KEY_PAIR_GEN);
        let (public, private) = session.generate_pair(&how, public, private).unwrap();
        let point = session.get(public, CKA_EC_POINT).unwrap();
        let template = secret(CKK_AES)
            .no(CKA_SENSITIVE)
            .yes(CKA_EXTRACTABLE)
            .number(CKA_VALUE_LEN, 32);
        let how = Mech::ecdh(CKD_NULL, b"", &point);
        let leaked = session
            .derive(&how, private, template)
            .map(|key| leaks(&session, key));
        run.note("leaks", leaked);
    });
}

#[test]
fn only_the_so_trusts_a_key() {
    differs(
        &[(
            "at copy",
            "Err(CKR_ATTRIBUTE_READ_ONLY)",
            "Err(CKR_TEMPLATE_INCONSISTENT)",
        )],
        |run| {
            let session = run.user();
            let trusted = || Template::default().yes(CKA_TRUSTED);
            run.note(
                "at creation",
                session.create(open().yes(CKA_TRUSTED)).map(drop),
            );
            let how = Mech::plain(CKM_AES_KEY_GEN);
            let template = trusted().number(CKA_VALUE_LEN, 32);
            run.note("at generation", session.generate(&how, template).map(drop));
            let key = session.create(open()).unwrap();
            run.note("at copy", session.copy(key, trusted()).map(drop));
            run.note("later", session.set(key, trusted()));
            let wrapped = session
                .wrap(&Mech::plain(CKM_AES_KEY_WRAP), key, key)
                .unwrap();
            let template = secret(CKK_AES).yes(CKA_TRUSTED);
            let unwrapped = session.unwrap(&Mech::plain(CKM_AES_KEY_WRAP), key, &wrapped, template);
            run.note("at unwrap", unwrapped.map(drop));
            run.note("a certificate", {
                let certificate = of_class(CKO_CERTIFICATE)
                    .number(CKA_CERTIFICATE_TYPE, CKC_X_509)
                    .bytes(CKA_SUBJECT, b"\x30\x00")
                    .bytes(CKA_VALUE, b"\x30\x00");
                session.create(certificate.yes(CKA_TRUSTED)).map(drop)
            });
        },
    );
}

#[test]
fn a_key_for_trusted_wrapping_leaves_by_no_other() {
    differs(
        &[
            ("the so trusts it", "Err(CKR_ATTRIBUTE_READ_ONLY)", "Ok(())"),
            ("trusted", "Err(CKR_KEY_NOT_WRAPPABLE)", "Ok(40)"),
        ],
        |run| {
            let session = run.user();
            let kek = open().yes(CKA_TOKEN).no(CKA_PRIVATE).text(CKA_LABEL, "kek");
            let kek = session.create(kek).unwrap();
            let key = open()
                .yes(CKA_WRAP_WITH_TRUSTED)
                .yes(CKA_TOKEN)
                .text(CKA_LABEL, "key");
            let key = session.create(key).unwrap();
            let how = Mech::plain(CKM_AES_KEY_WRAP);
            run.note("untrusted", session.wrap(&how, kek, key).map(|w| w.len()));
            session.logout().unwrap();
            session.login(CKU_SO, SO_PIN).unwrap();
            let public = session
                .find(Template::default().text(CKA_LABEL, "kek"))
                .unwrap();
            run.note("the so sees it", public.len());
            let trusted = Template::default().yes(CKA_TRUSTED);
            run.note("the so trusts it", session.set(public[0], trusted));
            session.logout().unwrap();
            session.login(CKU_USER, PIN).unwrap();
            let found = |label| {
                session
                    .find(Template::default().text(CKA_LABEL, label))
                    .unwrap()[0]
            };
            let wrapped = session.wrap(&how, found("kek"), found("key"));
            run.note("trusted", wrapped.map(|w| w.len()));
        },
    );
}

#[test]
fn what_is_not_extractable_is_not_wrapped() {
    same(|run| {
        let session = run.user();
        let kek = session.create(open()).unwrap();
        let key = session.create(guarded()).unwrap();
        run.note(
            "wrap",
            session.wrap(&Mech::plain(CKM_AES_KEY_WRAP), kek, key),
        );
        let no_wrap = session
            .create(open().without(CKA_WRAP).no(CKA_WRAP))
            .unwrap();
        let target = session.create(open()).unwrap();
        let how = Mech::plain(CKM_AES_KEY_WRAP);
        run.note(
            "by a key that may not wrap",
            session.wrap(&how, no_wrap, target),
        );
        let no_unwrap = session
            .create(open().without(CKA_UNWRAP).no(CKA_UNWRAP))
            .unwrap();
        let wrapped = session.wrap(&how, kek, target).unwrap();
        let opened = session.unwrap(&how, no_unwrap, &wrapped, secret(CKK_AES));
        run.note("by a key that may not unwrap", opened.map(drop));
    });
}

#[test]
fn an_unwrap_template_is_not_overridden() {
    differs(
        &[
            (
                "silent: sensitive",
                "Err(CKR_TEMPLATE_INCONSISTENT)",
                "Ok(Ok(true))",
            ),
            (
                "a copy with another",
                "Err(CKR_ATTRIBUTE_READ_ONLY)",
                "Err(CKR_TEMPLATE_INCONSISTENT)",
            ),
        ],
        |run| {
            let session = run.user();
            let must = Template::default().yes(CKA_SENSITIVE).no(CKA_EXTRACTABLE);
            let kek = open().template(CKA_UNWRAP_TEMPLATE, must);
            let kek = session.create(kek).unwrap();
            let free = session.create(open()).unwrap();
            let how = Mech::plain(CKM_AES_KEY_WRAP);
            let wrapped = session.wrap(&how, free, free).unwrap();
            drop(wrapped);
            let target = session.create(open()).unwrap();
            let wrapped = session.wrap(&how, kek, target).unwrap();
            let loose = secret(CKK_AES).no(CKA_SENSITIVE).yes(CKA_EXTRACTABLE);
            run.note(
                "against it",
                session.unwrap(&how, kek, &wrapped, loose).map(drop),
            );
            let silent = session.unwrap(&how, kek, &wrapped, secret(CKK_AES));
            let silent = silent.map(|key| session.get_flag(key, CKA_SENSITIVE));
            run.note("silent: sensitive", silent);
            let changed = session.copy(
                kek,
                Template::default().template(CKA_UNWRAP_TEMPLATE, loosened()),
            );
            run.note("a copy with another", changed.map(drop));
            let set = session.set(
                kek,
                Template::default().template(CKA_UNWRAP_TEMPLATE, loosened()),
            );
            run.note("set later", set);
        },
    );
}

#[test]
fn allowed_mechanisms_are_exact_and_stay() {
    differs(
        &[(
            "copied",
            "Err(CKR_ATTRIBUTE_READ_ONLY)",
            "Err(CKR_TEMPLATE_INCONSISTENT)",
        )],
        |run| {
            let session = run.user();
            let allowed = |kinds: &[CK_MECHANISM_TYPE]| {
                Template::default().numbers(CKA_ALLOWED_MECHANISMS, kinds)
            };
            let key = open().numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_ECB]);
            let key = session.create(key).unwrap();
            let cbc = || Mech::bytes(CKM_AES_CBC, &[0; 16]);
            run.note(
                "allowed",
                session
                    .encrypt(&Mech::plain(CKM_AES_ECB), key, &[0; 16])
                    .is_ok(),
            );
            run.note("another", session.encrypt_init(&cbc(), key));
            run.note("wrapping by another", {
                let target = session.create(open()).unwrap();
                session.wrap(&Mech::plain(CKM_AES_KEY_WRAP), key, target)
            });
            run.note("set", session.set(key, allowed(&[CKM_AES_CBC])));
            run.note(
                "copied",
                session.copy(key, allowed(&[CKM_AES_CBC])).map(drop),
            );
        },
    );
}

/// The codes of many damaged wrapped keys, without repeats.
fn codes(answers: impl Iterator<Item = String>) -> Vec<String> {
    let mut codes: Vec<String> = answers.collect();
    codes.sort();
    codes.dedup();
    codes
}

#[test]
fn a_damaged_cbc_pad_unwrap_has_one_code() {
    same(|run| {
        let session = run.user();
        let kek = session.create(open()).unwrap();
        let how = Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]);
        let sealed = session.encrypt(&how, kek, &[1; 32]).unwrap();
        let damaged = (0..sealed.len() * 4).map(|n| {
            let mut wrapped = sealed.clone();
            wrapped[n % sealed.len()] ^= 1 << (n / sealed.len());
            let template = secret(CKK_AES);
            let opened = session.unwrap(&how, kek, &wrapped, template);
            format!("{:?}", opened.map(drop))
        });
        let codes = codes(damaged.filter(|told| told != "Ok(())"));
        run.note("codes", codes.len());
    });
}

#[test]
fn a_damaged_rsa_unwrap_has_one_code() {
    differs(&[("codes", "2", "1")], |run| {
        let session = run.user();
        let public = Template::default()
            .number(CKA_MODULUS_BITS, 2048)
            .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
        let how = Mech::plain(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (public, private) = session
            .generate_pair(&how, public, Template::default())
            .unwrap();
        let rsa = Mech::plain(CKM_RSA_PKCS);
        // Right padding around 16, 20 and 33 bytes: no AES key but the first.
        let mut told: Vec<String> = [20, 33]
            .map(|len| unwrapped(run, &rsa, (public, private), len))
            .into();
        // No padding at all.
        told.extend((0..8).map(|n| {
            let noise = vec![n + 1; 256];
            format!(
                "{:?}",
                session
                    .unwrap(&rsa, private, &noise, secret(CKK_AES))
                    .map(drop)
            )
        }));
        run.note("right", unwrapped(run, &rsa, (public, private), 16));
        run.note("codes", codes(told.into_iter()).len());
    });
}

fn unwrapped(
    run: &Run,
    how: &Mech,
    (public, private): (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
    len: usize,
) -> String {
    let session = run.session();
    let wrapped = session.encrypt(how, public, &vec![3; len]).unwrap();
    let opened = session.unwrap(how, private, &wrapped, secret(CKK_AES));
    format!("{:?}", opened.map(drop))
}

#[test]
fn an_aes_key_has_16_24_or_32_bytes() {
    differs(
        &[
            ("0 bytes", "false", "true"),
            ("1 bytes", "false", "true"),
            ("8 bytes", "false", "true"),
            ("15 bytes", "false", "true"),
            ("17 bytes", "false", "true"),
            ("31 bytes", "false", "true"),
            ("33 bytes", "false", "true"),
            ("64 bytes", "false", "true"),
        ],
        |run| {
            let session = run.user();
            for len in [0, 1, 8, 15, 17, 31, 33, 64] {
                let key = open_aes().bytes(CKA_VALUE, &vec![1; len]);
                run.note(
                    &format!("{len} bytes"),
                    session.create(key).map(drop).is_err(),
                );
            }
        },
    );
}
