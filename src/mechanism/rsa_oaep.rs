//! RSAES-OAEP (RFC 8017, 7.1).
#![forbid(unsafe_code)]

use crate::error::{Code, Result};
use crate::lc::rsa::Rsa;
use crate::lc::rsa_oaep::Oaep;
use crate::mechanism::rsa_pkcs1::{ciphertext, copied, sized};
use crate::mechanism::whole::{Takes, Whole};
use crate::mechanism::wrapping::{as_unwrap, as_wrap};
use crate::mechanism::{Cipher, Hash, Key, Mechanism, Params};
use crate::secret::Secret;

/// `CKM_RSA_PKCS_OAEP`.
pub(super) struct RsaOaep;

impl Mechanism for RsaOaep {
    fn encrypt(&self, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
        let (key, with) = (key.rsa()?.clone(), Owned::of(params)?);
        let takes = Takes::AtMost(with.room(&key)?, Code::DataLenRange);
        let len = key.size();
        Ok(Box::new(Whole::new(takes, len, move |data, out| {
            key.encrypt_oaep(with.oaep(), data, out)
        })))
    }

    fn decrypt(&self, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
        let (key, with) = (key.rsa_private()?.clone(), Owned::of(params)?);
        let (takes, len) = (ciphertext(&key), with.room(&key)?);
        Ok(Box::new(Whole::new(takes, len, move |data, out| {
            sized(&key, data)?;
            let plain = key.decrypt_oaep(with.oaep(), data)?;
            copied(&plain.ok_or(Code::EncryptedDataInvalid)?, out)
        })))
    }

    fn wrapped_len(&self, key: &Key, params: &Params, plain: usize) -> Result<usize> {
        let key = key.rsa().map_err(as_wrap)?;
        match plain <= Owned::of(params)?.room(key)? {
            true => Ok(key.size()),
            false => Err(Code::KeySizeRange.into()),
        }
    }

    fn wrap(&self, key: &Key, params: &Params, plain: &[u8]) -> Result<Vec<u8>> {
        let mut out = vec![0; self.wrapped_len(key, params, plain.len())?];
        let with = Owned::of(params)?;
        let wrapped = key.rsa()?.encrypt_oaep(with.oaep(), plain, &mut out);
        wrapped.map_err(as_wrap).map(|_| out)
    }

    fn unwrap(&self, key: &Key, params: &Params, wrapped: &[u8]) -> Result<Secret> {
        let key = key.rsa_private().map_err(as_unwrap)?;
        let with = Owned::of(params)?;
        with.room(key)?;
        sized(key, wrapped).map_err(as_unwrap)?;
        let plain = key.decrypt_oaep(with.oaep(), wrapped)?;
        Secret::copy(&plain.ok_or(Code::WrappedKeyInvalid)?)
    }
}

/// The parameters, for as long as an operation runs.
struct Owned {
    hash: Hash,
    mgf: Hash,
    label: Vec<u8>,
}

impl Owned {
    fn of(params: &Params) -> Result<Self> {
        let Params::Oaep { hash, mgf, label } = params else {
            return Err(Code::MechanismParamInvalid.into());
        };
        let (hash, mgf, label) = (*hash, *mgf, label.clone());
        Ok(Self { hash, mgf, label })
    }

    fn oaep(&self) -> Oaep<'_> {
        let Self { hash, mgf, label } = self;
        Oaep {
            hash: *hash,
            mgf: *mgf,
            label,
        }
    }

    fn room(&self, key: &Rsa) -> Result<usize> {
        room(key, self.hash)
    }
}

/// The longest message: two digests and two bytes less than the key (7.1.1).
///
/// # Errors
/// `CKR_KEY_SIZE_RANGE` for a key that is too short for the hash.
pub(super) fn room(key: &Rsa, hash: Hash) -> Result<usize> {
    key.size()
        .checked_sub(2 * hash.len() + 2)
        .ok_or_else(|| Code::KeySizeRange.into())
}
