//! Ed25519 (RFC 8032): pure, with a context, and pre-hashed.

use aws_lc_sys::*;

use crate::error::{Code, Result};
use crate::lc::{done, succeeded};
use crate::secret::Secret;

/// Bytes of a seed and of a public key.
pub(crate) const KEY_LEN: usize = 32;
/// Bytes of a signature.
pub(crate) const SIGNATURE_LEN: usize = 64;
/// The longest context, in bytes.
pub(crate) const LONGEST_CONTEXT: usize = 255;

/// A private key: the seed, and behind it the public key.
pub(crate) struct Private(Secret);

/// Which of the three algorithms (RFC 8032, 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    Pure,
    /// Ed25519ctx: a context of 1 to 255 bytes.
    Context(Vec<u8>),
    /// Ed25519ph: what is signed is the message's SHA-512; a context of 0 to 255 bytes.
    Prehashed(Vec<u8>),
}

impl Private {
    /// A fresh key.
    pub(crate) fn generate() -> Result<Self> {
        Self::from_seed(Secret::random(KEY_LEN)?.expose())
    }

    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for a seed of another length than 32.
    pub(crate) fn from_seed(seed: &[u8]) -> Result<Self> {
        let seed: &[u8; KEY_LEN] = seed.try_into().map_err(|_| Code::AttributeValueInvalid)?;
        let mut both = Secret::zeroed(2 * KEY_LEN)?;
        let mut public = [0; KEY_LEN];
        let private = both.expose_mut().as_mut_ptr();
        // SAFETY: a seed of 32 bytes, 64 bytes for the private key, 32 for the public.
        unsafe { ED25519_keypair_from_seed(public.as_mut_ptr(), private, seed.as_ptr()) };
        Ok(Self(both))
    }

    /// The seed: `CKA_VALUE`.
    pub(crate) fn seed(&self) -> Result<Secret> {
        let (seed, _) = self.halves()?;
        Secret::copy(seed)
    }

    pub(crate) fn public(&self) -> Result<[u8; KEY_LEN]> {
        let (_, public) = self.halves()?;
        Ok(*public)
    }

    fn halves(&self) -> Result<(&[u8; KEY_LEN], &[u8; KEY_LEN])> {
        let both = self.0.expose();
        let halves = both.first_chunk().zip(both.last_chunk());
        halves.ok_or_else(|| Code::GeneralError.into())
    }

    /// Writes the signature of a message, of its SHA-512 for [`Variant::Prehashed`].
    ///
    /// # Errors
    /// `CKR_GENERAL_ERROR` for a context that is too long or, without pre-hashing, empty.
    pub(crate) fn sign(&self, variant: &Variant, message: &[u8], out: &mut [u8]) -> Result<usize> {
        let out = out
            .first_chunk_mut::<SIGNATURE_LEN>()
            .ok_or(Code::GeneralError)?
            .as_mut_ptr();
        let (data, len, key) = (message.as_ptr(), message.len(), self.0.expose().as_ptr());
        done(match variant {
            // SAFETY: room for a signature, `message` readable for its length, 64 bytes of key.
            Variant::Pure => unsafe { ED25519_sign(out, data, len, key) },
            // SAFETY: as above, and the context is readable for its length.
            Variant::Context(context) => unsafe {
                ED25519ctx_sign(out, data, len, key, context.as_ptr(), context.len())
            },
            Variant::Prehashed(context) => {
                let digest = digest(message)?.as_ptr();
                // SAFETY: as above, and the digest has 64 bytes.
                unsafe { ED25519ph_sign_digest(out, digest, key, context.as_ptr(), context.len()) }
            }
        })?;
        Ok(SIGNATURE_LEN)
    }
}

/// Whether a signature of a message, of its SHA-512 for [`Variant::Prehashed`], is right.
pub(crate) fn verifies(
    public: &[u8; KEY_LEN],
    variant: &Variant,
    message: &[u8],
    signature: &[u8; SIGNATURE_LEN],
) -> Result<bool> {
    let (data, len) = (message.as_ptr(), message.len());
    let (signature, key) = (signature.as_ptr(), public.as_ptr());
    Ok(succeeded(match variant {
        // SAFETY: `message` is readable for its length, signature and key have theirs.
        Variant::Pure => unsafe { ED25519_verify(data, len, signature, key) },
        // SAFETY: as above, and the context is readable for its length.
        Variant::Context(context) => unsafe {
            ED25519ctx_verify(data, len, signature, key, context.as_ptr(), context.len())
        },
        Variant::Prehashed(context) => {
            let digest = digest(message)?.as_ptr();
            // SAFETY: as above, and the digest has 64 bytes.
            unsafe {
                ED25519ph_verify_digest(digest, signature, key, context.as_ptr(), context.len())
            }
        }
    }))
}

fn digest(message: &[u8]) -> Result<&[u8; 64]> {
    message.try_into().map_err(|_| Code::GeneralError.into())
}
