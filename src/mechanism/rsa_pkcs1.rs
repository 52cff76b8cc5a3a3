//! RSA under PKCS#1 v1.5 padding (RFC 8017, 7.2 and 8.2), and without any.
#![forbid(unsafe_code)]

use crate::error::{Code, Result};
use crate::lc::rsa::Rsa;
use crate::mechanism::digested::Digested;
use crate::mechanism::whole::{Takes, Whole, WholeVerify};
use crate::mechanism::wrapping::{as_unwrap, as_wrap};
use crate::mechanism::{Cipher, Hash, Key, Mechanism, Params, Sign, Verify};
use crate::secret::Secret;

/// `CKM_RSA_PKCS`: over the bytes as they are.
pub(super) struct RsaPkcs;

/// The least that padding takes (RFC 8017, 7.2.1 and 9.2).
const PADDING: usize = 11;

impl Mechanism for RsaPkcs {
    fn encrypt(&self, key: &Key, _params: &Params) -> Result<Box<dyn Cipher>> {
        let (key, takes, len) = input(key.rsa()?);
        Ok(Box::new(Whole::new(takes, len, move |data, out| {
            key.encrypt_pkcs1(data, out)
        })))
    }

    fn decrypt(&self, key: &Key, _params: &Params) -> Result<Box<dyn Cipher>> {
        let key = key.rsa_private()?.clone();
        let (takes, len) = (ciphertext(&key), key.size() - PADDING);
        Ok(Box::new(Whole::new(takes, len, move |data, out| {
            sized(&key, data)?;
            let plain = key.decrypt_pkcs1(data)?;
            copied(&plain.ok_or(Code::EncryptedDataInvalid)?, out)
        })))
    }

    fn sign(&self, key: &Key, _params: &Params) -> Result<Box<dyn Sign>> {
        let (key, takes, len) = input(key.rsa_private()?);
        Ok(Box::new(Whole::new(takes, len, move |data, out| {
            key.sign_pkcs1(data, out)
        })))
    }

    fn verify(&self, key: &Key, _params: &Params) -> Result<Box<dyn Verify>> {
        let (key, takes, len) = input(key.rsa()?);
        Ok(Box::new(WholeVerify::new(takes, len, move |data, sig| {
            let recovered = key.recover_pkcs1(sig)?;
            Ok(recovered.is_some_and(|recovered| recovered == data))
        })))
    }

    fn wrapped_len(&self, key: &Key, _params: &Params, plain: usize) -> Result<usize> {
        let size = key.rsa().map_err(as_wrap)?.size();
        match plain + PADDING > size {
            true => Err(Code::KeySizeRange.into()),
            false => Ok(size),
        }
    }

    fn wrap(&self, key: &Key, params: &Params, plain: &[u8]) -> Result<Vec<u8>> {
        let mut out = vec![0; self.wrapped_len(key, params, plain.len())?];
        key.rsa()?.encrypt_pkcs1(plain, &mut out).map_err(as_wrap)?;
        Ok(out)
    }

    fn unwrap(&self, key: &Key, _params: &Params, wrapped: &[u8]) -> Result<Secret> {
        let key = key.rsa_private().map_err(as_unwrap)?;
        sized(key, wrapped).map_err(as_unwrap)?;
        let plain = key.decrypt_pkcs1(wrapped)?;
        Secret::copy(&plain.ok_or(Code::WrappedKeyInvalid)?)
    }
}

fn input(key: &Rsa) -> (Rsa, Takes, usize) {
    let size = key.size();
    let takes = Takes::AtMost(size - PADDING, Code::DataLenRange);
    (key.clone(), takes, size)
}

/// A ciphertext is never longer than the key.
pub(super) fn ciphertext(key: &Rsa) -> Takes {
    Takes::AtMost(key.size(), Code::EncryptedDataLenRange)
}

/// And never shorter.
pub(super) fn sized(key: &Rsa, ciphertext: &[u8]) -> Result<()> {
    match ciphertext.len() == key.size() {
        true => Ok(()),
        false => Err(Code::EncryptedDataLenRange.into()),
    }
}

/// Writes to the front of `out`.
pub(super) fn copied(bytes: &[u8], out: &mut [u8]) -> Result<usize> {
    let room = out.get_mut(..bytes.len()).ok_or(Code::GeneralError)?;
    room.copy_from_slice(bytes);
    Ok(bytes.len())
}

/// `CKM_SHAxxx_RSA_PKCS`: over the data's DigestInfo. SHA-1 is for old signatures: it verifies only.
pub(super) struct RsaPkcsWith(pub(super) Hash);

impl Mechanism for RsaPkcsWith {
    fn sign(&self, key: &Key, _params: &Params) -> Result<Box<dyn Sign>> {
        let (key, hash) = (key.rsa_private()?.clone(), self.0);
        if hash == Hash::Sha1 {
            return Err(Code::MechanismInvalid.into());
        }
        let sign = Whole::new(Takes::Any, key.size(), move |digest, out| {
            key.sign_digest(hash, digest, out)
        });
        Ok(Box::new(Digested::new(hash, sign)?))
    }

    fn verify(&self, key: &Key, _params: &Params) -> Result<Box<dyn Verify>> {
        let (key, hash) = (key.rsa()?.clone(), self.0);
        let verify = WholeVerify::new(Takes::Any, key.size(), move |digest, signature| {
            Ok(key.verifies_digest(hash, digest, signature))
        });
        Ok(Box::new(Digested::new(hash, verify)?))
    }
}

/// `CKM_RSA_X_509`: the bare operation on a number, which shorter input is padded to with zeroes in
/// front.
pub(super) struct RsaX509;

impl Mechanism for RsaX509 {
    fn encrypt(&self, key: &Key, _params: &Params) -> Result<Box<dyn Cipher>> {
        let (key, takes, len) = number(key.rsa()?);
        Ok(Box::new(Whole::new(takes, len, move |data, out| {
            key.public_raw(&padded(&key, data)?, out)
        })))
    }

    fn decrypt(&self, key: &Key, _params: &Params) -> Result<Box<dyn Cipher>> {
        let key = key.rsa_private()?.clone();
        let (takes, len) = (ciphertext(&key), key.size());
        Ok(Box::new(Whole::new(takes, len, move |data, out| {
            sized(&key, data)?;
            let plain = key.private_raw(data, out);
            plain.map_err(|_| Code::EncryptedDataInvalid.into())
        })))
    }

    fn sign(&self, key: &Key, _params: &Params) -> Result<Box<dyn Sign>> {
        let (key, takes, len) = number(key.rsa_private()?);
        Ok(Box::new(Whole::new(takes, len, move |data, out| {
            key.private_raw(&padded(&key, data)?, out)
        })))
    }

    fn verify(&self, key: &Key, _params: &Params) -> Result<Box<dyn Verify>> {
        let (key, takes, len) = number(key.rsa()?);
        Ok(Box::new(WholeVerify::new(takes, len, move |data, sig| {
            let mut number = vec![0; len];
            let opened = key.public_raw(sig, &mut number).is_ok();
            Ok(opened && *number == **padded(&key, data)?)
        })))
    }
}

fn number(key: &Rsa) -> (Rsa, Takes, usize) {
    let size = key.size();
    let takes = Takes::AtMost(size, Code::DataLenRange);
    (key.clone(), takes, size)
}

/// Data as a number of the key's size.
fn padded(key: &Rsa, data: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    let mut out = zeroize::Zeroizing::new(vec![0; key.size()]);
    let front = key.size().checked_sub(data.len());
    let back = front.and_then(|front| out.get_mut(front..));
    back.ok_or(Code::DataLenRange)?.copy_from_slice(data);
    Ok(out)
}
