//! `CKM_ECDH1_DERIVE` (SP 800-56A, 5.7.1.2): the x coordinate itself, or through the KDF of ANSI
//! X9.63. All our curves have the cofactor 1, so that the mechanism with cofactor is the same.
#![forbid(unsafe_code)]

use crate::error::{Code, Error, Result};
use crate::lc::kdf;
use crate::mechanism::{Hash, Key, Mechanism, Params, Wanted, ec_key};
use crate::secret::Secret;

pub(super) struct Ecdh1;

impl Mechanism for Ecdh1 {
    fn derive(
        &self,
        key: &Key,
        params: &Params,
        wanted: &Wanted,
        _salt: Option<&Key>,
    ) -> Result<Secret> {
        let key = key.ec_private()?;
        let Params::Ecdh {
            kdf,
            shared,
            public,
        } = params
        else {
            return Err(Code::MechanismParamInvalid.into());
        };
        let point = ec_key::point(key.curve(), public);
        let agreed = key.agree(point).map_err(as_parameter)?;
        match kdf {
            Some(hash) => expanded(*hash, &agreed, shared, wanted.value_len),
            // "with CKD_NULL, pSharedData must be NULL" (PKCS#11 3.2, 6.3.19)
            None if !shared.is_empty() => Err(Code::MechanismParamInvalid.into()),
            None => trailing(agreed, wanted.value_len),
        }
    }
}

/// A point that is none was a bad parameter.
fn as_parameter(error: Error) -> Error {
    match error.code == Code::AttributeValueInvalid {
        true => Code::MechanismParamInvalid.into(),
        false => error,
    }
}

/// As many bytes as wanted, else one digest.
fn expanded(hash: Hash, agreed: &Secret, shared: &[u8], len: Option<usize>) -> Result<Secret> {
    let mut out = Secret::zeroed(some(len.unwrap_or_else(|| hash.len()))?)?;
    kdf::x963(hash, agreed.expose(), shared, out.expose_mut())?;
    Ok(out)
}

/// "Truncation removes bytes from the leading end" (rule 38).
fn trailing(agreed: Secret, len: Option<usize>) -> Result<Secret> {
    let all = agreed.len();
    match some(len.unwrap_or(all))? {
        len if len == all => Ok(agreed),
        len => {
            let removed = all.checked_sub(len).ok_or(Code::KeySizeRange)?;
            Secret::copy(agreed.expose().get(removed..).ok_or(Code::GeneralError)?)
        }
    }
}

/// More than any key has is refused before the memory is taken.
fn some(len: usize) -> Result<usize> {
    match (1..=LONGEST).contains(&len) {
        true => Ok(len),
        false => Err(Code::KeySizeRange.into()),
    }
}

/// Bytes of the longest key that is derived here.
const LONGEST: usize = 1 << 16;
