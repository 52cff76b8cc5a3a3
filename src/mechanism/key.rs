//! An opened key in its expanded form, made once and shared (rule 41), and keys as their parts.
#![forbid(unsafe_code)]

use std::sync::Arc;

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::lc::ec::Ec;
use crate::lc::ed25519;
use crate::lc::rsa::Rsa;
use crate::mechanism::secret_key::SecretKey;
use crate::mechanism::{ec_key, ed_key, pkcs8, rsa_key};
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

/// Gives a key's attribute by type, from the visible ones or from the secret ones.
pub(crate) type Source<'s, 'a> = &'s dyn Fn(CK_ATTRIBUTE_TYPE) -> Option<&'a [u8]>;

/// An opened key, in the form that its mechanisms work on without parsing it again. RSA and EC keys
/// are public or private; an operation takes a reference of its own.
#[expect(
    clippy::large_enum_variant,
    reason = "a key lives in an Arc, and a secret one without a second allocation"
)]
pub(crate) enum Key {
    Secret(SecretKey),
    Rsa(Rsa),
    Ec(Ec),
    EdPublic([u8; ed25519::KEY_LEN]),
    EdPrivate(Arc<ed25519::Private>),
}

impl Key {
    /// Opens a key from its parts. `part` gives an attribute's bytes in PKCS#11's form (big-endian
    /// integers, DER `EC_PARAMS`), from the visible attributes or from the secret ones.
    ///
    /// # Errors
    /// `CKR_TEMPLATE_INCOMPLETE` where a part is missing, `CKR_ATTRIBUTE_VALUE_INVALID` where it
    /// cannot be, `CKR_CURVE_NOT_SUPPORTED`, `CKR_KEY_TYPE_INCONSISTENT` for a key type that is not
    /// known.
    pub(crate) fn open<'a>(
        class: CK_OBJECT_CLASS,
        key_type: CK_KEY_TYPE,
        part: Source<'_, 'a>,
    ) -> Result<Self> {
        match (class, key_type) {
            (CKO_SECRET_KEY, _) => {
                let value = part(CKA_VALUE).ok_or(Code::TemplateIncomplete)?;
                SecretKey::new(key_type, Secret::copy(value)?).map(Self::Secret)
            }
            (CKO_PUBLIC_KEY, CKK_RSA) => rsa_key::open_public(part).map(Self::Rsa),
            (CKO_PRIVATE_KEY, CKK_RSA) => rsa_key::open_private(part).map(Self::Rsa),
            (CKO_PUBLIC_KEY, CKK_EC) => ec_key::open_public(part).map(Self::Ec),
            (CKO_PRIVATE_KEY, CKK_EC) => ec_key::open_private(part).map(Self::Ec),
            (CKO_PUBLIC_KEY, CKK_EC_EDWARDS) => ed_key::open_public(part).map(Self::EdPublic),
            (CKO_PRIVATE_KEY, CKK_EC_EDWARDS) => {
                ed_key::open_private(part).map(|key| Self::EdPrivate(Arc::new(key)))
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
            Self::Rsa(_) | Self::Ec(_) | Self::EdPublic(_) | Self::EdPrivate(_) => {
                Err(Code::KeyTypeInconsistent.into())
            }
        }
    }

    /// The RSA key that this is, public or private.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT` for what is none.
    pub(crate) fn rsa(&self) -> Result<&Rsa> {
        match self {
            Self::Rsa(key) => Ok(key),
            Self::Secret(_) | Self::Ec(_) | Self::EdPublic(_) | Self::EdPrivate(_) => {
                Err(Code::KeyTypeInconsistent.into())
            }
        }
    }

    /// The private RSA key that this is.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT` for what is none, a public one included.
    pub(crate) fn rsa_private(&self) -> Result<&Rsa> {
        let key = self.rsa()?;
        key.is_private()
            .then_some(key)
            .ok_or_else(|| Code::KeyTypeInconsistent.into())
    }

    /// The key on a NIST curve that this is, public or private.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT` for what is none.
    pub(crate) fn ec(&self) -> Result<&Ec> {
        match self {
            Self::Ec(key) => Ok(key),
            Self::Secret(_) | Self::Rsa(_) | Self::EdPublic(_) | Self::EdPrivate(_) => {
                Err(Code::KeyTypeInconsistent.into())
            }
        }
    }

    /// The private key on a NIST curve that this is.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT` for what is none, a public one included.
    pub(crate) fn ec_private(&self) -> Result<&Ec> {
        let key = self.ec()?;
        key.is_private()
            .then_some(key)
            .ok_or_else(|| Code::KeyTypeInconsistent.into())
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
        self.secret().ok()?.check_value()
    }

    /// SubjectPublicKeyInfo, DER; of a private key its public half. None for secret keys.
    pub(crate) fn public_key_info(&self) -> Option<Vec<u8>> {
        pkcs8::write_public(self).ok()
    }

    /// A private key's PKCS#8 (RFC 5208), as `C_WrapKey` wraps it.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT` for what is no private key.
    pub(crate) fn to_pkcs8(&self) -> Result<Secret> {
        pkcs8::write(self)
    }
}

/// A private key from its PKCS#8, with all parts.
///
/// # Errors
/// `CKR_WRAPPED_KEY_INVALID` for anything else.
pub(crate) fn from_pkcs8(der: &[u8]) -> Result<NewKey> {
    pkcs8::read(der).ok_or_else(|| Code::WrappedKeyInvalid.into())
}

/// A public key from its SubjectPublicKeyInfo (`CKA_PUBLIC_KEY_INFO`), with all parts.
///
/// # Errors
/// `CKR_ATTRIBUTE_VALUE_INVALID` for anything else.
pub(crate) fn from_public_key_info(der: &[u8]) -> Result<NewKey> {
    pkcs8::read_public(der).ok_or_else(|| Code::AttributeValueInvalid.into())
}

/// The parts of a key that a host brings, checked and completed: an EC private key's public point is
/// not asked for, RSA's n, e, d alone recover the primes. Numbers lose leading zeroes, a point gets
/// its usual form; `EC_PARAMS` stay as they came. A `CKA_PUBLIC_KEY_INFO` must be the key's own.
///
/// # Errors
/// As for [`Key::open`], and `CKR_TEMPLATE_INCONSISTENT` for another key's `CKA_PUBLIC_KEY_INFO`.
pub(crate) fn complete<'a>(
    class: CK_OBJECT_CLASS,
    key_type: CK_KEY_TYPE,
    part: Source<'_, 'a>,
) -> Result<NewKey> {
    let key = Key::open(class, key_type, part)?;
    if let Some(info) = part(CKA_PUBLIC_KEY_INFO).filter(|info| !info.is_empty()) {
        same_public(&key, info)?;
    }
    let params = part(CKA_EC_PARAMS).unwrap_or_default();
    match key {
        Key::Secret(key) => key.into_new(),
        Key::Rsa(key) if class == CKO_PUBLIC_KEY => rsa_key::new_public(key),
        Key::Rsa(key) => rsa_key::new_private(key),
        Key::Ec(key) if class == CKO_PUBLIC_KEY => ec_key::new_public(key, params),
        Key::Ec(key) => ec_key::new_private(key, params),
        Key::EdPublic(key) => Ok(ed_key::new_public(key, params)),
        Key::EdPrivate(key) => ed_key::new_private(key, params),
    }
}

fn same_public(key: &Key, info: &[u8]) -> Result<()> {
    let other = from_public_key_info(info)?.key;
    let other = other.as_ref().and_then(Key::public_key_info);
    match other == key.public_key_info() {
        true => Ok(()),
        false => Err(Code::TemplateInconsistent.into()),
    }
}
