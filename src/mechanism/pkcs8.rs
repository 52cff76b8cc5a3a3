//! PKCS#8 (RFC 5958) round a private key, and SubjectPublicKeyInfo (RFC 5280, 4.1) round a public
//! one: which algorithm, then the algorithm's own structure.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::error::{Code, Result};
use crate::lc::ec::Ec;
use crate::mechanism::der::{self, Der, Reader};
use crate::mechanism::key::{Key, NewKey};
use crate::mechanism::{ec_key, ed_key, rsa_key};
use crate::secret::Secret;

/// rsaEncryption (RFC 8017, C) and its NULL parameters.
const RSA: [u8; 13] = [
    6,
    9,
    0x2a,
    0x86,
    0x48,
    0x86,
    0xf7,
    0x0d,
    1,
    1,
    1,
    der::NULL,
    0,
];
/// id-ecPublicKey (RFC 5480, 2.1.1).
const EC: [u8; 9] = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

/// A private key's PrivateKeyInfo, version 1, without attributes.
pub(crate) fn write(key: &Key) -> Result<Secret> {
    let (algorithm, inner) = match key {
        Key::Rsa(key) if key.is_private() => (algorithm(&[&RSA]), rsa_key::private_der(key)?),
        Key::Ec(key) if key.is_private() => (ec_algorithm(key), ec_key::private_der(key)?),
        Key::EdPrivate(key) => (algorithm(&[&ed_key::OID]), ed_key::private_der(key)?),
        Key::Rsa(_) | Key::Ec(_) | Key::EdPublic(_) | Key::Secret(_) => {
            return Err(Code::KeyTypeInconsistent.into());
        }
    };
    let version = der::integer(&[]);
    let inner = der::element(der::OCTET_STRING, &[&inner]);
    Secret::copy(&der::element(
        der::SEQUENCE,
        &[&version, &algorithm, &inner],
    ))
}

/// A private key from PrivateKeyInfo, or from OneAsymmetricKey (version 2). Up to seven zero bytes may
/// follow: SoftHSM fills a private key up to blocks of eight before it wraps it.
pub(crate) fn read(der: &[u8]) -> Option<NewKey> {
    let mut outer = Reader(der);
    let mut fields = Reader(outer.take(der::SEQUENCE)?);
    if outer.0.len() >= 8 || outer.0.iter().any(|byte| *byte != 0) {
        return None;
    }
    let version = fields.integer()?;
    let algorithm = fields.take(der::SEQUENCE)?;
    let inner = fields.take(der::OCTET_STRING)?;
    fields.optional(ATTRIBUTES)?;
    match version {
        [] => {}
        [1] => drop(fields.optional(PUBLIC_KEY)?),
        _ => return None,
    }
    fields.end().then(|| private(algorithm, inner))?
}

/// PrivateKeyInfo's context tags.
const ATTRIBUTES: u8 = 0xa0;
const PUBLIC_KEY: u8 = 0x81;

fn private(algorithm: &[u8], inner: &[u8]) -> Option<NewKey> {
    if algorithm == RSA {
        rsa_key::new_private(rsa_key::from_private_der(inner)?).ok()
    } else if let Some(params) = algorithm.strip_prefix(&EC) {
        let curve = ec_key::curve(params).ok()?;
        ec_key::new_private(ec_key::from_private_der(curve, inner)?, params).ok()
    } else if algorithm == ed_key::OID {
        ed_key::new_private(Arc::new(ed_key::from_private_der(inner)?), &ed_key::OID).ok()
    } else {
        None
    }
}

/// SubjectPublicKeyInfo, of a private key its public half's.
pub(crate) fn write_public(key: &Key) -> Result<Vec<u8>> {
    let (algorithm, inner) = match key {
        Key::Rsa(key) => (algorithm(&[&RSA]), rsa_key::public_der(key)?.to_vec()),
        Key::Ec(key) => (ec_algorithm(key), key.point()?),
        Key::EdPublic(key) => (algorithm(&[&ed_key::OID]), key.to_vec()),
        Key::EdPrivate(key) => (algorithm(&[&ed_key::OID]), key.public()?.to_vec()),
        Key::Secret(_) => return Err(Code::KeyTypeInconsistent.into()),
    };
    let inner = der::bit_string(&inner);
    Ok(der::element(der::SEQUENCE, &[&algorithm, &inner]).to_vec())
}

/// A public key from SubjectPublicKeyInfo.
pub(crate) fn read_public(der: &[u8]) -> Option<NewKey> {
    let mut fields = Reader(der::only(der::SEQUENCE, der)?);
    let (algorithm, inner) = (fields.take(der::SEQUENCE)?, fields.bit_string()?);
    fields.end().then(|| public(algorithm, inner))?
}

fn public(algorithm: &[u8], inner: &[u8]) -> Option<NewKey> {
    if algorithm == RSA {
        rsa_key::new_public(rsa_key::from_public_der(inner)?).ok()
    } else if let Some(params) = algorithm.strip_prefix(&EC) {
        let curve = ec_key::curve(params).ok()?;
        ec_key::new_public(Ec::public(curve, inner).ok()?, params).ok()
    } else if algorithm == ed_key::OID {
        Some(ed_key::new_public(inner.try_into().ok()?, &ed_key::OID))
    } else {
        None
    }
}

fn algorithm(parts: &[&[u8]]) -> Der {
    der::element(der::SEQUENCE, parts)
}

fn ec_algorithm(key: &Ec) -> Der {
    algorithm(&[&EC, ec_key::oid(key.curve())])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Private and public keys as OpenSSL 3.0 writes them: P-256, P-521, Ed25519.
    const OPENSSL: [(&str, &str); 3] = [
        (
            "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b020101042015b7a808fe3268c0adc140d51b8766aa26bfb724da521e55815cb7fdae42a4cca1440342000430b431b9e88a49b3615abf462b5381bf029fa85fe3d39fa923447eabf5848cd0c91f64f140145329721338aa8c62c6cca6184c7fc1a1c1e52e293ea96582085f",
            "3059301306072a8648ce3d020106082a8648ce3d0301070342000430b431b9e88a49b3615abf462b5381bf029fa85fe3d39fa923447eabf5848cd0c91f64f140145329721338aa8c62c6cca6184c7fc1a1c1e52e293ea96582085f",
        ),
        (
            "3081ee020100301006072a8648ce3d020106052b810400230481d63081d30201010442004f9b5ce75d534f2a9c5fa69c829af233933791023074b4ab47010e5d6e07f839d0d7c4678d6905e57c745a15597793d30422c46749750cd162d21b683408aaf91ca1818903818600040109cafb15c92256cc00c8c1a8cf1ded4e04d061a6b8e36b8cc61c0308bd5edb2b1c5f1774873fce38d1b7a061f2506c381b3b7af4f7b28c6bb2c865862f623fa73f01d9a0906a96cfd58e8303943f4d6f331078a3112bbe1e46f6acc09e9aca8c1d693128845304396ffd34e572a08467d741b03b406e57e7da97a7a3c7c7565d0ab37a",
            "30819b301006072a8648ce3d020106052b8104002303818600040109cafb15c92256cc00c8c1a8cf1ded4e04d061a6b8e36b8cc61c0308bd5edb2b1c5f1774873fce38d1b7a061f2506c381b3b7af4f7b28c6bb2c865862f623fa73f01d9a0906a96cfd58e8303943f4d6f331078a3112bbe1e46f6acc09e9aca8c1d693128845304396ffd34e572a08467d741b03b406e57e7da97a7a3c7c7565d0ab37a",
        ),
        (
            "302e020100300506032b6570042204202cb8cc97ae0ee4cbb9a251d92939d6d5cea9eb36424d11a5a4076558eca0b514",
            "302a300506032b65700321009669f322750701a279f7b37647fb127405e73edf041b4e0446e472fef67fdce5",
        ),
    ];

    fn unhex(text: &str) -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn what_openssl_writes_reads_and_is_written_the_same() {
        for (private, public) in OPENSSL {
            let (private, public) = (unhex(private), unhex(public));
            let key = read(&private).unwrap().key.unwrap();
            assert!(write(&key).unwrap().is(&private));
            assert_eq!(write_public(&key).unwrap(), public);
            let key = read_public(&public).unwrap().key.unwrap();
            assert_eq!(write_public(&key).unwrap(), public);
        }
    }

    /// RFC 8410, 10.3: version 2, with attributes and the public key.
    #[test]
    fn the_second_version_reads_too() {
        let whole = unhex(concat!(
            "3072020101300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad",
            "3afe7c28cbf1d4fbe097a88f44755842a01f301d060a2a864886f70d01090914",
            "310f0c0d437572646c6520436861697273812100",
            "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"
        ));
        let key = read(&whole).unwrap();
        assert_eq!(key.secret[0].1.expose()[..4], [0xd4, 0xee, 0x72, 0xdb]);
        let public = write_public(key.key.as_ref().unwrap()).unwrap();
        assert!(public.ends_with(&whole[whole.len() - 32..]));
    }

    /// SEC 1's structure may name the curve again, but no other, and hold no other public key.
    #[test]
    fn an_inner_structure_must_agree_with_the_outer() {
        let p256 = read(&unhex(OPENSSL[0].0)).unwrap().key.unwrap();
        let Key::Ec(key) = &p256 else {
            panic!("an EC key")
        };
        let scalar = key.scalar().unwrap();
        let inner = |params: &[u8], point: &[u8]| {
            let scalar = der::element(der::OCTET_STRING, &[scalar.expose()]);
            let params = der::element(0xa0, &[params]);
            let public = der::element(0xa1, &[&der::bit_string(point)]);
            der::element(der::SEQUENCE, &[&[2, 1, 1], &scalar, &params, &public])
        };
        let (curve, point) = (key.curve(), key.point().unwrap());
        let other = Ec::generate(curve).unwrap().point().unwrap();
        let reads = |inner: &[u8]| ec_key::from_private_der(curve, inner).is_some();
        let oid = ec_key::oid(curve);
        assert!(reads(&inner(oid, &point)));
        assert!(!reads(&inner(oid, &other)));
        assert!(!reads(&inner(
            ec_key::oid(crate::lc::ec::Curve::P384),
            &point
        )));
    }
}
