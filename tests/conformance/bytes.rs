//! What has one right answer: the same bytes from both modules.

use cryptoki_sys::*;

use crate::compare::{Run, both};
use crate::support::mech::Mech;
use crate::support::session::Session;
use crate::support::template::{Template, open_aes, secret, usages};

/// Lengths around every block size, and a long one.
const LENGTHS: &[usize] = &[0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 4096, 10_000];

fn data(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + 3) as u8).collect()
}

fn users<'r>(soft: &'r Run, ours: &'r Run) -> (Session<'r>, Session<'r>) {
    (soft.user(), ours.user())
}

fn aes(len: usize) -> Template {
    open_aes().bytes(CKA_VALUE, &data(len))
}

#[test]
fn digests_are_equal_in_one_part_and_in_many() {
    let kinds = [CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512];
    both(|soft, ours| {
        let (soft, ours) = (soft.session(), ours.session());
        for how in kinds.map(Mech::plain) {
            for len in LENGTHS {
                let one = ours.digest(&how, &data(*len));
                assert_eq!(
                    one,
                    soft.digest(&how, &data(*len)),
                    "{:#x}, {len}",
                    how.kind
                );
                assert_eq!(one, ours.digest_parts(&how, &data(*len), 13), "{len}");
            }
        }
    });
}

#[test]
fn a_digest_takes_a_key() {
    both(|soft, ours| {
        let (soft, ours) = users(soft, ours);
        let digest = |session: &Session<'_>| {
            let key = session.create(aes(32)).unwrap();
            session.digest_init(&Mech::plain(CKM_SHA256)).unwrap();
            session.digest_update(b"before").unwrap();
            session.digest_key(key).unwrap();
            crate::support::operation::bytes(
                session.digest_final(crate::support::session::Room::Bytes(32)),
            )
        };
        assert_eq!(digest(&ours), digest(&soft));
    });
}

#[test]
fn aes_modes_give_the_same_bytes() {
    both(|soft, ours| {
        let (soft, ours) = users(soft, ours);
        let iv = [9; 16];
        let hows = [
            Mech::plain(CKM_AES_ECB),
            Mech::bytes(CKM_AES_CBC, &iv),
            Mech::bytes(CKM_AES_CBC_PAD, &iv),
            Mech::ctr(128, [0xfe; 16]),
            Mech::gcm(&iv[..12], b"", 128),
            Mech::gcm(&iv[..12], b"with it", 96),
            Mech::gcm(&iv, b"long iv", 128),
        ];
        for key_len in [16, 24, 32] {
            let keys = (
                soft.create(aes(key_len)).unwrap(),
                ours.create(aes(key_len)).unwrap(),
            );
            for how in &hows {
                for len in LENGTHS {
                    one_mode(how, (&soft, keys.0), (&ours, keys.1), &data(*len));
                }
            }
        }
    });
}

type With<'s> = (&'s Session<'s>, CK_OBJECT_HANDLE);

fn one_mode(how: &Mech, (soft, soft_key): With<'_>, (ours, our_key): With<'_>, plain: &[u8]) {
    let told = format!("{:#x}, {} bytes", how.kind, plain.len());
    let blocks = [CKM_AES_ECB, CKM_AES_CBC].contains(&how.kind);
    if blocks && !plain.len().is_multiple_of(16) {
        let answer = ours.encrypt(how, our_key, plain);
        assert_eq!(answer, soft.encrypt(how, soft_key, plain), "{told}");
        return;
    }
    let sealed = ours.encrypt(how, our_key, plain).expect(&told);
    assert_eq!(
        Ok(&sealed),
        soft.encrypt(how, soft_key, plain).as_ref(),
        "{told}"
    );
    let parts = ours.encrypt_parts(how, our_key, plain, 17);
    assert_eq!(parts.as_ref(), Ok(&sealed), "{told} in parts");
    assert_eq!(
        ours.decrypt(how, our_key, &sealed).as_deref(),
        Ok(plain),
        "{told}"
    );
    let parts = ours.decrypt_parts(how, our_key, &sealed, 17);
    assert_eq!(parts.as_deref(), Ok(plain), "{told} in parts");
}

#[test]
fn macs_give_the_same_bytes() {
    let kinds = [
        CKM_SHA_1_HMAC,
        CKM_SHA224_HMAC,
        CKM_SHA256_HMAC,
        CKM_SHA384_HMAC,
        CKM_SHA512_HMAC,
    ];
    both(|soft, ours| {
        let (soft, ours) = users(soft, ours);
        let generic = || usages(secret(CKK_GENERIC_SECRET)).bytes(CKA_VALUE, &data(64));
        let keys = (soft.create(generic()), ours.create(generic()));
        for how in kinds.map(Mech::plain) {
            one_mac(&how, (&soft, keys.0.unwrap()), (&ours, keys.1.unwrap()));
        }
        let keys = (soft.create(aes(32)), ours.create(aes(32)));
        let cmac = Mech::plain(CKM_AES_CMAC);
        one_mac(&cmac, (&soft, keys.0.unwrap()), (&ours, keys.1.unwrap()));
    });
}

fn one_mac(how: &Mech, (soft, soft_key): With<'_>, (ours, our_key): With<'_>) {
    for len in LENGTHS {
        let told = format!("{:#x}, {len} bytes", how.kind);
        let mac = ours.sign(how, our_key, &data(*len)).expect(&told);
        let theirs = soft.sign(how, soft_key, &data(*len));
        assert_eq!(theirs.as_ref(), Ok(&mac), "{told}");
        let parts = ours.sign_parts(how, our_key, &data(*len), 13);
        assert_eq!(parts.as_ref(), Ok(&mac), "{told} in parts");
        assert_eq!(
            ours.verify(how, our_key, &data(*len), &mac),
            Ok(()),
            "{told}"
        );
    }
}
