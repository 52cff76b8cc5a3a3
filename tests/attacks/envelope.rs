//! Kinds never mix, and what an envelope says of a key is never loosened (rules 28 to 30).

use std::path::PathBuf;

use cryptoki_sys::*;

use crate::support::mech::Mech;
use crate::support::store;
use crate::support::template::{Template, of_class, secret, usages};
use crate::support::zeq::*;
use crate::{guarded, kek, leaks, open, refused, user};

fn home() -> PathBuf {
    std::env::var_os("ZEQ_TEST_HOME").unwrap().into()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

#[test]
fn kinds_never_mix() {
    user(|_, session| {
        let kek = kek(&session);
        let how = Mech::envelope;
        let key = session.create(open()).unwrap();
        let of_key = session.wrap(&how(), kek, key).unwrap();
        let of_data = session.encrypt(&how(), kek, &[0x42; 32]).unwrap();
        let of_token = bytes(&store::sql(&home(), "SELECT hex(token_key) FROM token"));
        for sealed in [&of_data, &of_token] {
            for alias in [
                how(),
                Mech::plain(CKM_AES_KEY_WRAP),
                Mech::plain(CKM_AES_KEY_WRAP_KWP),
            ] {
                for template in [Template::default(), secret(CKK_AES)] {
                    let said = session.unwrap(&alias, kek, sealed, template);
                    assert_eq!(refused(said), CKR_WRAPPED_KEY_INVALID);
                    assert_eq!(session.reason(), WRONG_KIND);
                }
            }
        }
        for sealed in [&of_key, &of_token] {
            let said = session.decrypt(&how(), kek, sealed);
            assert_eq!(refused(said), CKR_ENCRYPTED_DATA_INVALID);
            assert_eq!(session.reason(), WRONG_KIND);
        }
        assert_eq!(session.decrypt(&how(), kek, &of_data).unwrap(), [0x42; 32]);
        session
            .unwrap(&how(), kek, &of_key, Template::default())
            .unwrap();
    });
}

/// What an AES key's envelope holds comes back, and a looser template is clamped.
#[test]
fn a_template_loosens_nothing_that_was_sealed() {
    user(|_, session| {
        let kek = kek(&session);
        let sealed = secret(CKK_AES)
            .bytes(CKA_VALUE, &[9; 32])
            .yes(CKA_SENSITIVE)
            .yes(CKA_EXTRACTABLE)
            .yes(CKA_ENCRYPT)
            .no(CKA_DECRYPT)
            .no(CKA_SIGN)
            .no(CKA_WRAP)
            .no(CKA_UNWRAP)
            .no(CKA_DERIVE)
            .no(CKA_VERIFY)
            .numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_ECB, CKM_AES_CBC]);
        let key = session.create(sealed).unwrap();
        let sealed = session.wrap(&Mech::envelope(), kek, key).unwrap();
        for place in [false, true] {
            let loose = usages(secret(CKK_AES))
                .flag(CKA_TOKEN, place)
                .no(CKA_SENSITIVE)
                .no(CKA_PRIVATE)
                .numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_GCM, CKM_AES_ECB]);
            let opened = session
                .unwrap(&Mech::envelope(), kek, &sealed, loose)
                .unwrap();
            assert!(session.get_flag(opened, CKA_SENSITIVE).unwrap());
            assert!(session.get_flag(opened, CKA_PRIVATE).unwrap());
            assert_eq!(
                refused(session.get(opened, CKA_VALUE)),
                CKR_ATTRIBUTE_SENSITIVE
            );
            for usage in [
                CKA_DECRYPT,
                CKA_SIGN,
                CKA_VERIFY,
                CKA_WRAP,
                CKA_UNWRAP,
                CKA_DERIVE,
            ] {
                assert!(!session.get_flag(opened, usage).unwrap(), "{usage:#x}");
                refused(session.set(opened, Template::default().yes(usage)));
                refused(session.copy(opened, Template::default().yes(usage)));
                refused(session.copy(opened, Template::default().yes(CKA_TOKEN).yes(usage)));
            }
            session
                .encrypt(&Mech::plain(CKM_AES_ECB), opened, &[0; 16])
                .unwrap();
            let gcm = Mech::gcm(&[0; 12], b"", 128);
            assert_eq!(
                refused(session.encrypt_init(&gcm, opened)),
                CKR_MECHANISM_INVALID
            );
        }
        assert!(store::log(&home()).contains("looser than its envelope"));
        let written = store::sql(
            &home(),
            "SELECT count(*) FROM audit WHERE what = 'envelope-clamp'",
        );
        assert_eq!(written, "2");
    });
}

#[test]
fn a_template_may_tighten_what_was_sealed() {
    user(|_, session| {
        let kek = kek(&session);
        let key = open().numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_ECB, CKM_AES_CBC]);
        let key = session.create(key).unwrap();
        let sealed = session.wrap(&Mech::envelope(), kek, key).unwrap();
        for place in [false, true] {
            let tight = Template::default()
                .flag(CKA_TOKEN, place)
                .yes(CKA_SENSITIVE)
                .no(CKA_EXTRACTABLE)
                .no(CKA_DECRYPT)
                .numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_ECB]);
            let opened = session
                .unwrap(&Mech::envelope(), kek, &sealed, tight)
                .unwrap();
            session
                .encrypt(&Mech::plain(CKM_AES_ECB), opened, &[0; 16])
                .unwrap();
            let cbc = Mech::bytes(CKM_AES_CBC, &[0; 16]);
            assert_eq!(
                refused(session.encrypt_init(&cbc, opened)),
                CKR_MECHANISM_INVALID
            );
            assert!(!leaks(&session, opened));
            let said = session.decrypt_init(&Mech::plain(CKM_AES_ECB), opened);
            assert_eq!(refused(said), CKR_KEY_FUNCTION_NOT_PERMITTED);
        }
    });
}

#[test]
fn the_template_says_what_the_template_may_say() {
    user(|_, session| {
        let kek = kek(&session);
        let key = open()
            .no(CKA_MODIFIABLE)
            .no(CKA_COPYABLE)
            .no(CKA_DESTROYABLE)
            .text(CKA_LABEL, "sealed");
        let key = session.create(key).unwrap();
        let sealed = session.wrap(&Mech::envelope(), kek, key).unwrap();
        let flags = [CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE];
        let opened = session
            .unwrap(&Mech::envelope(), kek, &sealed, Template::default())
            .unwrap();
        assert!(
            flags
                .iter()
                .all(|flag| !session.get_flag(opened, *flag).unwrap())
        );
        assert_eq!(session.get(opened, CKA_LABEL).unwrap(), b"sealed");
        let said = flags
            .into_iter()
            .fold(Template::default().text(CKA_LABEL, "mine"), Template::yes);
        let opened = session
            .unwrap(&Mech::envelope(), kek, &sealed, said.yes(CKA_TOKEN))
            .unwrap();
        assert!(
            flags
                .iter()
                .all(|flag| session.get_flag(opened, *flag).unwrap())
        );
        assert_eq!(session.get(opened, CKA_LABEL).unwrap(), b"mine");
        session
            .encrypt(&Mech::plain(CKM_AES_ECB), opened, &[0; 16])
            .unwrap();
        session.destroy(opened).unwrap();
    });
}

#[test]
fn another_class_type_or_length_is_refused() {
    user(|_, session| {
        let kek = kek(&session);
        let key = session.create(open()).unwrap();
        let sealed = session.wrap(&Mech::envelope(), kek, key).unwrap();
        let open = |template| refused(session.unwrap(&Mech::envelope(), kek, &sealed, template));
        assert_eq!(open(of_class(CKO_PRIVATE_KEY)), CKR_TEMPLATE_INCONSISTENT);
        assert_eq!(open(secret(CKK_GENERIC_SECRET)), CKR_TEMPLATE_INCONSISTENT);
        let short = Template::default().number(CKA_VALUE_LEN, 16);
        assert_eq!(open(short), CKR_WRAPPED_KEY_LEN_RANGE);
        let lie = Template::default().bytes(CKA_CHECK_VALUE, &[1, 2, 3]);
        assert_eq!(open(lie), CKR_ATTRIBUTE_VALUE_INVALID);
    });
}

#[test]
fn a_key_that_asks_for_the_pin_each_time_still_does_after_unwrap() {
    user(|_, session| {
        let kek = kek(&session);
        let public =
            Template::default().bytes(CKA_EC_PARAMS, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
        let private = Template::default()
            .yes(CKA_ALWAYS_AUTHENTICATE)
            .yes(CKA_EXTRACTABLE);
        let how = Mech::plain(CKM_EC_KEY_PAIR_GEN);
        let (_, private) = session.generate_pair(&how, public, private).unwrap();
        let sealed = session.wrap(&Mech::envelope(), kek, private).unwrap();
        let loose = Template::default()
            .no(CKA_ALWAYS_AUTHENTICATE)
            .no(CKA_PRIVATE);
        let opened = session
            .unwrap(&Mech::envelope(), kek, &sealed, loose)
            .unwrap();
        assert!(session.get_flag(opened, CKA_ALWAYS_AUTHENTICATE).unwrap());
        session.sign_init(&Mech::plain(CKM_ECDSA), opened).unwrap();
        let (said, _, _) = session.sign_one(&[1; 32], crate::support::session::Room::Bytes(128));
        assert_eq!(said.0, CKR_USER_NOT_LOGGED_IN);
        let other = Template::default().bytes(CKA_EC_POINT, &[4; 67]);
        let said = session.unwrap(&Mech::envelope(), kek, &sealed, other);
        assert_eq!(refused(said), CKR_TEMPLATE_INCONSISTENT);
    });
}

#[test]
fn what_is_not_extractable_is_not_sealed() {
    user(|_, session| {
        let key = session.create(guarded()).unwrap();
        let said = session.wrap(&Mech::envelope(), kek(&session), key);
        assert_eq!(refused(said), CKR_KEY_UNEXTRACTABLE);
    });
}

#[test]
fn an_unwrapped_key_has_no_history() {
    user(|_, session| {
        let kek = kek(&session);
        let how = Mech::plain(CKM_AES_KEY_GEN);
        let key = Template::default()
            .number(CKA_VALUE_LEN, 32)
            .yes(CKA_EXTRACTABLE)
            .yes(CKA_SENSITIVE);
        let key = session.generate(&how, key).unwrap();
        let sealed = session.wrap(&Mech::envelope(), kek, key).unwrap();
        let opened = session
            .unwrap(&Mech::envelope(), kek, &sealed, Template::default())
            .unwrap();
        for flag in [
            CKA_LOCAL,
            CKA_ALWAYS_SENSITIVE,
            CKA_NEVER_EXTRACTABLE,
            CKA_TRUSTED,
        ] {
            assert!(!session.get_flag(opened, flag).unwrap());
        }
        let made = session.get_number(opened, CKA_KEY_GEN_MECHANISM).unwrap();
        assert_eq!(made, CK_UNAVAILABLE_INFORMATION);
        assert_ne!(
            session.get(opened, CKA_UNIQUE_ID).unwrap(),
            session.get(key, CKA_UNIQUE_ID).unwrap()
        );
    });
}
