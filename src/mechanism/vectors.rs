//! Wycheproof's vectors through the table: every valid one is accepted, every invalid one refused,
//! both in one part and in many.
#![forbid(unsafe_code)]

use cryptoki_sys::*;
use wycheproof::{TestResult, aead, cipher, hkdf, keywrap, mac};

use crate::error::{Code, Result};
use crate::mechanism::params::Salt;
use crate::mechanism::{Cipher, Hash, Key, Mechanism, Params, SecretKey, Wanted, find};
use crate::secret::Secret;

/// How many vectors had to pass and had to fail; a set that shrinks is a test that says nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) valid: usize,
    pub(super) invalid: usize,
}

impl Count {
    pub(super) fn add(&mut self, case: usize, result: TestResult, accepted: bool) {
        match result {
            TestResult::Valid => {
                assert!(accepted, "{case} is valid and was refused");
                self.valid += 1;
            }
            TestResult::Invalid => {
                assert!(!accepted, "{case} is invalid and was accepted");
                self.invalid += 1;
            }
            TestResult::Acceptable => {}
        }
    }
}

pub(super) fn does(kind: CK_MECHANISM_TYPE) -> &'static dyn Mechanism {
    find(kind).unwrap().does
}

/// A key, or the code for what cannot be one.
fn key(key_type: CK_KEY_TYPE, value: &[u8]) -> Result<Key> {
    SecretKey::new(key_type, Secret::copy(value)?).map(Key::Secret)
}

/// What a cipher makes of the input in one part, and the same in parts of 1, 2, 3, .. bytes.
pub(super) fn through(
    start: &dyn Fn() -> Result<Box<dyn Cipher>>,
    input: &[u8],
) -> Result<Vec<u8>, Code> {
    let whole = whole(start, input).map_err(|e| e.code);
    let parts = parts(start, input).map_err(|e| e.code);
    assert_eq!(whole, parts);
    whole
}

fn whole(start: &dyn Fn() -> Result<Box<dyn Cipher>>, input: &[u8]) -> Result<Vec<u8>> {
    let mut cipher = start()?;
    let mut out = vec![0; cipher.whole_len(input.len())];
    let len = cipher.whole(input, &mut out)?;
    out.truncate(len);
    Ok(out)
}

fn parts(start: &dyn Fn() -> Result<Box<dyn Cipher>>, input: &[u8]) -> Result<Vec<u8>> {
    let (mut cipher, mut rest, mut out) = (start()?, input, Vec::new());
    for len in 1.. {
        let (part, later) = rest.split_at(rest.len().min(len));
        let mut room = vec![0; cipher.update_len(part.len())];
        let len = cipher.update(part, &mut room)?;
        out.extend_from_slice(&room[..len]);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    let mut room = vec![0; cipher.finish_len()];
    let len = cipher.finish(&mut room)?;
    out.extend_from_slice(&room[..len]);
    Ok(out)
}

#[test]
fn aes_gcm_accepts_what_is_valid_and_nothing_else() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let gcm = does(CKM_AES_GCM);
    let mut count = Count::default();
    for group in &set.test_groups {
        for test in &group.tests {
            let params = Params::Gcm {
                iv: test.nonce.to_vec(),
                aad: test.aad.to_vec(),
                tag_bits: CK_ULONG::try_from(group.tag_size).unwrap(),
            };
            let key = key(CKK_AES, &test.key).unwrap();
            let sealed = [&test.ct[..], &test.tag[..]].concat();
            let opened = through(&|| gcm.decrypt(&key, &params), &sealed);
            let made = through(&|| gcm.encrypt(&key, &params), &test.pt);
            let accepted = opened.is_ok_and(|plain| plain == test.pt[..]);
            assert_eq!(accepted, made.is_ok_and(|made| made == sealed));
            count.add(test.tc_id, test.result, accepted);
        }
    }
    assert_eq!(
        count,
        Count {
            valid: 229,
            invalid: 87
        }
    );
}

#[test]
fn aes_cbc_pad_accepts_what_is_valid_and_nothing_else() {
    let set = cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).unwrap();
    let cbc = does(CKM_AES_CBC_PAD);
    let mut count = Count::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let params = Params::Iv(test.nonce.to_vec());
        let key = key(CKK_AES, &test.key).unwrap();
        let opened = through(&|| cbc.decrypt(&key, &params), &test.ct);
        if test.result == TestResult::Valid {
            let made = through(&|| cbc.encrypt(&key, &params), &test.pt);
            assert_eq!(made.unwrap(), test.ct[..]);
        }
        let accepted = opened.is_ok_and(|plain| plain == test.pt[..]);
        count.add(test.tc_id, test.result, accepted);
    }
    assert_eq!(
        count,
        Count {
            valid: 72,
            invalid: 144
        }
    );
}

/// Whether a MAC of that length of the message is this one, for signing and verifying.
fn is_mac(kind: CK_MECHANISM_TYPE, key: &Key, tag_bits: usize, message: &[u8], tag: &[u8]) -> bool {
    let params = Params::MacLength(tag_bits / 8);
    let mut verify = does(kind).verify(key, &params).unwrap();
    let accepted = verify.whole(message, tag).is_ok();
    let mut sign = does(kind).sign(key, &params).unwrap();
    let mut made = vec![0; sign.len()];
    for part in message.chunks(7) {
        sign.update(part).unwrap();
    }
    sign.finish(&mut made).unwrap();
    assert_eq!(accepted, made == tag);
    accepted
}

fn macs(name: mac::TestName, kind: CK_MECHANISM_TYPE, key_type: CK_KEY_TYPE) -> Count {
    let set = mac::TestSet::load(name).unwrap();
    let mut count = Count::default();
    for group in &set.test_groups {
        for test in &group.tests {
            let accepted = key(key_type, &test.key)
                .is_ok_and(|key| is_mac(kind, &key, group.tag_size, &test.msg, &test.tag));
            count.add(test.tc_id, test.result, accepted);
        }
    }
    count
}

#[test]
fn aes_cmac_accepts_what_is_valid_and_nothing_else() {
    let count = macs(mac::TestName::AesCmac, CKM_AES_CMAC_GENERAL, CKK_AES);
    assert_eq!(
        count,
        Count {
            valid: 63,
            invalid: 248
        }
    );
}

#[test]
fn hmac_accepts_what_is_valid_and_nothing_else() {
    use mac::TestName::*;
    let mut total = Count::default();
    for (name, kind) in [
        (HmacSha1, CKM_SHA_1_HMAC_GENERAL),
        (HmacSha224, CKM_SHA224_HMAC_GENERAL),
        (HmacSha256, CKM_SHA256_HMAC_GENERAL),
        (HmacSha384, CKM_SHA384_HMAC_GENERAL),
        (HmacSha512, CKM_SHA512_HMAC_GENERAL),
        (HmacSha512_224, CKM_SHA512_224_HMAC_GENERAL),
        (HmacSha512_256, CKM_SHA512_256_HMAC_GENERAL),
        (HmacSha3_224, CKM_SHA3_224_HMAC_GENERAL),
        (HmacSha3_256, CKM_SHA3_256_HMAC_GENERAL),
        (HmacSha3_384, CKM_SHA3_384_HMAC_GENERAL),
        (HmacSha3_512, CKM_SHA3_512_HMAC_GENERAL),
    ] {
        let count = macs(name, kind, CKK_GENERIC_SECRET);
        total.valid += count.valid;
        total.invalid += count.invalid;
    }
    assert_eq!(
        total,
        Count {
            valid: 726,
            invalid: 1180
        }
    );
}

fn wraps(name: keywrap::TestName, kind: CK_MECHANISM_TYPE) -> Count {
    let set = keywrap::TestSet::load(name).unwrap();
    let wrap = does(kind);
    let mut count = Count::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let key = key(CKK_AES, &test.key).unwrap();
        let opened = wrap.unwrap(&key, &Params::None, &test.ct);
        let opened = opened.map(|plain| plain.expose().to_vec());
        let data = through(&|| wrap.decrypt(&key, &Params::None), &test.ct);
        assert_eq!(opened.as_ref().ok(), data.as_ref().ok());
        if test.result == TestResult::Valid {
            let made = wrap.wrap(&key, &Params::None, &test.pt).unwrap();
            assert_eq!(made, test.ct[..]);
            assert_eq!(
                made.len(),
                wrap.wrapped_len(&key, &Params::None, test.pt.len())
                    .unwrap()
            );
            let data = through(&|| wrap.encrypt(&key, &Params::None), &test.pt);
            assert_eq!(data.unwrap(), made);
        }
        let accepted = opened.is_ok_and(|plain| plain == test.pt[..]);
        count.add(test.tc_id, test.result, accepted);
    }
    count
}

#[test]
fn aes_key_wrap_accepts_what_is_valid_and_nothing_else() {
    let count = wraps(keywrap::TestName::AesKeyWrap, CKM_AES_KEY_WRAP);
    assert_eq!(
        count,
        Count {
            valid: 36,
            invalid: 126
        }
    );
}

#[test]
fn aes_key_wrap_with_padding_accepts_what_is_valid_and_nothing_else() {
    for kind in [CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD] {
        let count = wraps(keywrap::TestName::AesKeyWrapWithPadding, kind);
        assert_eq!(
            count,
            Count {
                valid: 77,
                invalid: 177
            }
        );
    }
}

fn derived(hash: Hash, test: &hkdf::Test) -> Result<Secret> {
    let params = Params::Hkdf {
        extract: true,
        expand: true,
        hash,
        salt: Salt::Bytes(test.salt.to_vec()),
        info: test.info.to_vec(),
    };
    let wanted = Wanted {
        value_len: Some(test.size),
        ..Wanted::default()
    };
    does(CKM_HKDF_DERIVE).derive(&key(CKK_HKDF, &test.ikm)?, &params, &wanted, None)
}

#[test]
fn hkdf_accepts_what_is_valid_and_nothing_else() {
    let mut count = Count::default();
    for (name, hash) in [
        (hkdf::TestName::HkdfSha1, Hash::Sha1),
        (hkdf::TestName::HkdfSha256, Hash::Sha256),
        (hkdf::TestName::HkdfSha384, Hash::Sha384),
        (hkdf::TestName::HkdfSha512, Hash::Sha512),
    ] {
        let set = hkdf::TestSet::load(name).unwrap();
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let accepted = derived(hash, test).is_ok_and(|okm| okm.is(&test.okm));
            count.add(test.tc_id, test.result, accepted);
        }
    }
    assert_eq!(
        count,
        Count {
            valid: 327,
            invalid: 12
        }
    );
}
