//! An opened key in its expanded form, made once and shared (rule 41), and keys as their parts.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::mechanism::secret_key::SecretKey;
use crate::secret::Secret;

/// A key's secret parts by attribute type: `CKA_VALUE` of a secret or EC private key, the private
/// exponent, primes and coefficients of an RSA one.
pub(crate) type Parts = Vec<(CK_ATTRIBUTE_TYPE, Secret)>;

/// A key as a mechanism makes it, or as it was imported: what can be seen, what must be kept, and
/// the opened form if the maker had it.
pub(crate) struct NewKey {
    pub(crate) key_type: CK_KEY_TYPE,
    pub(crate) public: Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>,
    pub(crate) secret: Parts,
    pub(crate) key: Option<Key>,
}

/// An opened key.
pub(crate) enum Key {
    Secret(SecretKey),
}

impl Key {
    /// Opens a key from its parts. `part` gives an attribute's bytes in PKCS#11's form (big-endian
    /// integers, DER `EC_PARAMS`), from the visible attributes or from the secret ones.
    ///
    /// # Errors
    /// `CKR_TEMPLATE_INCOMPLETE` where a part is missing, `CKR_ATTRIBUTE_VALUE_INVALID` where it
    /// cannot be, `CKR_KEY_TYPE_INCONSISTENT` for a key type that is not known.
    pub(crate) fn open<'a>(
        class: CK_OBJECT_CLASS,
        key_type: CK_KEY_TYPE,
        part: &dyn Fn(CK_ATTRIBUTE_TYPE) -> Option<&'a [u8]>,
    ) -> Result<Self> {
        match class {
            CKO_SECRET_KEY => {
                let value = part(CKA_VALUE).ok_or(Code::TemplateIncomplete)?;
                SecretKey::new(key_type, Secret::copy(value)?).map(Self::Secret)
            }
            _ => Err(Code::KeyTypeInconsistent.into()),
        }
    }

    /// The secret key that this is.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT` for what is none.
    pub(crate) fn secret(&self) -> Result<&SecretKey> {
        match self {
            Self::Secret(key) => Ok(key),
        }
    }

    /// A secret key's bytes.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT` for what is no secret key.
    pub(crate) fn value(&self) -> Result<&Secret> {
        self.secret().map(SecretKey::value)
    }

    /// `CKA_CHECK_VALUE` (PKCS#11 3.2, 4.10.2): 3 bytes; none for asymmetric keys.
    pub(crate) fn check_value(&self) -> Option<[u8; 3]> {
        match self {
            Self::Secret(key) => key.check_value(),
        }
    }

    /// SubjectPublicKeyInfo, DER; of a private key its public half where it can be known.
    pub(crate) fn public_key_info(&self) -> Option<Vec<u8>> {
        match self {
            Self::Secret(_) => None,
        }
    }

    /// A private key's PKCS#8 (RFC 5208), as `C_WrapKey` wraps it.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT` for what is no private key.
    pub(crate) fn to_pkcs8(&self) -> Result<Secret> {
        match self {
            Self::Secret(_) => Err(Code::KeyTypeInconsistent.into()),
        }
    }
}

/// A private key from its PKCS#8, with all parts (`CKR_WRAPPED_KEY_INVALID` for anything else).
pub(crate) fn from_pkcs8(_der: &[u8]) -> Result<NewKey> {
    Err(Code::WrappedKeyInvalid.into())
}

/// The parts of a key that a host brings, checked and completed (an EC private key's public point is
/// not asked for, RSA's n, e, d alone recover the primes).
pub(crate) fn complete<'a>(
    class: CK_OBJECT_CLASS,
    key_type: CK_KEY_TYPE,
    part: &dyn Fn(CK_ATTRIBUTE_TYPE) -> Option<&'a [u8]>,
) -> Result<NewKey> {
    match Key::open(class, key_type, part)? {
        Key::Secret(key) => key.into_new(),
    }
}
