//! ECDSA (FIPS 186-5, 6.4); a signature is r and s, each left-padded to the order's length.
#![forbid(unsafe_code)]

use crate::error::{Code, Result};
use crate::lc::ec::Ec;
use crate::mechanism::digested::Digested;
use crate::mechanism::whole::{Takes, Whole, WholeVerify};
use crate::mechanism::{Hash, Key, Mechanism, Params, Sign, Verify};

/// `CKM_ECDSA`: over a digest of any length, of which the leftmost bits count.
pub(super) struct Ecdsa;

impl Mechanism for Ecdsa {
    fn sign(&self, key: &Key, _params: &Params) -> Result<Box<dyn Sign>> {
        Ok(Box::new(signing(key.ec_private()?)))
    }

    fn verify(&self, key: &Key, _params: &Params) -> Result<Box<dyn Verify>> {
        Ok(Box::new(verifying(key.ec()?)))
    }
}

/// `CKM_ECDSA_SHAxxx`: over data. SHA-1 is for old signatures: it verifies only.
pub(super) struct EcdsaWith(pub(super) Hash);

impl Mechanism for EcdsaWith {
    fn sign(&self, key: &Key, _params: &Params) -> Result<Box<dyn Sign>> {
        if self.0 == Hash::Sha1 {
            return Err(Code::MechanismInvalid.into());
        }
        Ok(Box::new(Digested::new(self.0, signing(key.ec_private()?))?))
    }

    fn verify(&self, key: &Key, _params: &Params) -> Result<Box<dyn Verify>> {
        Ok(Box::new(Digested::new(self.0, verifying(key.ec()?))?))
    }
}

fn signing(key: &Ec) -> impl Sign + use<> {
    let (key, takes, len) = parts(key);
    Whole::new(takes, len, move |digest, out| {
        some(digest)?;
        key.sign(digest, out)
    })
}

fn verifying(key: &Ec) -> impl Verify + use<> {
    let (key, takes, len) = parts(key);
    WholeVerify::new(takes, len, move |digest, signature| {
        some(digest)?;
        key.verifies(digest, signature)
    })
}

fn parts(key: &Ec) -> (Ec, Takes, usize) {
    let len = key.curve().len();
    (key.clone(), Takes::Front(len), 2 * len)
}

/// Nothing is no digest.
fn some(digest: &[u8]) -> Result<()> {
    match digest.is_empty() {
        true => Err(Code::DataLenRange.into()),
        false => Ok(()),
    }
}
