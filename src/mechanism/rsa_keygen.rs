//! `CKM_RSA_PKCS_KEY_PAIR_GEN` (FIPS 186-5, A.1.3, as aws-lc does it).
#![forbid(unsafe_code)]

use cryptoki_sys::{CK_KEY_TYPE, CKK_RSA};

use crate::error::{Code, Result};
use crate::lc::rsa::Rsa;
use crate::mechanism::rsa_key::{self, F4};
use crate::mechanism::{Mechanism, NewKey, Params, Wanted, der};

pub(super) struct RsaKeyGen;

impl Mechanism for RsaKeyGen {
    fn makes(&self) -> Option<CK_KEY_TYPE> {
        Some(CKK_RSA)
    }
    fn generate_pair(&self, _params: &Params, wanted: &Wanted) -> Result<(NewKey, NewKey)> {
        if wanted.key_type.is_some_and(|kind| kind != CKK_RSA) {
            return Err(Code::TemplateInconsistent.into());
        }
        let bits = wanted.modulus_bits.ok_or(Code::TemplateIncomplete)?;
        let exponent = exponent(wanted)?;
        // aws-lc rounds other lengths down, and says nothing.
        if !(2048..=8192).contains(&bits) || !bits.is_multiple_of(128) {
            return Err(Code::KeySizeRange.into());
        }
        let key = Rsa::generate(bits, exponent)?;
        Ok((
            rsa_key::new_public(key.to_public()?)?,
            rsa_key::new_private(key)?,
        ))
    }
}

/// Odd, from 3 to 2^32 - 1: what every verifier takes.
fn exponent(wanted: &Wanted) -> Result<&[u8]> {
    let exponent = der::without_zeroes(wanted.public_exponent.as_deref().unwrap_or(&F4));
    let odd = exponent.last().is_some_and(|byte| byte & 1 == 1);
    match odd && exponent != [1] && exponent.len() <= 4 {
        true => Ok(exponent),
        false => Err(Code::AttributeValueInvalid.into()),
    }
}
