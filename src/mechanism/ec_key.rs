//! Keys on the NIST curves as PKCS#11 attributes: `CKA_EC_PARAMS` names the curve by object id or by
//! name, `CKA_EC_POINT` is a DER OCTET STRING (rule 38), and SEC 1's structures.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::lc::ec::{Curve, Ec};
use crate::mechanism::der::{self, Der, Reader};
use crate::mechanism::key::{Key, NewKey, Source};

struct Named {
    curve: Curve,
    /// The object id, DER with its header.
    oid: &'static [u8],
    names: &'static [&'static str],
}

/// RFC 5480, 2.1.1.1, and the names of SEC 2, ANSI X9.62 and FIPS 186.
const CURVES: [Named; 3] = [
    Named {
        curve: Curve::P256,
        oid: &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
        names: &["secp256r1", "prime256v1", "P-256"],
    },
    Named {
        curve: Curve::P384,
        oid: &[6, 5, 0x2b, 0x81, 4, 0, 0x22],
        names: &["secp384r1", "P-384"],
    },
    Named {
        curve: Curve::P521,
        oid: &[6, 5, 0x2b, 0x81, 4, 0, 0x23],
        names: &["secp521r1", "P-521"],
    },
];

/// The curve that `CKA_EC_PARAMS` names.
///
/// # Errors
/// `CKR_CURVE_NOT_SUPPORTED` for an object id or a name that is none of ours and for parameters
/// spelled out, `CKR_ATTRIBUTE_VALUE_INVALID` for anything else.
pub(crate) fn curve(params: &[u8]) -> Result<Curve> {
    let name = der::only(der::PRINTABLE_STRING, params);
    let found = CURVES.iter().find(|named| {
        let is_name = |each: &&str| Some(each.as_bytes()) == name;
        named.oid == params || named.names.iter().any(is_name)
    });
    found
        .map(|named| named.curve)
        .ok_or_else(|| unknown(params))
}

/// Why parameters name no curve.
pub(crate) fn unknown(params: &[u8]) -> crate::error::Error {
    let forms = [der::OBJECT_ID, der::PRINTABLE_STRING, der::SEQUENCE];
    match forms.iter().any(|tag| der::only(*tag, params).is_some()) {
        true => Code::CurveNotSupported.into(),
        false => Code::AttributeValueInvalid.into(),
    }
}

/// The curve's object id, DER with its header.
pub(crate) fn oid(curve: Curve) -> &'static [u8] {
    let named = CURVES.iter().find(|named| named.curve == curve);
    named.map_or(&[], |named| named.oid)
}

/// The bytes of a point that a host gives raw or as a DER OCTET STRING. No raw point has the length
/// of a wrapped one.
pub(crate) fn point(curve: Curve, given: &[u8]) -> &[u8] {
    let raw = [1 + curve.len(), curve.point_len()].contains(&given.len());
    match der::only(der::OCTET_STRING, given) {
        Some(point) if !raw => point,
        _ => given,
    }
}

/// From `CKA_EC_PARAMS` and `CKA_EC_POINT`.
pub(crate) fn open_public(part: Source<'_, '_>) -> Result<Ec> {
    let curve = curve(needed(part, CKA_EC_PARAMS)?)?;
    Ec::public(curve, point(curve, needed(part, CKA_EC_POINT)?))
}

/// From `CKA_EC_PARAMS` and `CKA_VALUE`, leading zeroes or none.
pub(crate) fn open_private(part: Source<'_, '_>) -> Result<Ec> {
    let curve = curve(needed(part, CKA_EC_PARAMS)?)?;
    Ec::private(curve, needed(part, CKA_VALUE)?)
}

pub(crate) fn needed<'a>(part: Source<'_, 'a>, kind: CK_ATTRIBUTE_TYPE) -> Result<&'a [u8]> {
    part(kind).ok_or_else(|| Code::TemplateIncomplete.into())
}

/// The public half as an object's parts; `params` as they came.
pub(crate) fn new_public(key: Ec, params: &[u8]) -> Result<NewKey> {
    let point = der::element(der::OCTET_STRING, &[&key.point()?]);
    Ok(NewKey {
        key_type: CKK_EC,
        public: vec![
            (CKA_EC_PARAMS, params.to_vec()),
            (CKA_EC_POINT, point.to_vec()),
        ],
        secret: Vec::new(),
        key: Some(Key::Ec(key)),
    })
}

/// A private key as an object's parts; `params` as they came.
pub(crate) fn new_private(key: Ec, params: &[u8]) -> Result<NewKey> {
    Ok(NewKey {
        key_type: CKK_EC,
        public: vec![(CKA_EC_PARAMS, params.to_vec())],
        secret: vec![(CKA_VALUE, key.scalar()?)],
        key: Some(Key::Ec(key)),
    })
}

/// ECPrivateKey (RFC 5915) with the public key and, as in PKCS#8, without parameters.
pub(crate) fn private_der(key: &Ec) -> Result<Der> {
    let version = der::integer(&[1]);
    let scalar = der::element(der::OCTET_STRING, &[key.scalar()?.expose()]);
    let public = der::element(PUBLIC_KEY, &[&der::bit_string(&key.point()?)]);
    Ok(der::element(der::SEQUENCE, &[&version, &scalar, &public]))
}

/// ECPrivateKey's context tags.
const PARAMETERS: u8 = 0xa0;
const PUBLIC_KEY: u8 = 0xa1;

/// A private key from ECPrivateKey; a public key in it must be its own.
pub(crate) fn from_private_der(curve: Curve, bytes: &[u8]) -> Option<Ec> {
    let mut fields = Reader(der::only(der::SEQUENCE, bytes)?);
    (fields.integer()? == [1]).then_some(())?;
    let scalar = fields.take(der::OCTET_STRING)?;
    let params = fields.optional(PARAMETERS)?;
    let public = fields.optional(PUBLIC_KEY)?;
    let fits = fields.end() && params.is_none_or(|params| params == oid(curve));
    let key = fits.then(|| Ec::private(curve, scalar).ok())??;
    match public {
        Some(public) => {
            let point = Reader(public).bit_string()?;
            let same = Ec::public(curve, point)
                .and_then(|other| other.point())
                .ok()?;
            (same == key.point().ok()?).then_some(key)
        }
        None => Some(key),
    }
}
