//! Ed25519 keys as PKCS#11 attributes, in the spellings of 2.40-era hosts too, and RFC 8410's forms.
#![forbid(unsafe_code)]

use std::sync::Arc;

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::lc::ed25519::{KEY_LEN, Private};
use crate::mechanism::der::{self, Der};
use crate::mechanism::ec_key::{needed, unknown};
use crate::mechanism::key::{Key, NewKey, Source};

/// id-Ed25519 (RFC 8410, 3), DER with its header.
pub(crate) const OID: [u8; 5] = [6, 3, 0x2b, 0x65, 0x70];

/// GnuPG's object id of the curve, which OpenSC and devices of before RFC 8410 use.
const GNUPG_OID: [u8; 11] = [6, 9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1];

/// `edwards25519` is PKCS#11's own name (RFC 8032's curve).
const NAMES: [&str; 3] = ["edwards25519", "Ed25519", "id-Ed25519"];

/// Whether `CKA_EC_PARAMS` names Ed25519.
///
/// # Errors
/// As for [`crate::mechanism::ec_key::curve`].
pub(crate) fn check(params: &[u8]) -> Result<()> {
    let name = der::only(der::PRINTABLE_STRING, params);
    let is_name = |each: &str| name.is_some_and(|name| each.as_bytes().eq_ignore_ascii_case(name));
    match params == OID || params == GNUPG_OID || NAMES.into_iter().any(is_name) {
        true => Ok(()),
        false => Err(unknown(params)),
    }
}

/// From `CKA_EC_PARAMS` and `CKA_EC_POINT`, raw or a DER OCTET STRING.
pub(crate) fn open_public(part: Source<'_, '_>) -> Result<[u8; KEY_LEN]> {
    check(needed(part, CKA_EC_PARAMS)?)?;
    let given = needed(part, CKA_EC_POINT)?;
    let point = match given.len() {
        KEY_LEN => given,
        _ => der::only(der::OCTET_STRING, given).unwrap_or_default(),
    };
    point
        .try_into()
        .map_err(|_| Code::AttributeValueInvalid.into())
}

/// From `CKA_EC_PARAMS` and the seed in `CKA_VALUE`.
pub(crate) fn open_private(part: Source<'_, '_>) -> Result<Private> {
    check(needed(part, CKA_EC_PARAMS)?)?;
    Private::from_seed(needed(part, CKA_VALUE)?)
}

/// The public half as an object's parts; `params` as they came, the point raw.
pub(crate) fn new_public(key: [u8; KEY_LEN], params: &[u8]) -> NewKey {
    NewKey {
        key_type: CKK_EC_EDWARDS,
        public: vec![
            (CKA_EC_PARAMS, params.to_vec()),
            (CKA_EC_POINT, key.to_vec()),
        ],
        secret: Vec::new(),
        key: Some(Key::EdPublic(key)),
    }
}

/// A private key as an object's parts; `params` as they came.
pub(crate) fn new_private(key: Arc<Private>, params: &[u8]) -> Result<NewKey> {
    Ok(NewKey {
        key_type: CKK_EC_EDWARDS,
        public: vec![(CKA_EC_PARAMS, params.to_vec())],
        secret: vec![(CKA_VALUE, key.seed()?)],
        key: Some(Key::EdPrivate(key)),
    })
}

/// CurvePrivateKey (RFC 8410, 7).
pub(crate) fn private_der(key: &Private) -> Result<Der> {
    Ok(der::element(der::OCTET_STRING, &[key.seed()?.expose()]))
}

/// A private key from CurvePrivateKey.
pub(crate) fn from_private_der(bytes: &[u8]) -> Option<Private> {
    Private::from_seed(der::only(der::OCTET_STRING, bytes)?).ok()
}
