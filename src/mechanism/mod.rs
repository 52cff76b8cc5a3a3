//! Cryptography on opened keys: a family a file, a mechanism a line in `table.rs`. No handles, no
//! envelopes, no windows: a mechanism gets a [`Key`] and parsed [`Params`], and is tested with
//! public vectors alone.
#![forbid(unsafe_code)]

mod aes_block;
mod aes_ctr;
mod aes_gcm;
mod aes_wrap;
#[cfg(test)]
mod asymmetric_tests;
#[cfg(test)]
mod asymmetric_vectors;
mod der;
mod digest;
mod digested;
mod ec_key;
mod ec_keygen;
mod ecdh;
mod ecdsa;
mod ed_key;
mod eddsa;
mod envelope;
mod gathered;
mod hkdf;
mod key;
#[cfg(test)]
mod key_tests;
mod keygen;
mod mac;
mod params;
mod pkcs8;
mod rsa_aes_wrap;
mod rsa_key;
mod rsa_keygen;
mod rsa_oaep;
mod rsa_pkcs1;
mod rsa_pss;
mod secret_key;
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
mod whole;
mod wrapping;
mod x509;

use cryptoki_sys::*;

#[cfg(test)]
pub(crate) use key::from_public_key_info;
pub(crate) use key::{Key, NewKey, Parts, complete, from_pkcs8};
pub(crate) use params::{Closes, EnvelopeParams, Hash, Params, Salt, Shape};
pub(crate) use secret_key::SecretKey;
pub(crate) use x509::public_key_info as certificate_key_info;

use crate::error::{Code, Result};
use crate::mechanism::table::ALL;
use crate::secret::Secret;

/// One line of the table: what `C_GetMechanismInfo` answers, the shape of the parameter that
/// `abi/params.rs` reads, and who does the work.
pub(crate) struct Line {
    pub(crate) kind: CK_MECHANISM_TYPE,
    pub(crate) shape: Shape,
    /// `ulMinKeySize` and `ulMaxKeySize` in the unit that the standard gives this mechanism.
    pub(crate) sizes: (CK_ULONG, CK_ULONG),
    pub(crate) flags: CK_FLAGS,
    pub(crate) does: &'static dyn Mechanism,
}

/// A `CK_MECHANISM`, read and copied.
pub(crate) struct How {
    pub(crate) kind: CK_MECHANISM_TYPE,
    pub(crate) params: Params,
}

/// What a template says of a key that is to be made: only what a mechanism must know.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) key_type: Option<CK_KEY_TYPE>,
    pub(crate) value_len: Option<usize>,
    pub(crate) modulus_bits: Option<usize>,
    pub(crate) public_exponent: Option<Vec<u8>>,
    pub(crate) ec_params: Option<Vec<u8>>,
}

/// One mechanism; what it cannot do it inherits as `CKR_MECHANISM_INVALID`. Key type and size are
/// checked here (`CKR_KEY_TYPE_INCONSISTENT`, `CKR_KEY_SIZE_RANGE`), usage flags above.
pub(crate) trait Mechanism: Sync {
    fn encrypt(&self, _key: &Key, _params: &Params) -> Result<Box<dyn Cipher>> {
        Err(Code::MechanismInvalid.into())
    }
    fn decrypt(&self, _key: &Key, _params: &Params) -> Result<Box<dyn Cipher>> {
        Err(Code::MechanismInvalid.into())
    }
    fn digest(&self, _params: &Params) -> Result<Box<dyn Digest>> {
        Err(Code::MechanismInvalid.into())
    }
    fn sign(&self, _key: &Key, _params: &Params) -> Result<Box<dyn Sign>> {
        Err(Code::MechanismInvalid.into())
    }
    fn verify(&self, _key: &Key, _params: &Params) -> Result<Box<dyn Verify>> {
        Err(Code::MechanismInvalid.into())
    }
    /// The type of key that a generation makes.
    fn makes(&self) -> Option<CK_KEY_TYPE> {
        None
    }
    /// A secret key.
    fn generate(&self, _params: &Params, _wanted: &Wanted) -> Result<NewKey> {
        Err(Code::MechanismInvalid.into())
    }
    /// Public and private key.
    fn generate_pair(&self, _params: &Params, _wanted: &Wanted) -> Result<(NewKey, NewKey)> {
        Err(Code::MechanismInvalid.into())
    }
    /// The bytes of a derived secret key: `wanted.value_len` of them, or the length of
    /// `wanted.key_type`, or all. `salt` is the opened key that `CK_HKDF_PARAMS.hSaltKey` names.
    fn derive(
        &self,
        _key: &Key,
        _params: &Params,
        _wanted: &Wanted,
        _salt: Option<&Key>,
    ) -> Result<Secret> {
        Err(Code::MechanismInvalid.into())
    }
    /// An upper bound of what [`Mechanism::wrap`] gives, with no work done.
    fn wrapped_len(&self, _key: &Key, _params: &Params, _plain: usize) -> Result<usize> {
        Err(Code::MechanismInvalid.into())
    }
    /// `plain` is a secret key's value or a private key's PKCS#8.
    fn wrap(&self, _key: &Key, _params: &Params, _plain: &[u8]) -> Result<Vec<u8>> {
        Err(Code::MechanismInvalid.into())
    }
    /// One code at one speed for all that can be wrong inside: `CKR_WRAPPED_KEY_INVALID`.
    fn unwrap(&self, _key: &Key, _params: &Params, _wrapped: &[u8]) -> Result<Secret> {
        Err(Code::MechanismInvalid.into())
    }
}

/// An encryption or decryption under way.
pub(crate) trait Cipher: Send {
    /// An upper bound of what `update(input)` writes; exact where it can be (rule 7).
    fn update_len(&self, input: usize) -> usize;
    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize>;
    /// An upper bound of what `finish` writes.
    fn finish_len(&self) -> usize;
    fn finish(&mut self, out: &mut [u8]) -> Result<usize>;
    /// An upper bound of what `whole(input)` writes.
    fn whole_len(&self, input: usize) -> usize {
        self.update_len(input) + self.finish_len()
    }
    /// Everything in one part.
    fn whole(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let done = self.update(input, out)?;
        let rest = out.get_mut(done..).ok_or(Code::GeneralError)?;
        Ok(done + self.finish(rest)?)
    }
}

/// A digest under way.
pub(crate) trait Digest: Send {
    fn len(&self) -> usize;
    fn update(&mut self, data: &[u8]) -> Result<()>;
    fn finish(&mut self, out: &mut [u8]) -> Result<usize>;
}

/// A signature or MAC under way.
pub(crate) trait Sign: Send {
    fn len(&self) -> usize;
    fn update(&mut self, data: &[u8]) -> Result<()>;
    fn finish(&mut self, out: &mut [u8]) -> Result<usize>;
    fn whole(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        self.update(data)?;
        self.finish(out)
    }
}

/// A verification under way. `CKR_SIGNATURE_LEN_RANGE` and `CKR_SIGNATURE_INVALID` are its answers.
pub(crate) trait Verify: Send {
    fn update(&mut self, data: &[u8]) -> Result<()>;
    fn finish(&mut self, signature: &[u8]) -> Result<()>;
    fn whole(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.update(data)?;
        self.finish(signature)
    }
}

/// The table's line.
///
/// # Errors
/// `CKR_MECHANISM_INVALID`.
pub(crate) fn find(kind: CK_MECHANISM_TYPE) -> Result<&'static Line> {
    ALL.iter()
        .find(|line| line.kind == kind)
        .ok_or_else(|| Code::MechanismInvalid.into())
}

/// The whole table, in its order.
pub(crate) fn all() -> &'static [Line] {
    ALL
}
