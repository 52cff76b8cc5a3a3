//! Objects: templates, defaults, attribute reads, searches, copies, changes, destruction.

use std::ptr;

use cryptoki_sys::*;

use crate::compare::{Run, differs, same};
use crate::support::answer::Rv;
use crate::support::mech::Mech;
use crate::support::session::Session;
use crate::support::template::{Template, of_class, open_aes, secret};

fn aes() -> Template {
    open_aes().bytes(CKA_VALUE, &[0x42; 32])
}

fn read(session: &Session<'_>, object: CK_OBJECT_HANDLE, kind: CK_ATTRIBUTE_TYPE) -> String {
    match session.get(object, kind) {
        Ok(value) => format!("{value:?}"),
        Err(rv) => format!("{rv:?}"),
    }
}

/// Notes every one of `kinds`.
fn note_all(run: &Run, what: &str, object: CK_OBJECT_HANDLE, kinds: &[(&str, CK_ATTRIBUTE_TYPE)]) {
    let session = run.session();
    for (name, kind) in kinds {
        run.note(&format!("{what} {name}"), read(&session, object, *kind));
    }
}

const COMMON: &[(&str, CK_ATTRIBUTE_TYPE)] = &[
    ("CLASS", CKA_CLASS),
    ("TOKEN", CKA_TOKEN),
    ("PRIVATE", CKA_PRIVATE),
    ("MODIFIABLE", CKA_MODIFIABLE),
    ("COPYABLE", CKA_COPYABLE),
    ("DESTROYABLE", CKA_DESTROYABLE),
    ("LABEL", CKA_LABEL),
];

const KEY: &[(&str, CK_ATTRIBUTE_TYPE)] = &[
    ("KEY_TYPE", CKA_KEY_TYPE),
    ("ID", CKA_ID),
    ("START_DATE", CKA_START_DATE),
    ("END_DATE", CKA_END_DATE),
    ("DERIVE", CKA_DERIVE),
    ("LOCAL", CKA_LOCAL),
    ("KEY_GEN_MECHANISM", CKA_KEY_GEN_MECHANISM),
];

const SECRET: &[(&str, CK_ATTRIBUTE_TYPE)] = &[
    ("SENSITIVE", CKA_SENSITIVE),
    ("ENCRYPT", CKA_ENCRYPT),
    ("DECRYPT", CKA_DECRYPT),
    ("SIGN", CKA_SIGN),
    ("VERIFY", CKA_VERIFY),
    ("WRAP", CKA_WRAP),
    ("UNWRAP", CKA_UNWRAP),
    ("EXTRACTABLE", CKA_EXTRACTABLE),
    ("ALWAYS_SENSITIVE", CKA_ALWAYS_SENSITIVE),
    ("NEVER_EXTRACTABLE", CKA_NEVER_EXTRACTABLE),
    ("WRAP_WITH_TRUSTED", CKA_WRAP_WITH_TRUSTED),
    ("TRUSTED", CKA_TRUSTED),
    ("VALUE_LEN", CKA_VALUE_LEN),
];

const PUBLIC: &[(&str, CK_ATTRIBUTE_TYPE)] = &[
    ("ENCRYPT", CKA_ENCRYPT),
    ("VERIFY", CKA_VERIFY),
    ("VERIFY_RECOVER", CKA_VERIFY_RECOVER),
    ("WRAP", CKA_WRAP),
    ("TRUSTED", CKA_TRUSTED),
];

const PRIVATE: &[(&str, CK_ATTRIBUTE_TYPE)] = &[
    ("SENSITIVE", CKA_SENSITIVE),
    ("DECRYPT", CKA_DECRYPT),
    ("SIGN", CKA_SIGN),
    ("SIGN_RECOVER", CKA_SIGN_RECOVER),
    ("UNWRAP", CKA_UNWRAP),
    ("EXTRACTABLE", CKA_EXTRACTABLE),
    ("ALWAYS_SENSITIVE", CKA_ALWAYS_SENSITIVE),
    ("NEVER_EXTRACTABLE", CKA_NEVER_EXTRACTABLE),
    ("WRAP_WITH_TRUSTED", CKA_WRAP_WITH_TRUSTED),
    ("ALWAYS_AUTHENTICATE", CKA_ALWAYS_AUTHENTICATE),
];

#[test]
fn a_silent_template_makes_a_secret_key_with_the_same_defaults() {
    same(|run| {
        let session = run.user();
        let silent = secret(CKK_AES).bytes(CKA_VALUE, &[1; 16]);
        let key = session.create(silent).unwrap();
        for kinds in [COMMON, KEY, SECRET] {
            note_all(run, "created", key, kinds);
        }
        let silent = Template::default().number(CKA_VALUE_LEN, 16);
        let key = session
            .generate(&Mech::plain(CKM_AES_KEY_GEN), silent)
            .unwrap();
        for kinds in [COMMON, KEY, SECRET] {
            note_all(run, "generated", key, kinds);
        }
    });
}

#[test]
fn a_silent_template_makes_a_pair_with_the_same_defaults() {
    same(|run| {
        let session = run.user();
        let public =
            Template::default().bytes(CKA_EC_PARAMS, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
        let how = Mech::plain(CKM_EC_KEY_PAIR_GEN);
        let (public, private) = session
            .generate_pair(&how, public, Template::default())
            .unwrap();
        for (what, key, kinds) in [("public", public, PUBLIC), ("private", private, PRIVATE)] {
            for kinds in [COMMON, KEY, kinds] {
                note_all(run, what, key, kinds);
            }
            run.note(
                &format!("{what} params"),
                read(&session, key, CKA_EC_PARAMS),
            );
        }
    });
}

#[test]
fn a_silent_template_makes_data_and_certificates_with_the_same_defaults() {
    same(|run| {
        let session = run.user();
        let data = session.create(of_class(CKO_DATA)).unwrap();
        note_all(run, "data", data, COMMON);
        run.note("value", read(&session, data, CKA_VALUE));
        run.note("application", read(&session, data, CKA_APPLICATION));
        run.note("object id", read(&session, data, CKA_OBJECT_ID));
        let certificate = of_class(CKO_CERTIFICATE)
            .number(CKA_CERTIFICATE_TYPE, CKC_X_509)
            .bytes(CKA_SUBJECT, b"\x30\x00")
            .bytes(CKA_VALUE, b"\x30\x00");
        let certificate = session.create(certificate).unwrap();
        note_all(run, "certificate", certificate, COMMON);
        run.note("trusted", read(&session, certificate, CKA_TRUSTED));
        run.note(
            "category",
            read(&session, certificate, CKA_CERTIFICATE_CATEGORY),
        );
        run.note("id", read(&session, certificate, CKA_ID));
        run.note("issuer", read(&session, certificate, CKA_ISSUER));
    });
}

#[test]
fn a_template_that_lacks_something_is_incomplete() {
    same(|run| {
        let session = run.user();
        let make = |template: Template| session.create(template).map(drop);
        run.note("nothing", make(Template::default()));
        run.note("no key type", make(of_class(CKO_SECRET_KEY)));
        run.note("no modulus", {
            let key = of_class(CKO_PUBLIC_KEY).number(CKA_KEY_TYPE, CKK_RSA);
            make(key.bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]))
        });
        run.note("no length", {
            let how = Mech::plain(CKM_AES_KEY_GEN);
            session.generate(&how, Template::default()).map(drop)
        });
    });
}

#[test]
fn a_template_of_another_length_or_class_is_refused() {
    differs(
        &[
            (
                "a short class",
                "Err(CKR_TEMPLATE_INCOMPLETE)",
                "Err(CKR_ATTRIBUTE_VALUE_INVALID)",
            ),
            (
                "no bytes",
                "Err(CKR_TEMPLATE_INCOMPLETE)",
                "Err(CKR_ATTRIBUTE_VALUE_INVALID)",
            ),
            (
                "another class",
                "Err(CKR_ATTRIBUTE_VALUE_INVALID)",
                "Err(CKR_TEMPLATE_INCONSISTENT)",
            ),
        ],
        |run| {
            let session = run.user();
            let make = |template: Template| session.create(template).map(drop);
            run.note(
                "a short class",
                make(Template::default().bytes(CKA_CLASS, &[3])),
            );
            run.note(
                "a wide flag",
                make(of_class(CKO_DATA).bytes(CKA_TOKEN, &[0, 0])),
            );
            run.note("no such class", make(of_class(0x7777)));
            let how = Mech::plain(CKM_AES_KEY_GEN);
            let generate = |len| {
                let template = Template::default().number(CKA_VALUE_LEN, len);
                session.generate(&how, template).map(drop)
            };
            run.note("17 bytes", generate(17));
            run.note("no bytes", generate(0));
            let other = Template::default()
                .number(CKA_CLASS, CKO_PUBLIC_KEY)
                .number(CKA_VALUE_LEN, 16);
            run.note("another class", session.generate(&how, other).map(drop));
            let other = Template::default()
                .number(CKA_KEY_TYPE, CKK_DES3)
                .number(CKA_VALUE_LEN, 16);
            run.note("another key type", session.generate(&how, other).map(drop));
        },
    );
}

#[test]
fn what_only_the_token_sets_is_read_only() {
    same(|run| {
        let session = run.user();
        let key = session.create(aes()).unwrap();
        let change = |changes: Template| session.set(key, changes);
        run.note("class", change(of_class(CKO_DATA)));
        run.note(
            "key type",
            change(Template::default().number(CKA_KEY_TYPE, CKK_DES3)),
        );
        run.note("local", change(Template::default().yes(CKA_LOCAL)));
        run.note(
            "always sensitive",
            change(Template::default().yes(CKA_ALWAYS_SENSITIVE)),
        );
        run.note(
            "never extractable",
            change(Template::default().yes(CKA_NEVER_EXTRACTABLE)),
        );
        run.note(
            "value",
            change(Template::default().bytes(CKA_VALUE, &[0; 32])),
        );
        run.note("token", change(Template::default().yes(CKA_TOKEN)));
        run.note(
            "no such object",
            session.set(0x7fff_fff1, Template::default()),
        );
    });
}

#[test]
fn what_a_user_may_change_changes() {
    differs(
        &[(
            "start",
            "\"CKR_GENERAL_ERROR\"",
            "\"[50, 48, 50, 54, 48, 49, 48, 49]\"",
        )],
        |run| {
            let session = run.user();
            let key = session.create(aes().yes(CKA_TOKEN)).unwrap();
            let changes = Template::default()
                .text(CKA_LABEL, "other")
                .bytes(CKA_ID, &[9])
                .no(CKA_ENCRYPT)
                .bytes(CKA_START_DATE, b"20260101");
            run.note("set", session.set(key, changes));
            run.note("label", read(&session, key, CKA_LABEL));
            run.note("id", read(&session, key, CKA_ID));
            run.note("encrypt", read(&session, key, CKA_ENCRYPT));
            run.note("start", read(&session, key, CKA_START_DATE));
            let refused = Template::default().text(CKA_LABEL, "half").no(CKA_LOCAL);
            run.note("half of it refused", session.set(key, refused));
            run.note("label after all", read(&session, key, CKA_LABEL));
            let read_only = run.token.read_only();
            let changes = Template::default().text(CKA_LABEL, "third");
            run.note("by a read-only session", read_only.set(key, changes));
        },
    );
}

#[test]
fn sensitive_values_are_not_read() {
    same(|run| {
        let session = run.user();
        let hidden = aes().without(CKA_SENSITIVE).yes(CKA_SENSITIVE);
        let hidden = session.create(hidden).unwrap();
        run.note("sensitive", read(&session, hidden, CKA_VALUE));
        run.note("its length", read(&session, hidden, CKA_VALUE_LEN));
        let kept = aes().without(CKA_EXTRACTABLE).no(CKA_EXTRACTABLE);
        let kept = session.create(kept).unwrap();
        run.note("unextractable", read(&session, kept, CKA_VALUE));
        let open = session.create(aes()).unwrap();
        run.note("open", read(&session, open, CKA_VALUE));
    });
}

/// Length, and what stands in the buffer.
fn asked(kind: CK_ATTRIBUTE_TYPE, buffer: &mut [u8]) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE {
        type_: kind,
        pValue: match buffer.is_empty() {
            true => ptr::null_mut(),
            false => buffer.as_mut_ptr().cast(),
        },
        ulValueLen: buffer.len() as CK_ULONG,
    }
}

#[test]
fn an_attribute_read_goes_through_the_whole_list() {
    same(|run| {
        let session = run.user();
        let key = aes()
            .without(CKA_SENSITIVE)
            .yes(CKA_SENSITIVE)
            .text(CKA_LABEL, "a label");
        let key = session.create(key).unwrap();
        let (mut small, mut flag, mut unknown, mut value) = ([0; 2], [9; 1], [0; 8], [0; 32]);
        let told = |rv: Rv, list: &[CK_ATTRIBUTE]| {
            let lengths: Vec<CK_ULONG> = list.iter().map(|a| a.ulValueLen).collect();
            format!("{rv:?} {lengths:?}")
        };
        let mut list = [asked(CKA_LABEL, &mut small), asked(CKA_ENCRYPT, &mut flag)];
        let rv = session.get_raw(key, &mut list);
        run.note("too small", told(rv, &list));
        run.note("and the rest is filled", flag);
        let mut list = [
            asked(CKA_MODULUS, &mut unknown),
            asked(CKA_ENCRYPT, &mut flag),
        ];
        let rv = session.get_raw(key, &mut list);
        run.note("of another class", told(rv, &list));
        let mut list = [asked(CKA_VALUE, &mut value), asked(CKA_ENCRYPT, &mut flag)];
        let rv = session.get_raw(key, &mut list);
        run.note("sensitive", told(rv, &list));
        let mut list = [asked(CKA_LABEL, &mut []), asked(CKA_ID, &mut [])];
        let rv = session.get_raw(key, &mut list);
        run.note("lengths", told(rv, &list));
        run.note("no such object", session.get_raw(0x7fff_fff1, &mut []));
    });
}

#[test]
fn a_search_matches_every_attribute_given() {
    same(|run| {
        let session = run.user();
        for (label, id) in [("one", 1), ("two", 2), ("two", 3)] {
            let key = aes().yes(CKA_TOKEN).text(CKA_LABEL, label);
            session.create(key.bytes(CKA_ID, &[id])).unwrap();
        }
        session
            .create(of_class(CKO_DATA).text(CKA_LABEL, "two"))
            .unwrap();
        let count = |template: Template| session.find(template).map(|found| found.len());
        let label = |label| Template::default().text(CKA_LABEL, label);
        run.note("two", count(label("two")));
        run.note(
            "two, keys",
            count(label("two").number(CKA_CLASS, CKO_SECRET_KEY)),
        );
        run.note("two, id 3", count(label("two").bytes(CKA_ID, &[3])));
        run.note("the start of a label", count(label("tw")));
        run.note("no such", count(label("four")));
        run.note("data", count(of_class(CKO_DATA)));
        run.note("another session", {
            let found = run.token.read_only().find(label("one"));
            found.map(|found| found.len())
        });
    });
}

#[test]
fn a_search_has_its_own_state() {
    same(|run| {
        let session = run.user();
        for _ in 0..5 {
            session
                .create(of_class(CKO_DATA).text(CKA_LABEL, "many"))
                .unwrap();
        }
        let many = || Template::default().text(CKA_LABEL, "many");
        run.note("some before init", session.find_some(1));
        run.note("final before init", session.find_final());
        run.note("init", session.find_init(many()));
        run.note("init again", session.find_init(many()));
        run.note("two", session.find_some(2).map(|f| f.len()));
        run.note("none asked", session.find_some(0).map(|f| f.len()));
        session
            .create(of_class(CKO_DATA).text(CKA_LABEL, "many"))
            .unwrap();
        run.note(
            "the rest, as it was at init",
            session.find_some(10).map(|f| f.len()),
        );
        run.note("no more", session.find_some(10).map(|f| f.len()));
        run.note("final", session.find_final());
        run.note("final again", session.find_final());
    });
}

#[test]
fn private_objects_hide_from_the_public() {
    same(|run| {
        let session = run.user();
        let private = || of_class(CKO_DATA).text(CKA_LABEL, "x").yes(CKA_PRIVATE);
        session.create(private().yes(CKA_TOKEN)).unwrap();
        let public = of_class(CKO_DATA).text(CKA_LABEL, "x").no(CKA_PRIVATE);
        session.create(public.yes(CKA_TOKEN)).unwrap();
        let handle = session.find(private()).unwrap()[0];
        let count = || {
            let found = session.find(of_class(CKO_DATA).text(CKA_LABEL, "x"));
            found.map(|found| found.len())
        };
        run.note("user sees", count());
        session.logout().unwrap();
        run.note("public sees", count());
        run.note("its handle", read(&session, handle, CKA_LABEL));
        run.note("destroy it", session.destroy(handle));
    });
}

#[test]
fn a_copy_takes_changes_that_tighten() {
    same(|run| {
        let session = run.user();
        let key = session.create(aes().text(CKA_LABEL, "from")).unwrap();
        let changes = Template::default().text(CKA_LABEL, "to").yes(CKA_SENSITIVE);
        let copy = session.copy(key, changes).unwrap();
        run.note("label", read(&session, copy, CKA_LABEL));
        run.note("value", read(&session, copy, CKA_VALUE));
        run.note("encrypts alike", {
            let how = Mech::plain(CKM_AES_ECB);
            let block = [5; 16];
            session.encrypt(&how, key, &block) == session.encrypt(&how, copy, &block)
        });
        let to_token = Template::default().yes(CKA_TOKEN);
        run.note("to the token", session.copy(key, to_token).map(drop));
        run.note(
            "no such object",
            session.copy(0x7fff_fff1, Template::default()).map(drop),
        );
        let fixed = session.create(aes().no(CKA_COPYABLE)).unwrap();
        run.note(
            "not copyable",
            session.copy(fixed, Template::default()).map(drop),
        );
    });
}

#[test]
fn what_is_not_modifiable_or_destroyable_stays() {
    differs(
        &[(
            "used after",
            "Err(CKR_OBJECT_HANDLE_INVALID)",
            "Err(CKR_KEY_HANDLE_INVALID)",
        )],
        |run| {
            let session = run.user();
            let fixed = session.create(aes().no(CKA_MODIFIABLE)).unwrap();
            let label = || Template::default().text(CKA_LABEL, "new");
            run.note("not modifiable", session.set(fixed, label()));
            let stays = session.create(aes().no(CKA_DESTROYABLE)).unwrap();
            run.note("not destroyable", session.destroy(stays));
            run.note("still there", read(&session, stays, CKA_ENCRYPT));
            run.note("destroyed", session.destroy(fixed));
            run.note("destroyed twice", session.destroy(fixed));
            run.note("used after", {
                let how = Mech::plain(CKM_AES_ECB);
                session.encrypt_init(&how, fixed)
            });
        },
    );
}

#[test]
fn session_objects_end_with_the_session_that_made_them() {
    same(|run| {
        let (one, other) = (run.user(), run.session());
        let made = one
            .create(of_class(CKO_DATA).text(CKA_LABEL, "here"))
            .unwrap();
        run.note("seen by another session", read(&other, made, CKA_LABEL));
        one.close().unwrap();
        run.note("gone", read(&other, made, CKA_LABEL));
        let left = other.find(Template::default().text(CKA_LABEL, "here"));
        run.note("not found", left.map(|found| found.len()));
    });
}

#[test]
fn private_session_objects_end_at_logout_and_public_ones_stay() {
    same(|run| {
        let session = run.user();
        let data = |private| of_class(CKO_DATA).flag(CKA_PRIVATE, private);
        let private = session.create(data(true)).unwrap();
        let public = session.create(data(false)).unwrap();
        session.logout().unwrap();
        run.note("private", read(&session, private, CKA_CLASS));
        run.note("public", read(&session, public, CKA_CLASS));
        session.login(CKU_USER, crate::support::token::PIN).unwrap();
        run.note("private after login", read(&session, private, CKA_CLASS));
    });
}

#[test]
fn every_object_has_a_size() {
    same(|run| {
        let session = run.user();
        let key = session.create(aes()).unwrap();
        run.note("key", session.size(key).is_ok());
        run.note("no such object", session.size(0x7fff_fff1));
    });
}

#[test]
fn a_vendor_attribute_is_kept() {
    differs(
        &[("created", "Err(CKR_ATTRIBUTE_TYPE_INVALID)", "Ok(())")],
        |run| {
            let session = run.user();
            let data = of_class(CKO_DATA).bytes(CKA_VENDOR_DEFINED | 0x1234, b"kept");
            run.note("created", session.create(data).map(drop));
        },
    );
}
