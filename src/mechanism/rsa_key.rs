//! RSA keys as PKCS#11 attributes, and as RFC 8017's structures.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::lc::rsa::{Given, Part, Rsa};
use crate::mechanism::der::{self, Der, Reader};
use crate::mechanism::key::{Key, NewKey, Source};

/// Bits of a modulus that is used; what is generated has 2,048 or more.
pub(crate) const BITS: std::ops::RangeInclusive<usize> = 1024..=8192;

const PRIVATE_PARTS: [(CK_ATTRIBUTE_TYPE, Part); 6] = [
    (CKA_PRIVATE_EXPONENT, Part::PrivateExponent),
    (CKA_PRIME_1, Part::Prime1),
    (CKA_PRIME_2, Part::Prime2),
    (CKA_EXPONENT_1, Part::Exponent1),
    (CKA_EXPONENT_2, Part::Exponent2),
    (CKA_COEFFICIENT, Part::Coefficient),
];

/// From `CKA_MODULUS` and `CKA_PUBLIC_EXPONENT`.
pub(crate) fn open_public(part: Source<'_, '_>) -> Result<Rsa> {
    sized(Rsa::public(
        needed(part, CKA_MODULUS)?,
        needed(part, CKA_PUBLIC_EXPONENT)?,
    )?)
}

/// From modulus and private exponent, with primes and coefficients where they are all there; a
/// public exponent that is left out is 65537.
pub(crate) fn open_private(part: Source<'_, '_>) -> Result<Rsa> {
    let some = |kind| part(kind).filter(|bytes| !bytes.is_empty());
    let (dp, dq, qi) = (
        some(CKA_EXPONENT_1),
        some(CKA_EXPONENT_2),
        some(CKA_COEFFICIENT),
    );
    sized(Rsa::private(&Given {
        modulus: needed(part, CKA_MODULUS)?,
        public_exponent: some(CKA_PUBLIC_EXPONENT).unwrap_or(&F4),
        private_exponent: needed(part, CKA_PRIVATE_EXPONENT)?,
        primes: some(CKA_PRIME_1).zip(some(CKA_PRIME_2)),
        coefficients: dp.zip(dq).zip(qi).map(|((dp, dq), qi)| (dp, dq, qi)),
    })?)
}

/// 65537.
pub(crate) const F4: [u8; 3] = [1, 0, 1];

fn sized(key: Rsa) -> Result<Rsa> {
    match BITS.contains(&key.bits()) {
        true => Ok(key),
        false => Err(Code::AttributeValueInvalid.into()),
    }
}

fn needed<'a>(part: Source<'_, 'a>, kind: CK_ATTRIBUTE_TYPE) -> Result<&'a [u8]> {
    part(kind)
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| Code::TemplateIncomplete.into())
}

/// The public half as an object's parts.
pub(crate) fn new_public(key: Rsa) -> Result<NewKey> {
    let bits = CK_ULONG::try_from(key.bits()).map_err(|_| Code::GeneralError)?;
    let mut public = visible(&key)?;
    public.push((CKA_MODULUS_BITS, bits.to_ne_bytes().to_vec()));
    Ok(NewKey {
        key_type: CKK_RSA,
        public,
        secret: Vec::new(),
        key: Some(Key::Rsa(key)),
    })
}

/// A private key as an object's parts.
pub(crate) fn new_private(key: Rsa) -> Result<NewKey> {
    let secret = PRIVATE_PARTS.map(|(kind, part)| key.part(part).map(|value| (kind, value)));
    Ok(NewKey {
        key_type: CKK_RSA,
        public: visible(&key)?,
        secret: secret.into_iter().collect::<Result<_>>()?,
        key: Some(Key::Rsa(key)),
    })
}

fn visible(key: &Rsa) -> Result<Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>> {
    let plain = |part| key.part(part).map(|value| value.expose().to_vec());
    Ok(vec![
        (CKA_MODULUS, plain(Part::Modulus)?),
        (CKA_PUBLIC_EXPONENT, plain(Part::PublicExponent)?),
    ])
}

/// RSAPublicKey (RFC 8017, A.1.1).
pub(crate) fn public_der(key: &Rsa) -> Result<Der> {
    structure(key, &[], &[Part::Modulus, Part::PublicExponent])
}

/// RSAPrivateKey (RFC 8017, A.1.2), of two primes.
pub(crate) fn private_der(key: &Rsa) -> Result<Der> {
    structure(key, &der::integer(&[]), &ORDER)
}

const ORDER: [Part; 8] = [
    Part::Modulus,
    Part::PublicExponent,
    Part::PrivateExponent,
    Part::Prime1,
    Part::Prime2,
    Part::Exponent1,
    Part::Exponent2,
    Part::Coefficient,
];

fn structure(key: &Rsa, version: &[u8], order: &[Part]) -> Result<Der> {
    let number = |part: &Part| key.part(*part).map(|value| der::integer(value.expose()));
    let numbers: Vec<Der> = order.iter().map(number).collect::<Result<_>>()?;
    let mut parts: Vec<&[u8]> = vec![version];
    parts.extend(numbers.iter().map(|number| &number[..]));
    Ok(der::element(der::SEQUENCE, &parts))
}

/// A public key from RSAPublicKey.
pub(crate) fn from_public_der(bytes: &[u8]) -> Option<Rsa> {
    let mut fields = Reader(der::only(der::SEQUENCE, bytes)?);
    let (n, e) = (fields.integer()?, fields.integer()?);
    let key = fields.end().then(|| Rsa::public(n, e))?;
    key.and_then(sized).ok()
}

/// A private key from RSAPrivateKey.
pub(crate) fn from_private_der(bytes: &[u8]) -> Option<Rsa> {
    let mut fields = Reader(der::only(der::SEQUENCE, bytes)?);
    fields.integer()?.is_empty().then_some(())?;
    let mut next = || fields.integer();
    let given = Given {
        modulus: next()?,
        public_exponent: next()?,
        private_exponent: next()?,
        primes: next().zip(next()),
        coefficients: match (next(), next(), next()) {
            (Some(dp), Some(dq), Some(qi)) => Some((dp, dq, qi)),
            _ => None,
        },
    };
    let whole = given.primes.is_some() && given.coefficients.is_some() && fields.end();
    whole.then(|| Rsa::private(&given).and_then(sized).ok())?
}
