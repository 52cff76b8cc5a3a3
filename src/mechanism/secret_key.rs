//! A secret key with what is made of it once, on first use: schedules and keyed states, shared by
//! every operation (rule 41).
#![forbid(unsafe_code)]

use std::sync::Arc;

use cryptoki_sys::*;
use once_cell::sync::OnceCell;

use crate::error::{Code, Result};
use crate::lc::aead;
use crate::lc::aead::Gcm;
use crate::lc::cipher::{AesKey, BLOCK, Direction};
use crate::lc::digest;
use crate::lc::digest::Hash;
use crate::lc::mac::{Cmac, Hmac};
use crate::mechanism::key::{Key, NewKey};
use crate::secret::Secret;

/// The longest key without a structure of its own, in bytes. Nothing in the standard limits it; the
/// memory that keys are locked in does.
pub(super) const LONGEST: usize = 1 << 20;

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
    value: Arc<Secret>,
    encrypting: OnceCell<Arc<AesKey>>,
    decrypting: OnceCell<Arc<AesKey>>,
    gcm: OnceCell<Arc<Gcm>>,
    cmac: OnceCell<Cmac>,
    hmac: [OnceCell<Box<Hmac>>; Hash::ALL.len()],
}

impl SecretKey {
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for a length that the type cannot have,
    /// `CKR_KEY_TYPE_INCONSISTENT` for a type that is not known.
    pub(crate) fn new(key_type: CK_KEY_TYPE, value: Secret) -> Result<Self> {
        if !fits(key_type, value.len())? {
            return Err(Code::AttributeValueInvalid.into());
        }
        Ok(Self {
            key_type,
            value: Arc::new(value),
            encrypting: OnceCell::new(),
            decrypting: OnceCell::new(),
            gcm: OnceCell::new(),
            cmac: OnceCell::new(),
            hmac: Default::default(),
        })
    }

    /// `CKA_VALUE`.
    pub(crate) fn value(&self) -> &Secret {
        &self.value
    }

    /// `CKA_CHECK_VALUE` (PKCS#11 3.2, 4.10.2): the front of a block of zeroes encrypted in ECB, or
    /// of the value's SHA-1 where the key is no cipher's.
    pub(crate) fn check_value(&self) -> Option<[u8; 3]> {
        match self.key_type {
            CKK_AES => {
                let block = self.aes(Direction::Encrypt).ok()?.block(&[0; BLOCK]);
                block.first_chunk().copied()
            }
            _ => {
                let (digest, _) = digest::hash(Hash::Sha1, &[self.value.expose()]).ok()?;
                digest.first_chunk().copied()
            }
        }
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

    /// The value of a key of this type, to be kept by an operation.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT`.
    pub(super) fn shared(&self, key_type: CK_KEY_TYPE) -> Result<Arc<Secret>> {
        self.must_be(&[key_type])?;
        Ok(Arc::clone(&self.value))
    }

    /// An AES key's schedule.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT` for a key that is no AES key.
    pub(super) fn aes(&self, direction: Direction) -> Result<Arc<AesKey>> {
        self.must_be(&[CKK_AES])?;
        let cell = match direction {
            Direction::Encrypt => &self.encrypting,
            Direction::Decrypt => &self.decrypting,
        };
        cell.get_or_try_init(|| AesKey::new(self.value.expose(), direction).map(Arc::new))
            .map(Arc::clone)
    }

    /// An AES key's GCM context: kept for the whole tag, made anew for a shorter one.
    ///
    /// # Errors
    /// As [`SecretKey::aes`].
    pub(super) fn gcm(&self, tag: usize) -> Result<Arc<Gcm>> {
        self.must_be(&[CKK_AES])?;
        let make = || Gcm::new(self.value.expose(), tag).map(Arc::new);
        match tag {
            aead::TAG => self.gcm.get_or_try_init(make).map(Arc::clone),
            _ => make(),
        }
    }

    /// A CMAC that starts from this AES key.
    ///
    /// # Errors
    /// As [`SecretKey::aes`].
    pub(super) fn cmac(&self) -> Result<Cmac> {
        self.must_be(&[CKK_AES])?;
        let ready = self.cmac.get_or_try_init(|| Cmac::new(self.value.expose()));
        ready?.start()
    }

    /// This key made ready for HMAC with that hash.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT` for a key that is neither generic nor of that very HMAC.
    pub(super) fn hmac(&self, hash: Hash) -> Result<&Hmac> {
        if hmac_hash(self.key_type) != Some(hash) {
            self.must_be(&[CKK_GENERIC_SECRET])?;
        }
        let cell = self.hmac.get(hash as usize).ok_or(Code::GeneralError)?;
        let ready = cell.get_or_try_init(|| {
            let mut ready = Box::new(Hmac::blank());
            ready.key(hash, self.value.expose()).map(|()| ready)
        });
        ready.map(AsRef::as_ref)
    }

    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT` for a key of none of these types.
    pub(super) fn must_be(&self, types: &[CK_KEY_TYPE]) -> Result<()> {
        match types.contains(&self.key_type) {
            true => Ok(()),
            false => Err(Code::KeyTypeInconsistent.into()),
        }
    }
}

/// Whether a key of this type can have this many bytes. No key is empty.
///
/// # Errors
/// `CKR_KEY_TYPE_INCONSISTENT` for a type that is no secret key's, or not known.
pub(super) fn fits(key_type: CK_KEY_TYPE, len: usize) -> Result<bool> {
    match key_type {
        CKK_AES => Ok(matches!(len, 16 | 24 | 32)),
        CKK_GENERIC_SECRET | CKK_HKDF => Ok((1..=LONGEST).contains(&len)),
        _ if hmac_hash(key_type).is_some() => Ok((1..=LONGEST).contains(&len)),
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
        let key = SecretKey::new(key_type, Secret::zeroed(len).unwrap());
        key.err().map(|e| e.code)
    }

    #[test]
    fn aes_keys_have_16_24_or_32_bytes() {
        for len in 0..=64 {
            let good = [16, 24, 32].contains(&len);
            let expected = (!good).then_some(Code::AttributeValueInvalid);
            assert_eq!(code(CKK_AES, len), expected, "{len}");
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
            assert_eq!(
                code(key_type, LONGEST + 1),
                Some(Code::AttributeValueInvalid)
            );
        }
        assert_eq!(code(CKK_RSA, 16), Some(Code::KeyTypeInconsistent));
    }

    /// AES-128 of zeroes under a zero key is 66e94bd4..; SHA-1 of 16 zeroes is e129f27c...
    #[test]
    fn check_values_are_the_standards() {
        let check = |key_type| {
            let key = SecretKey::new(key_type, Secret::zeroed(16).unwrap()).unwrap();
            key.check_value().unwrap()
        };
        assert_eq!(check(CKK_AES), [0x66, 0xe9, 0x4b]);
        assert_eq!(check(CKK_GENERIC_SECRET), [0xe1, 0x29, 0xf2]);
    }

    #[test]
    fn an_expanded_form_is_made_once() {
        let key = SecretKey::new(CKK_AES, Secret::zeroed(32).unwrap()).unwrap();
        assert!(Arc::ptr_eq(&key.gcm(16).unwrap(), &key.gcm(16).unwrap()));
        for direction in [Direction::Encrypt, Direction::Decrypt] {
            assert!(Arc::ptr_eq(
                &key.aes(direction).unwrap(),
                &key.aes(direction).unwrap()
            ));
        }
    }

    #[test]
    fn every_hash_has_a_place_for_its_keyed_state() {
        let key = SecretKey::new(CKK_GENERIC_SECRET, Secret::zeroed(32).unwrap()).unwrap();
        for hash in Hash::ALL {
            assert!(
                std::ptr::eq(key.hmac(hash).unwrap(), key.hmac(hash).unwrap()),
                "{hash:?}"
            );
        }
    }

    #[test]
    fn keys_of_another_type_are_refused() {
        let refused = |e: crate::error::Error| e.code == Code::KeyTypeInconsistent;
        let generic = SecretKey::new(CKK_GENERIC_SECRET, Secret::zeroed(32).unwrap()).unwrap();
        assert!(generic.aes(Direction::Encrypt).is_err_and(refused));
        assert!(generic.gcm(16).is_err_and(refused));
        assert!(generic.cmac().is_err_and(refused));
        let sha256 = SecretKey::new(CKK_SHA256_HMAC, Secret::zeroed(32).unwrap()).unwrap();
        assert!(sha256.hmac(Hash::Sha256).is_ok());
        assert!(sha256.hmac(Hash::Sha384).is_err_and(refused));
        let aes = SecretKey::new(CKK_AES, Secret::zeroed(32).unwrap()).unwrap();
        assert!(aes.hmac(Hash::Sha256).is_err_and(refused));
    }
}
