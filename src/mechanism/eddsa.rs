//! `CKM_EDDSA`: Ed25519 (RFC 8032). No parameter, or one without pre-hashing and without a context,
//! is the pure form (rule 38).
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::error::{Code, Result};
use crate::lc::ed25519::{LONGEST_CONTEXT, SIGNATURE_LEN, Variant, verifies};
use crate::mechanism::digested::Digested;
use crate::mechanism::whole::{Takes, Whole, WholeVerify};
use crate::mechanism::{Hash, Key, Mechanism, Params, Sign, Verify};

pub(super) struct Eddsa;

impl Mechanism for Eddsa {
    fn sign(&self, key: &Key, params: &Params) -> Result<Box<dyn Sign>> {
        let Key::EdPrivate(key) = key else {
            return Err(Code::KeyTypeInconsistent.into());
        };
        let (key, variant) = (Arc::clone(key), variant(params)?);
        let prehashed = matches!(variant, Variant::Prehashed(_));
        let sign = Whole::new(Takes::Any, SIGNATURE_LEN, move |message, out| {
            key.sign(&variant, message, out)
        });
        match prehashed {
            true => Ok(Box::new(Digested::new(Hash::Sha512, sign)?)),
            false => Ok(Box::new(sign)),
        }
    }

    fn verify(&self, key: &Key, params: &Params) -> Result<Box<dyn Verify>> {
        let key = match key {
            Key::EdPublic(key) => *key,
            Key::EdPrivate(key) => key.public()?,
            Key::Secret(_) | Key::Rsa(_) | Key::Ec(_) => {
                return Err(Code::KeyTypeInconsistent.into());
            }
        };
        let variant = variant(params)?;
        let prehashed = matches!(variant, Variant::Prehashed(_));
        let verify = WholeVerify::new(Takes::Any, SIGNATURE_LEN, move |message, signature| {
            let signature = signature.try_into().map_err(|_| Code::SignatureLenRange)?;
            verifies(&key, &variant, message, signature)
        });
        match prehashed {
            true => Ok(Box::new(Digested::new(Hash::Sha512, verify)?)),
            false => Ok(Box::new(verify)),
        }
    }
}

fn variant(params: &Params) -> Result<Variant> {
    if matches!(params, Params::None) {
        return Ok(Variant::Pure);
    }
    let Params::Eddsa { prehash, context } = params else {
        return Err(Code::MechanismParamInvalid.into());
    };
    if context.len() > LONGEST_CONTEXT {
        return Err(Code::MechanismParamInvalid.into());
    }
    Ok(match (prehash, context.is_empty()) {
        (true, _) => Variant::Prehashed(context.clone()),
        (false, true) => Variant::Pure,
        (false, false) => Variant::Context(context.clone()),
    })
}
