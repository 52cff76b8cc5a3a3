//! RSASSA-PSS (RFC 8017, 8.1).
#![forbid(unsafe_code)]

use crate::error::{Code, Result};
use crate::lc::rsa::{Pss, Rsa};
use crate::mechanism::digested::Digested;
use crate::mechanism::whole::{Takes, Whole, WholeVerify};
use crate::mechanism::{Hash, Key, Mechanism, Params, Sign, Verify};

/// `CKM_RSA_PKCS_PSS`: over a digest.
pub(super) struct RsaPss;

impl Mechanism for RsaPss {
    fn sign(&self, key: &Key, params: &Params) -> Result<Box<dyn Sign>> {
        let (key, pss) = (key.rsa_private()?, parameters(params)?);
        Ok(Box::new(signing(key, pss)?))
    }

    fn verify(&self, key: &Key, params: &Params) -> Result<Box<dyn Verify>> {
        let (key, pss) = (key.rsa()?, parameters(params)?);
        Ok(Box::new(verifying(key, pss)?))
    }
}

/// `CKM_SHAxxx_RSA_PKCS_PSS`: over data, with the parameter naming the same hash.
pub(super) struct RsaPssWith(pub(super) Hash);

impl Mechanism for RsaPssWith {
    fn sign(&self, key: &Key, params: &Params) -> Result<Box<dyn Sign>> {
        if self.0 == Hash::Sha1 {
            return Err(Code::MechanismInvalid.into());
        }
        let sign = signing(key.rsa_private()?, self.parameters(params)?)?;
        Ok(Box::new(Digested::new(self.0, sign)?))
    }

    fn verify(&self, key: &Key, params: &Params) -> Result<Box<dyn Verify>> {
        let verify = verifying(key.rsa()?, self.parameters(params)?)?;
        Ok(Box::new(Digested::new(self.0, verify)?))
    }
}

impl RsaPssWith {
    fn parameters(&self, params: &Params) -> Result<Pss> {
        let pss = parameters(params)?;
        match pss.hash == self.0 {
            true => Ok(pss),
            false => Err(Code::MechanismParamInvalid.into()),
        }
    }
}

fn parameters(params: &Params) -> Result<Pss> {
    let Params::Pss { hash, mgf, salt } = params else {
        return Err(Code::MechanismParamInvalid.into());
    };
    let (hash, mgf) = (*hash, *mgf);
    let salt = u16::try_from(*salt).map_err(|_| Code::MechanismParamInvalid)?;
    Ok(Pss { hash, mgf, salt })
}

/// SHA-1 is for old signatures: it verifies only.
fn signing(key: &Rsa, pss: Pss) -> Result<impl Sign + use<>> {
    fits(key, pss)?;
    if pss.hash == Hash::Sha1 {
        return Err(Code::MechanismParamInvalid.into());
    }
    let key = key.clone();
    Ok(Whole::new(digest(pss), key.size(), move |digest, out| {
        exact(pss, digest)?;
        key.sign_pss(pss, digest, out)
    }))
}

fn verifying(key: &Rsa, pss: Pss) -> Result<impl Verify + use<>> {
    fits(key, pss)?;
    let key = key.clone();
    Ok(WholeVerify::new(
        digest(pss),
        key.size(),
        move |digest, signature| {
            exact(pss, digest)?;
            Ok(key.verifies_pss(pss, digest, signature))
        },
    ))
}

/// Hash, salt and two bytes are in an encoded message of a bit less than the modulus (9.1.1).
fn fits(key: &Rsa, pss: Pss) -> Result<()> {
    let encoded = (key.bits() - 1).div_ceil(8);
    match pss.hash.len() + usize::from(pss.salt) + 2 <= encoded {
        true => Ok(()),
        false => Err(Code::MechanismParamInvalid.into()),
    }
}

fn digest(pss: Pss) -> Takes {
    Takes::AtMost(pss.hash.len(), Code::DataLenRange)
}

fn exact(pss: Pss, digest: &[u8]) -> Result<()> {
    match digest.len() == pss.hash.len() {
        true => Ok(()),
        false => Err(Code::DataLenRange.into()),
    }
}
