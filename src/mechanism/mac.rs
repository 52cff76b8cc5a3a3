//! `CKM_*_HMAC` (PKCS#11 3.2, 6.20 to 6.27), `CKM_AES_CMAC` (6.13.9), and their `_GENERAL` forms,
//! which give the front of the MAC.
#![forbid(unsafe_code)]

use crate::error::{Code, Result};
use crate::lc::cipher::BLOCK;
use crate::lc::digest;
use crate::lc::equal;
use crate::lc::mac::{Cmac, Hmac};
use crate::mechanism::{Hash, Key, Mechanism, Params, Sign, Verify};

/// HMAC with a hash function.
pub(super) struct HmacWith(pub(super) Hash);

impl HmacWith {
    fn start(&self, key: &Key, params: &Params) -> Result<Box<Macing<Hmac>>> {
        let len = length(params, self.0.len())?;
        let ready = key.secret()?.hmac(self.0)?;
        // In its place before it is keyed, so that no copy of the state stays on the stack.
        let mut macing = Box::new(Macing {
            mac: Hmac::blank(),
            len,
        });
        macing.mac.start(ready)?;
        Ok(macing)
    }
}

impl Mechanism for HmacWith {
    fn sign(&self, key: &Key, params: &Params) -> Result<Box<dyn Sign>> {
        Ok(self.start(key, params)?)
    }

    fn verify(&self, key: &Key, params: &Params) -> Result<Box<dyn Verify>> {
        Ok(self.start(key, params)?)
    }
}

/// AES-CMAC.
pub(super) struct AesCmac;

impl AesCmac {
    fn start(key: &Key, params: &Params) -> Result<Box<Macing<Cmac>>> {
        let len = length(params, BLOCK)?;
        let mac = key.secret()?.cmac()?;
        Ok(Box::new(Macing { mac, len }))
    }
}

impl Mechanism for AesCmac {
    fn sign(&self, key: &Key, params: &Params) -> Result<Box<dyn Sign>> {
        Ok(Self::start(key, params)?)
    }

    fn verify(&self, key: &Key, params: &Params) -> Result<Box<dyn Verify>> {
        Ok(Self::start(key, params)?)
    }
}

/// How much of a MAC of `whole` bytes is given: all, or what `CK_MAC_GENERAL_PARAMS` says.
fn length(params: &Params, whole: usize) -> Result<usize> {
    if let Params::None = params {
        Ok(whole)
    } else if let &Params::MacLength(len) = params
        && (1..=whole).contains(&len)
    {
        Ok(len)
    } else {
        Err(Code::MechanismParamInvalid.into())
    }
}

/// What both MACs do.
trait Mac: Send {
    fn update(&mut self, data: &[u8]) -> Result<()>;
    /// The MAC at the front.
    fn finish(&mut self) -> Result<[u8; digest::LONGEST]>;
}

impl Mac for Hmac {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        Self::update(self, data)
    }

    fn finish(&mut self) -> Result<[u8; digest::LONGEST]> {
        Self::finish(self).map(|(mac, _)| mac)
    }
}

impl Mac for Cmac {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        Self::update(self, data)
    }

    fn finish(&mut self) -> Result<[u8; digest::LONGEST]> {
        let mut whole = [0; digest::LONGEST];
        let (front, _) = whole.split_at_mut(BLOCK);
        front.copy_from_slice(&Self::finish(self)?);
        Ok(whole)
    }
}

/// A MAC under way, of which `len` bytes count.
struct Macing<M> {
    mac: M,
    len: usize,
}

impl<M: Mac> Sign for Macing<M> {
    fn len(&self) -> usize {
        self.len
    }

    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.mac.update(data)
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let out = out.get_mut(..self.len).ok_or(Code::GeneralError)?;
        let whole = self.mac.finish()?;
        out.copy_from_slice(whole.get(..self.len).ok_or(Code::GeneralError)?);
        Ok(self.len)
    }
}

impl<M: Mac> Verify for Macing<M> {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.mac.update(data)
    }

    /// In constant time.
    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        if signature.len() != self.len {
            return Err(Code::SignatureLenRange.into());
        }
        let whole = self.mac.finish()?;
        match equal(whole.get(..self.len).unwrap_or_default(), signature) {
            true => Ok(()),
            false => Err(Code::SignatureInvalid.into()),
        }
    }
}
