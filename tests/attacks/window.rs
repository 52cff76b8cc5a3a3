//! What comes of a windowed key has no wider window (rules 31, 32).

use cryptoki_sys::*;

use crate::support::mech::{Mech, SHA256};
use crate::support::session::Session;
use crate::support::template::{Template, secret};
use crate::support::zeq::*;
use crate::{kek, kw, open, refused, user};

/// A key whose window closes in about 13 minutes, and the tick of that.
fn windowed(session: &Session<'_>, place: bool) -> (CK_OBJECT_HANDLE, u64) {
    let closes = tick() + 1000;
    let key = open()
        .without(CKA_KEY_TYPE)
        .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    let key = session.create(key).unwrap();
    let how = Mech::sealed(Params::default().closing(closes), b"");
    let sealed = session.wrap(&how, kek(session), key).unwrap();
    let template = Template::default().flag(CKA_TOKEN, place);
    let opened = session
        .unwrap(&Mech::envelope(), kek(session), &sealed, template)
        .unwrap();
    assert_eq!(closing(session, opened), Some(closes));
    (opened, closes)
}

fn closing(session: &Session<'_>, key: CK_OBJECT_HANDLE) -> Option<u64> {
    let shown = session.get(key, CKA_ZEQ_CLOSES).ok()?;
    shown.try_into().ok().map(u64::from_be_bytes)
}

#[test]
fn a_windowed_key_is_wrapped_under_no_other_key() {
    user(|_, session| {
        for place in [false, true] {
            let (key, _) = windowed(&session, place);
            let with = session.create(open()).unwrap();
            let said = session.wrap(&kw(), with, key);
            assert_eq!(refused(said), CKR_KEY_NOT_WRAPPABLE);
            assert_eq!(session.reason(), TOO_WIDE);
        }
    });
}

#[test]
fn copies_and_derived_keys_keep_the_window() {
    user(|_, session| {
        let with = session.create(open()).unwrap();
        for place in [false, true] {
            let (key, closes) = windowed(&session, place);
            let mut made = Vec::new();
            for to in [false, true] {
                let home = || Template::default().flag(CKA_TOKEN, to);
                made.push(session.copy(key, home()).unwrap());
                let derived = secret(CKK_GENERIC_SECRET).number(CKA_VALUE_LEN, 32);
                let derived = derived
                    .flag(CKA_TOKEN, to)
                    .yes(CKA_EXTRACTABLE)
                    .yes(CKA_DERIVE);
                let how = Mech::hkdf(SHA256, b"", b"");
                let first = session.derive(&how, key, derived.clone()).unwrap();
                made.extend([first, session.derive(&how, first, derived.clone()).unwrap()]);
                made.push(session.copy(first, home()).unwrap());
                // Also where it is the salt.
                let base = open()
                    .without(CKA_KEY_TYPE)
                    .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
                let base = session.create(base).unwrap();
                made.push(
                    session
                        .derive(&Mech::hkdf_salted(SHA256, key), base, derived)
                        .unwrap(),
                );
            }
            for key in made {
                assert_eq!(closing(&session, key), Some(closes));
                assert_eq!(
                    refused(session.wrap(&kw(), with, key)),
                    CKR_KEY_NOT_WRAPPABLE
                );
                for kind in [CKA_ZEQ_OPENS, CKA_ZEQ_CLOSES, CKA_ZEQ_ENVELOPE_ID] {
                    refused(session.set(key, Template::default().bytes(kind, b"")));
                    refused(session.copy(key, Template::default().bytes(kind, b"")));
                }
                for kind in [CKA_START_DATE, CKA_END_DATE] {
                    refused(session.set(key, Template::default().bytes(kind, b"20990101")));
                    refused(session.copy(key, Template::default().bytes(kind, b"20990101")));
                }
            }
        }
    });
}

#[test]
fn a_windowed_key_is_sealed_again_into_no_wider_window() {
    user(|_, session| {
        for place in [false, true] {
            let (key, closes) = windowed(&session, place);
            for wider in [
                Params::default(),
                Params::default().never(),
                Params::default().closing(closes + 5000),
            ] {
                let sealed = session
                    .wrap(&Mech::sealed(wider, b""), kek(&session), key)
                    .unwrap();
                let opened = session.unwrap(
                    &Mech::envelope(),
                    kek(&session),
                    &sealed,
                    Template::default(),
                );
                assert_eq!(closing(&session, opened.unwrap()), Some(closes));
            }
            let narrower = Params::default().closing(closes - 10);
            let sealed = session
                .wrap(&Mech::sealed(narrower, b""), kek(&session), key)
                .unwrap();
            let opened = session.unwrap(
                &Mech::envelope(),
                kek(&session),
                &sealed,
                Template::default(),
            );
            assert_eq!(closing(&session, opened.unwrap()), Some(closes - 10));
            let later = Params::default().opening(closes + 1).never();
            let said = session.wrap(&Mech::sealed(later, b""), kek(&session), key);
            assert_eq!(refused(said), CKR_KEY_NOT_WRAPPABLE);
            assert_eq!(session.reason(), TOO_WIDE);
        }
    });
}

#[test]
fn a_key_that_a_windowed_key_unwraps_has_its_window() {
    user(|_, session| {
        let closes = tick() + 1000;
        let with = session.create(open()).unwrap();
        let how = Mech::sealed(Params::default().closing(closes), b"");
        let sealed = session.wrap(&how, kek(&session), with).unwrap();
        let wrapped = session.wrap(&kw(), with, with).unwrap();
        let windowed = session
            .unwrap(
                &Mech::envelope(),
                kek(&session),
                &sealed,
                Template::default(),
            )
            .unwrap();
        let inner = session
            .unwrap(&kw(), windowed, &wrapped, secret(CKK_AES))
            .unwrap();
        assert_eq!(closing(&session, inner), Some(closes));
    });
}

#[test]
fn a_closed_window_gives_no_value_away() {
    user(|_, session| {
        let closes = tick() + 3;
        let key = session
            .create(
                open()
                    .without(CKA_KEY_TYPE)
                    .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
            )
            .unwrap();
        let how = Mech::sealed(Params::default().closing(closes), b"");
        let sealed = session.wrap(&how, kek(&session), key).unwrap();
        let opened = session
            .unwrap(
                &Mech::envelope(),
                kek(&session),
                &sealed,
                Template::default(),
            )
            .unwrap();
        let derived = secret(CKK_GENERIC_SECRET)
            .number(CKA_VALUE_LEN, 32)
            .yes(CKA_EXTRACTABLE);
        let derived = session
            .derive(&Mech::hkdf(SHA256, b"", b""), opened, derived)
            .unwrap();
        assert!(session.get(derived, CKA_VALUE).is_ok());
        assert!(session.get(opened, CKA_VALUE).is_ok());
        while tick() <= closes {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        for key in [opened, derived] {
            assert_eq!(
                refused(session.get(key, CKA_VALUE)),
                CKR_ATTRIBUTE_SENSITIVE
            );
            assert!(session.get(key, CKA_LABEL).is_ok());
            let said = session.sign_init(&Mech::plain(CKM_SHA256_HMAC), key);
            assert_eq!(refused(said), CKR_KEY_FUNCTION_NOT_PERMITTED);
            assert_eq!(session.reason(), WINDOW_CLOSED);
            session.digest_init(&Mech::plain(CKM_SHA256)).unwrap();
            assert_eq!(
                refused(session.digest_key(key)),
                CKR_KEY_FUNCTION_NOT_PERMITTED
            );
            refused(session.wrap(&Mech::envelope(), kek(&session), key));
            refused(session.derive(
                &Mech::hkdf(SHA256, b"", b""),
                key,
                secret(CKK_AES).number(CKA_VALUE_LEN, 32),
            ));
        }
    });
}
