//! Operations under way: what begins, continues and ends one.

use cryptoki_sys::*;

use crate::compare::{differs, same};
use crate::support::mech::Mech;
use crate::support::operation::bytes;
use crate::support::session::{Room, Session};
use crate::support::template::{Template, open_aes, secret, usages};
use crate::support::token::PIN;

fn aes(session: &Session<'_>) -> CK_OBJECT_HANDLE {
    session
        .create(open_aes().bytes(CKA_VALUE, &[3; 16]))
        .unwrap()
}

fn cbc() -> Mech {
    Mech::bytes(CKM_AES_CBC_PAD, &[7; 16])
}

#[test]
fn nothing_goes_on_that_was_not_begun() {
    same(|run| {
        let session = run.user();
        let room = Room::Bytes(64);
        run.note("encrypt", session.encrypt_one(b"x", room));
        run.note("encrypt update", session.encrypt_update(b"x", room));
        run.note("encrypt final", session.encrypt_final(room));
        run.note("decrypt", session.decrypt_one(b"x", room));
        run.note("decrypt final", session.decrypt_final(room));
        run.note("digest", session.digest_one(b"x", room));
        run.note("digest update", session.digest_update(b"x"));
        run.note("digest final", session.digest_final(room));
        run.note("sign", session.sign_one(b"x", room));
        run.note("sign update", session.sign_update(b"x"));
        run.note("sign final", session.sign_final(room));
        run.note("verify", session.verify_one(b"x", b"y"));
        run.note("verify update", session.verify_update(b"x"));
        run.note("verify final", session.verify_final(b"y"));
    });
}

#[test]
fn an_operation_is_begun_once() {
    same(|run| {
        let session = run.user();
        let key = aes(&session);
        run.note("encrypt", session.encrypt_init(&cbc(), key));
        run.note("encrypt again", session.encrypt_init(&cbc(), key));
        run.note("it goes on", session.encrypt_one(b"text", Room::Bytes(64)));
        run.note("and is over", session.encrypt_one(b"text", Room::Bytes(64)));
        let sha = Mech::plain(CKM_SHA256);
        run.note("digest", session.digest_init(&sha));
        run.note("digest again", session.digest_init(&sha));
        run.note("digested", session.digest_one(b"x", Room::Bytes(32)));
    });
}

#[test]
fn asking_for_the_length_ends_nothing() {
    same(|run| {
        let session = run.user();
        let key = aes(&session);
        session.encrypt_init(&cbc(), key).unwrap();
        run.note("length", session.encrypt_one(&[1; 20], Room::Asked));
        run.note("too small", session.encrypt_one(&[1; 20], Room::Bytes(31)));
        run.note(
            "just enough",
            session.encrypt_one(&[1; 20], Room::Bytes(32)),
        );
        session.digest_init(&Mech::plain(CKM_SHA256)).unwrap();
        run.note("digest length", session.digest_one(b"x", Room::Asked));
        run.note(
            "digest too small",
            session.digest_one(b"x", Room::Bytes(31)),
        );
        run.note("digest", session.digest_one(b"x", Room::Bytes(32)));
        session.sign_init(&Mech::plain(CKM_AES_CMAC), key).unwrap();
        run.note("sign length", session.sign_one(b"x", Room::Asked));
        run.note("sign too small", session.sign_one(b"x", Room::Bytes(15)));
        run.note("signed", session.sign_one(b"x", Room::Bytes(16)).0);
        run.note("over", session.sign_one(b"x", Room::Bytes(16)).0);
    });
}

#[test]
fn the_final_call_may_ask_for_its_length() {
    same(|run| {
        let session = run.user();
        session.digest_init(&Mech::plain(CKM_SHA512)).unwrap();
        session.digest_update(b"abc").unwrap();
        run.note("length", session.digest_final(Room::Asked));
        run.note("too small", session.digest_final(Room::Bytes(63)));
        run.note("digest", session.digest_final(Room::Bytes(64)));
        run.note("over", session.digest_final(Room::Bytes(64)));
    });
}

#[test]
fn one_part_after_an_update_is_refused() {
    differs(
        &[
            ("digest", "CKR_OK", "CKR_OPERATION_ACTIVE"),
            (
                "sign",
                "CKR_OPERATION_NOT_INITIALIZED",
                "CKR_OPERATION_ACTIVE",
            ),
        ],
        |run| {
            let session = run.user();
            let sha = Mech::plain(CKM_SHA256);
            session.digest_init(&sha).unwrap();
            session.digest_update(b"x").unwrap();
            run.note("digest", session.digest_one(b"y", Room::Bytes(32)).0);
            let key = aes(&session);
            session.sign_init(&Mech::plain(CKM_AES_CMAC), key).unwrap();
            session.sign_update(b"x").unwrap();
            run.note("sign", session.sign_one(b"y", Room::Bytes(16)).0);
        },
    );
}

#[test]
fn kinds_of_operations_in_one_session() {
    differs(
        &[("encrypt beside it", "Err(CKR_OPERATION_ACTIVE)", "Ok(())")],
        |run| {
            let session = run.user();
            let key = aes(&session);
            run.note("digest", session.digest_init(&Mech::plain(CKM_SHA256)));
            run.note("encrypt beside it", session.encrypt_init(&cbc(), key));
        },
    );
}

#[test]
fn a_key_does_only_what_its_usages_say() {
    differs(
        &[(
            "no such key",
            "Err(CKR_OBJECT_HANDLE_INVALID)",
            "Err(CKR_KEY_HANDLE_INVALID)",
        )],
        |run| {
            let session = run.user();
            let none = [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY]
                .into_iter()
                .fold(secret(CKK_AES).bytes(CKA_VALUE, &[3; 16]), Template::no);
            let key = session.create(none).unwrap();
            run.note("encrypt", session.encrypt_init(&cbc(), key));
            run.note("decrypt", session.decrypt_init(&cbc(), key));
            run.note("sign", session.sign_init(&Mech::plain(CKM_AES_CMAC), key));
            run.note(
                "verify",
                session.verify_init(&Mech::plain(CKM_AES_CMAC), key),
            );
            run.note("no such key", session.encrypt_init(&cbc(), 0x7fff_fff1));
        },
    );
}

#[test]
fn a_mechanism_wants_its_own_key_and_parameter() {
    differs(
        &[
            (
                "no iv",
                "Err(CKR_ARGUMENTS_BAD)",
                "Err(CKR_MECHANISM_PARAM_INVALID)",
            ),
            (
                "a short iv",
                "Err(CKR_MECHANISM_INVALID)",
                "Err(CKR_MECHANISM_PARAM_INVALID)",
            ),
        ],
        |run| {
            let session = run.user();
            let key = aes(&session);
            let generic = usages(secret(CKK_GENERIC_SECRET)).bytes(CKA_VALUE, &[3; 32]);
            let generic = session.create(generic).unwrap();
            run.note(
                "no such mechanism",
                session.encrypt_init(&Mech::plain(0x7777_7777), key),
            );
            run.note(
                "a digest as cipher",
                session.encrypt_init(&Mech::plain(CKM_SHA256), key),
            );
            run.note(
                "a cipher as digest",
                session.digest_init(&Mech::plain(CKM_AES_ECB)),
            );
            run.note("another key type", session.encrypt_init(&cbc(), generic));
            run.note(
                "hmac of an aes key",
                session.sign_init(&Mech::plain(CKM_SHA256_HMAC), key),
            );
            run.note(
                "no iv",
                session.encrypt_init(&Mech::plain(CKM_AES_CBC), key),
            );
            let short = Mech::bytes(CKM_AES_CBC, &[0; 8]);
            run.note("a short iv", session.encrypt_init(&short, key));
        },
    );
}

#[test]
fn damaged_ciphertext_is_refused() {
    differs(
        &[(
            "gcm",
            "Err(CKR_GENERAL_ERROR)",
            "Err(CKR_ENCRYPTED_DATA_INVALID)",
        )],
        |run| {
            let session = run.user();
            let key = aes(&session);
            let gcm = || Mech::gcm(&[1; 12], b"aad", 128);
            let sealed = session.encrypt(&gcm(), key, b"text").unwrap();
            let mut damaged = sealed.clone();
            damaged[0] ^= 1;
            run.note("gcm", session.decrypt(&gcm(), key, &damaged));
            let cut = session.decrypt(&gcm(), key, &sealed[..8]);
            run.note("gcm, shorter than its tag", cut.is_err());
            run.note("cbc, half a block", session.decrypt(&cbc(), key, &[0; 24]));
            run.note("ecb, half a block", {
                session.encrypt(&Mech::plain(CKM_AES_ECB), key, &[0; 24])
            });
            run.note("right after all", session.decrypt(&gcm(), key, &sealed));
        },
    );
}

#[test]
fn a_wrong_signature_is_told_from_one_of_another_length() {
    same(|run| {
        let session = run.user();
        let key = aes(&session);
        let cmac = Mech::plain(CKM_AES_CMAC);
        let mac = session.sign(&cmac, key, b"text").unwrap();
        run.note("right", session.verify(&cmac, key, b"text", &mac));
        run.note("wrong", session.verify(&cmac, key, b"other", &mac));
        run.note("short", session.verify(&cmac, key, b"text", &mac[..15]));
        run.note("over", session.verify_one(b"text", &mac));
    });
}

#[test]
fn parts_of_no_bytes_change_nothing() {
    same(|run| {
        let session = run.user();
        let key = aes(&session);
        session.encrypt_init(&cbc(), key).unwrap();
        run.note("update", session.encrypt_update(&[1; 5], Room::Bytes(32)));
        run.note(
            "update more",
            session.encrypt_update(&[1; 30], Room::Bytes(64)),
        );
        run.note("final", session.encrypt_final(Room::Bytes(32)));
        run.note("nothing at all", session.encrypt(&cbc(), key, b""));
    });
}

#[test]
fn operations_on_private_keys_end_at_logout() {
    differs(
        &[
            ("goes on", "CKR_OK", "CKR_OPERATION_NOT_INITIALIZED"),
            (
                "begins",
                "Err(CKR_OBJECT_HANDLE_INVALID)",
                "Err(CKR_KEY_HANDLE_INVALID)",
            ),
        ],
        |run| {
            let session = run.user();
            let key = open_aes().yes(CKA_PRIVATE).bytes(CKA_VALUE, &[3; 16]);
            let key = session.create(key).unwrap();
            session.encrypt_init(&cbc(), key).unwrap();
            session.logout().unwrap();
            run.note("goes on", session.encrypt_one(b"x", Room::Bytes(32)).0);
            session.login(CKU_USER, PIN).unwrap();
            run.note("begins", session.encrypt_init(&cbc(), key));
        },
    );
}

#[test]
fn random_bytes_of_any_length() {
    same(|run| {
        let session = run.session();
        run.note("none", session.random(0));
        run.note("one", session.random(1).map(|bytes| bytes.len()));
        run.note("many", session.random(100_000).map(|bytes| bytes.len()));
        run.note("differ", session.random(32) == session.random(32));
    });
}

#[test]
fn a_digest_of_parts_is_the_digest_of_all() {
    same(|run| {
        let session = run.session();
        session.digest_init(&Mech::plain(CKM_SHA256)).unwrap();
        run.note("update", session.digest_update(b"abc"));
        run.note("empty update", session.digest_update(b""));
        run.note("final", bytes(session.digest_final(Room::Bytes(32))));
        run.note("nothing", session.digest(&Mech::plain(CKM_SHA256), b""));
    });
}
