//! `CKM_RSA_AES_KEY_WRAP` (PKCS#11 3.2, 6.1.20): a fresh AES key under OAEP, and what is wrapped under
//! that key by RFC 5649.
#![forbid(unsafe_code)]

use cryptoki_sys::CK_ULONG;

use crate::error::{Code, Result};
use crate::lc::cipher::{AesKey, Direction};
use crate::lc::keywrap;
use crate::lc::rsa::Rsa;
use crate::lc::rsa_oaep::Oaep;
use crate::mechanism::rsa_oaep::room;
use crate::mechanism::wrapping::{as_unwrap, as_wrap, front, zeroed};
use crate::mechanism::{Key, Mechanism, Params};
use crate::secret::Secret;

pub(super) struct RsaAesWrap;

impl Mechanism for RsaAesWrap {
    fn wrapped_len(&self, key: &Key, params: &Params, plain: usize) -> Result<usize> {
        let key = key.rsa().map_err(as_wrap)?;
        let (aes, oaep) = parameters(params)?;
        let padded = keywrap::padded_len(plain).ok_or(Code::KeySizeRange)?;
        match aes <= room(key, oaep.hash)? {
            true => Ok(key.size() + padded),
            false => Err(Code::WrappingKeySizeRange.into()),
        }
    }

    fn wrap(&self, key: &Key, params: &Params, plain: &[u8]) -> Result<Vec<u8>> {
        let mut out = zeroed(self.wrapped_len(key, params, plain.len())?)?;
        let (key, (aes, oaep)) = (key.rsa()?, parameters(params)?);
        let halves = out.split_at_mut_checked(key.size());
        let (first, second) = halves.ok_or(Code::GeneralError)?;
        let fresh = Secret::random(aes)?;
        key.encrypt_oaep(oaep, fresh.expose(), first)?;
        let schedule = AesKey::new(fresh.expose(), Direction::Encrypt)?;
        keywrap::wrap_padded(&schedule, None, plain, second).map_err(as_wrap)?;
        Ok(out)
    }

    fn unwrap(&self, key: &Key, params: &Params, wrapped: &[u8]) -> Result<Secret> {
        let key = key.rsa_private().map_err(as_unwrap)?;
        let (_, oaep) = parameters(params)?;
        room(key, oaep.hash)?;
        let halves = wrapped.split_at_checked(key.size());
        let (first, second) = halves.ok_or(Code::WrappedKeyLenRange)?;
        let schedule = AesKey::new(opened(key, oaep, first)?.expose(), Direction::Decrypt)?;
        let mut out = Secret::zeroed(second.len())?;
        let len = keywrap::unwrap_padded(&schedule, None, second, out.expose_mut());
        front(out, len.map_err(as_unwrap)?)
    }
}

/// The AES key, or a random one where there is none: so the second half is worked on either way, and
/// fails as it would for a wrong key (rule 40).
fn opened(key: &Rsa, oaep: Oaep<'_>, wrapped: &[u8]) -> Result<Secret> {
    let otherwise = Secret::random(32)?;
    match key.decrypt_oaep(oaep, wrapped)? {
        Some(aes) if matches!(aes.len(), 16 | 24 | 32) => Secret::copy(&aes),
        _ => Ok(otherwise),
    }
}

/// Bytes of the AES key, and OAEP's parameters.
fn parameters(params: &Params) -> Result<(usize, Oaep<'_>)> {
    let Params::RsaAes {
        aes_bits,
        hash,
        mgf,
        label,
    } = params
    else {
        return Err(Code::MechanismParamInvalid.into());
    };
    let (hash, mgf) = (*hash, *mgf);
    Ok((bytes(*aes_bits)?, Oaep { hash, mgf, label }))
}

fn bytes(bits: CK_ULONG) -> Result<usize> {
    match bits {
        128 => Ok(16),
        192 => Ok(24),
        256 => Ok(32),
        _ => Err(Code::MechanismParamInvalid.into()),
    }
}
