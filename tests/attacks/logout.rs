//! What is private ends at logout: objects, handles and operations (rule 16).

use cryptoki_sys::*;

use crate::support::mech::Mech;
use crate::support::session::Room;
use crate::support::template::Template;
use crate::{open, refused, user};

#[test]
fn private_objects_and_their_handles_end_at_logout() {
    user(|token, session| {
        let kept = session
            .create(open().yes(CKA_TOKEN).text(CKA_LABEL, "kept"))
            .unwrap();
        let held = session.create(open()).unwrap();
        session.logout().unwrap();
        for key in [kept, held] {
            assert_eq!(
                refused(session.get(key, CKA_LABEL)),
                CKR_OBJECT_HANDLE_INVALID
            );
            let said = session.encrypt_init(&Mech::plain(CKM_AES_ECB), key);
            assert_eq!(refused(said), CKR_KEY_HANDLE_INVALID);
        }
        let label = || Template::default().text(CKA_LABEL, "kept");
        assert!(session.find(label()).unwrap().is_empty());
        let session = token.user();
        for key in [kept, held] {
            assert_eq!(
                refused(session.get(key, CKA_LABEL)),
                CKR_OBJECT_HANDLE_INVALID
            );
        }
        assert_eq!(session.find(label()).unwrap().len(), 1);
    });
}

#[test]
fn operations_on_private_keys_end_at_logout_in_every_session() {
    user(|token, session| {
        let key = session.create(open()).unwrap();
        let other = token.session();
        for session in [session, other] {
            session
                .encrypt_init(&Mech::plain(CKM_AES_ECB), key)
                .unwrap();
            session
                .decrypt_init(&Mech::plain(CKM_AES_ECB), key)
                .unwrap();
            session.sign_init(&Mech::plain(CKM_AES_CMAC), key).unwrap();
            session
                .verify_init(&Mech::plain(CKM_AES_CMAC), key)
                .unwrap();
            session.sign_update(b"begun").unwrap();
        }
        session.logout().unwrap();
        for session in [session, other] {
            let room = || Room::Bytes(64);
            for said in [
                session.encrypt_one(&[0; 16], room()).0,
                session.decrypt_one(&[0; 16], room()).0,
                session.sign_final(room()).0,
            ] {
                assert_eq!(said.0, CKR_OPERATION_NOT_INITIALIZED);
            }
            assert_eq!(
                refused(session.verify_update(b"x")),
                CKR_OPERATION_NOT_INITIALIZED
            );
        }
    });
}

#[test]
fn a_token_key_that_needs_the_login_to_begin_needs_it_to_go_on() {
    user(|_, session| {
        let key = session
            .create(open().yes(CKA_TOKEN).no(CKA_PRIVATE))
            .unwrap();
        session
            .encrypt_init(&Mech::plain(CKM_AES_ECB), key)
            .unwrap();
        session.logout().unwrap();
        assert_eq!(
            session.encrypt_one(&[0; 16], Room::Bytes(64)).0.0,
            CKR_OPERATION_NOT_INITIALIZED
        );
        let said = session.encrypt_init(&Mech::plain(CKM_AES_ECB), key);
        assert_eq!(refused(said), CKR_USER_NOT_LOGGED_IN);
    });
}
