//! A secret key with what can be made of it once: schedules and keyed states, each on its first use.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::lc::digest;
use crate::lc::digest::Hash;
use crate::mechanism::key::{Key, NewKey};
use crate::secret::Secret;

/// The key types of HMAC keys, each with its hash.
const HMAC_TYPES: [(CK_KEY_TYPE, Hash); 11] = [
    (CKK_SHA_1_HMAC, Hash::Sha1),
    (CKK_SHA224_HMAC, Hash::Sha224),
    (CKK_SHA256_HMAC, Hash::Sha256),
    (CKK_SHA384_HMAC, Hash::Sha384),
    (CKK_SHA512_HMAC, Hash::Sha512),
    (CKK_SHA512_224_HMAC, Hash::Sha512_224),
    (CKK_SHA512_256_HMAC, Hash::Sha512_256),
    (CKK_SHA3_224_HMAC, Hash::Sha3_224),
    (CKK_SHA3_256_HMAC, Hash::Sha3_256),
    (CKK_SHA3_384_HMAC, Hash::Sha3_384),
    (CKK_SHA3_512_HMAC, Hash::Sha3_512),
];

/// An opened secret key.
pub(crate) struct SecretKey {
    key_type: CK_KEY_TYPE,
    value: Secret,
}

impl SecretKey {
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for a length that the type cannot have,
    /// `CKR_KEY_TYPE_INCONSISTENT` for a type that is not known.
    pub(crate) fn new(key_type: CK_KEY_TYPE, value: Secret) -> Result<Self> {
        match fits(key_type, value.len())? {
            true => Ok(Self { key_type, value }),
            false => Err(Code::AttributeValueInvalid.into()),
        }
    }

    pub(crate) fn key_type(&self) -> CK_KEY_TYPE {
        self.key_type
    }

    /// `CKA_VALUE`.
    pub(crate) fn value(&self) -> &Secret {
        &self.value
    }

    /// `CKA_CHECK_VALUE` (PKCS#11 3.2, 4.10.2): the front of a block of zeroes encrypted in ECB, or
    /// of the value's SHA-1 where the key is no cipher's.
    pub(crate) fn check_value(&self) -> Option<[u8; 3]> {
        let (digest, _) = digest::hash(Hash::Sha1, &[self.value.expose()]).ok()?;
        digest.first_chunk().copied()
    }

    /// The parts that an object is made of.
    pub(crate) fn into_new(self) -> Result<NewKey> {
        Ok(NewKey {
            key_type: self.key_type,
            public: Vec::new(),
            secret: vec![(CKA_VALUE, self.value.try_clone()?)],
            key: Some(Key::Secret(self)),
        })
    }
}

/// Whether a key of this type can have this many bytes. No key is empty.
///
/// # Errors
/// `CKR_KEY_TYPE_INCONSISTENT` for a type that is no secret key's, or not known.
fn fits(key_type: CK_KEY_TYPE, len: usize) -> Result<bool> {
    match key_type {
        CKK_AES => Ok(matches!(len, 16 | 24 | 32)),
        CKK_GENERIC_SECRET | CKK_HKDF => Ok(len > 0),
        _ if hmac_hash(key_type).is_some() => Ok(len > 0),
        _ => Err(Code::KeyTypeInconsistent.into()),
    }
}

/// The hash of an HMAC key type.
fn hmac_hash(key_type: CK_KEY_TYPE) -> Option<Hash> {
    let mut types = HMAC_TYPES.iter();
    types
        .find(|(kind, _)| *kind == key_type)
        .map(|(_, hash)| *hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(key_type: CK_KEY_TYPE, len: usize) -> Option<Code> {
        SecretKey::new(key_type, Secret::zeroed(len).unwrap())
            .err()
            .map(|e| e.code)
    }

    #[test]
    fn aes_keys_have_16_24_or_32_bytes() {
        for len in 0..=64 {
            let good = [16, 24, 32].contains(&len);
            assert_eq!(
                code(CKK_AES, len),
                (!good).then_some(Code::AttributeValueInvalid),
                "{len}"
            );
        }
    }

    #[test]
    fn other_secret_keys_have_any_length_but_none() {
        for key_type in [
            CKK_GENERIC_SECRET,
            CKK_HKDF,
            CKK_SHA256_HMAC,
            CKK_SHA3_512_HMAC,
        ] {
            assert_eq!(code(key_type, 0), Some(Code::AttributeValueInvalid));
            assert_eq!(code(key_type, 1), None);
            assert_eq!(code(key_type, 5000), None);
        }
        assert_eq!(code(CKK_RSA, 16), Some(Code::KeyTypeInconsistent));
    }
}
