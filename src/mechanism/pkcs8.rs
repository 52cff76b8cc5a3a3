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

/// A private key from PrivateKeyInfo, or from OneAsymmetricKey (version 2).
pub(crate) fn read(der: &[u8]) -> Option<NewKey> {
    let mut fields = Reader(der::only(der::SEQUENCE, der)?);
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
