//! `CKM_HKDF_DERIVE` (PKCS#11 3.2, 6.63; RFC 5869).
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::lc::kdf::{hkdf_expand, hkdf_extract};
use crate::mechanism::params::Salt;
use crate::mechanism::{Hash, Key, Mechanism, Params, Wanted};
use crate::secret::Secret;

/// HKDF, one step or both.
pub(super) struct Hkdf;

impl Mechanism for Hkdf {
    fn derive(
        &self,
        key: &Key,
        params: &Params,
        wanted: &Wanted,
        salt: Option<&Key>,
    ) -> Result<Secret> {
        let Params::Hkdf {
            extract,
            expand,
            hash,
            salt: kind,
            info,
        } = params
        else {
            return Err(Code::MechanismParamInvalid.into());
        };
        let len = length(wanted, *hash)?;
        let ikm = input(key)?.expose();
        match (extract, expand) {
            (true, true) => {
                let prk = hkdf_extract(*hash, ikm, salt_bytes(kind, salt)?)?;
                expanded(*hash, prk.expose(), info, len)
            }
            // RFC 5869, 2.3: a pseudorandom key is of at least a digest.
            (false, true) if ikm.len() < hash.len() => Err(Code::KeySizeRange.into()),
            (false, true) => expanded(*hash, ikm, info, len),
            (true, false) if len != hash.len() => Err(Code::TemplateInconsistent.into()),
            (true, false) => {
                Secret::copy(hkdf_extract(*hash, ikm, salt_bytes(kind, salt)?)?.expose())
            }
            (false, false) => Err(Code::MechanismParamInvalid.into()),
        }
    }
}

fn expanded(hash: Hash, prk: &[u8], info: &[u8], len: usize) -> Result<Secret> {
    if len > 255 * hash.len() {
        return Err(Code::KeySizeRange.into());
    }
    let mut out = Secret::zeroed(len)?;
    hkdf_expand(hash, prk, info, out.expose_mut())?;
    Ok(out)
}

/// The value of a key that HKDF takes.
fn input(key: &Key) -> Result<&Secret> {
    let key = key.secret()?;
    key.must_be(&[CKK_HKDF, CKK_GENERIC_SECRET])?;
    Ok(key.value())
}

/// No salt is a digest's length of zeroes, which HMAC does not tell from an empty key.
fn salt_bytes<'a>(kind: &'a Salt, key: Option<&'a Key>) -> Result<&'a [u8]> {
    match (kind, key) {
        (Salt::Null, _) => Ok(&[]),
        (Salt::Bytes(bytes), _) => Ok(bytes),
        (Salt::Key(_), Some(key)) => input(key).map(Secret::expose),
        (Salt::Key(_), None) => Err(Code::KeyHandleInvalid.into()),
    }
}

/// What the template says, or a digest.
fn length(wanted: &Wanted, hash: Hash) -> Result<usize> {
    match wanted.value_len.unwrap_or_else(|| hash.len()) {
        0 => Err(Code::KeySizeRange.into()),
        len => Ok(len),
    }
}
