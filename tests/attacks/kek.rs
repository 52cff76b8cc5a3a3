//! A KEK seals and opens envelopes and does nothing else (rules 17, 27, 40).

use cryptoki_sys::*;

use crate::support::mech::{Mech, SHA256};
use crate::support::template::{Template, secret};
use crate::{kek, kw, open, refused, user};

#[test]
fn a_keks_raw_operations_are_refused() {
    user(|_, session| {
        let kek = kek(&session);
        let block = Mech::plain(CKM_AES_ECB);
        let gcm = Mech::gcm(&[0; 12], b"", 128);
        let cbc = Mech::bytes(CKM_AES_CBC, &[0; 16]);
        let ctr = Mech::ctr(128, [0; 16]);
        for how in [
            &block,
            &gcm,
            &cbc,
            &ctr,
            &kw(),
            &Mech::plain(CKM_AES_KEY_WRAP_KWP),
        ] {
            assert_eq!(
                refused(session.encrypt_init(how, kek)),
                CKR_MECHANISM_INVALID
            );
            assert_eq!(
                refused(session.decrypt_init(how, kek)),
                CKR_MECHANISM_INVALID
            );
        }
        let target = session.create(open()).unwrap();
        for how in [&block, &gcm, &cbc] {
            assert_eq!(
                refused(session.wrap(how, kek, target)),
                CKR_MECHANISM_INVALID
            );
            let said = session.unwrap(how, kek, &[0; 32], secret(CKK_AES));
            assert_eq!(refused(said), CKR_MECHANISM_INVALID);
        }
        for how in [
            Mech::plain(CKM_AES_CMAC),
            Mech::plain(CKM_SHA256_HMAC),
            Mech::envelope(),
        ] {
            refused(session.sign_init(&how, kek));
            refused(session.verify_init(&how, kek));
        }
        let derived = || secret(CKK_AES).number(CKA_VALUE_LEN, 32);
        refused(session.derive(&Mech::hkdf(SHA256, b"", b""), kek, derived()));
        let base = open()
            .without(CKA_KEY_TYPE)
            .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        let base = session.create(base).unwrap();
        refused(session.derive(&Mech::hkdf_salted(SHA256, kek), base, derived()));
        session.digest_init(&Mech::plain(CKM_SHA256)).unwrap();
        assert_eq!(refused(session.digest_key(kek)), CKR_KEY_INDIGESTIBLE);
    });
}

#[test]
fn a_kek_is_neither_wrapped_nor_read_nor_changed_nor_copied_nor_destroyed() {
    user(|_, session| {
        let kek = kek(&session);
        let with = session.create(open()).unwrap();
        assert_eq!(
            refused(session.wrap(&kw(), with, kek)),
            CKR_KEY_UNEXTRACTABLE
        );
        let said = session.wrap(&Mech::envelope(), kek, kek);
        assert_eq!(refused(said), CKR_KEY_UNEXTRACTABLE);
        assert_eq!(
            refused(session.get(kek, CKA_VALUE)),
            CKR_ATTRIBUTE_SENSITIVE
        );
        assert_eq!(
            refused(session.get(kek, CKA_CHECK_VALUE)),
            CKR_ATTRIBUTE_TYPE_INVALID
        );
        let changes = [
            Template::default().yes(CKA_EXTRACTABLE),
            Template::default().yes(CKA_TRUSTED),
            Template::default().text(CKA_LABEL, "mine"),
        ];
        for changes in changes {
            assert_eq!(
                refused(session.set(kek, changes.clone())),
                CKR_ACTION_PROHIBITED
            );
            assert_eq!(refused(session.copy(kek, changes)), CKR_ACTION_PROHIBITED);
        }
        assert_eq!(refused(session.destroy(kek)), CKR_ACTION_PROHIBITED);
    });
}

#[test]
fn the_envelope_mechanism_works_on_no_other_key() {
    user(|_, session| {
        let key = session.create(open()).unwrap();
        let target = session.create(open()).unwrap();
        let kek = kek(&session);
        let sealed = session.wrap(&Mech::envelope(), kek, target).unwrap();
        refused(session.encrypt_init(&Mech::envelope(), key));
        refused(session.decrypt_init(&Mech::envelope(), key));
        refused(session.wrap(&Mech::envelope(), key, target));
        refused(session.unwrap(&Mech::envelope(), key, &sealed, Template::default()));
        let allowed = open().numbers(
            CKA_ALLOWED_MECHANISMS,
            &[crate::support::zeq::CKM_ZEQ_ENVELOPE],
        );
        let allowed = session.create(allowed).unwrap();
        refused(session.encrypt_init(&Mech::envelope(), allowed));
        refused(session.wrap(&Mech::envelope(), allowed, target));
        refused(session.unwrap(&Mech::envelope(), allowed, &sealed, Template::default()));
    });
}

#[test]
fn a_kek_works_for_nobody_before_the_login() {
    user(|token, session| {
        let key = session.create(open().no(CKA_PRIVATE)).unwrap();
        let sealed = session.wrap(&Mech::envelope(), kek(&session), key).unwrap();
        session.logout().unwrap();
        let session = token.session();
        let kek = kek(&session);
        let not_in = CKR_USER_NOT_LOGGED_IN;
        assert_eq!(refused(session.wrap(&Mech::envelope(), kek, key)), not_in);
        let said = session.unwrap(&Mech::envelope(), kek, &sealed, Template::default());
        assert_eq!(refused(said), not_in);
        assert_eq!(
            refused(session.encrypt_init(&Mech::envelope(), kek)),
            not_in
        );
        assert_eq!(
            refused(session.decrypt_init(&Mech::envelope(), kek)),
            not_in
        );
    });
}
