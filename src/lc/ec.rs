//! The NIST curves (SP 800-186): keys as aws-lc keeps them, ECDSA (FIPS 186-5) and the Diffie-Hellman
//! of SP 800-56A. An EC_KEY does not change once it is made, so threads share one without a lock.

use std::ptr::{NonNull, null, null_mut};

use aws_lc_sys::*;

use crate::error::{Code, Result};
use crate::lc::bn;
use crate::lc::bn::Bn;
use crate::lc::{done, succeeded};
use crate::secret::Secret;

/// The curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// Bytes of a coordinate, and of a number modulo the order.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Bytes of an uncompressed point.
    pub(crate) fn point_len(self) -> usize {
        1 + 2 * self.len()
    }

    fn group(self) -> *const EC_GROUP {
        let group = match self {
            Self::P256 => EC_group_p256,
            Self::P384 => EC_group_p384,
            Self::P521 => EC_group_p521,
        };
        // SAFETY: takes nothing and gives a static.
        unsafe { group() }
    }
}

/// A public key, or a private one with its public point. Clones share the key.
pub(crate) struct Ec {
    curve: Curve,
    key: NonNull<EC_KEY>,
}

// SAFETY: aws-lc counts references atomically; nothing here changes a key once it is made, and its
// own operations take it as constant.
unsafe impl Send for Ec {}
// SAFETY: as above.
unsafe impl Sync for Ec {}

impl Ec {
    /// A fresh key pair.
    pub(crate) fn generate(curve: Curve) -> Result<Self> {
        let key = Self::new(curve)?;
        // SAFETY: a fresh key with its group.
        done(unsafe { EC_KEY_generate_key(key.raw()) })?;
        Ok(key)
    }

    /// A public key from a point (SEC 1, 2.3.4), compressed or not.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for what is no point of the curve, and for the one at infinity.
    pub(crate) fn public(curve: Curve, point: &[u8]) -> Result<Self> {
        let key = Self::new(curve)?;
        let point = Point::decode(curve, point)?;
        // SAFETY: a key and a point of one group; the point is copied.
        done(unsafe { EC_KEY_set_public_key(key.raw(), point.0.as_ptr()) })?;
        Ok(key)
    }

    /// A private key from its scalar, big-endian; the public point is computed.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for 0 and for what is not under the curve's order.
    pub(crate) fn private(curve: Curve, scalar: &[u8]) -> Result<Self> {
        let key = Self::new(curve)?;
        let scalar = Bn::from_bytes(scalar)?;
        // SAFETY: a key with its group and a number of ours, which is copied.
        match succeeded(unsafe { EC_KEY_set_private_key(key.raw(), scalar.as_ptr()) }) {
            true => key.with_point(&scalar),
            false => Err(Code::AttributeValueInvalid.into()),
        }
    }

    fn with_point(self, scalar: &Bn) -> Result<Self> {
        let point = Point::new(self.curve)?;
        let (group, out, scalar) = (self.curve.group(), point.0.as_ptr(), scalar.as_ptr());
        // SAFETY: a static group, a point of it, a number in range; the generator alone is multiplied.
        done(unsafe { EC_POINT_mul(group, out, scalar, null(), null(), null_mut()) })?;
        // SAFETY: a key and a point of one group; the point is copied.
        done(unsafe { EC_KEY_set_public_key(self.raw(), out) })?;
        Ok(self)
    }

    /// The public half alone.
    pub(crate) fn to_public(&self) -> Result<Self> {
        Self::public(self.curve, &self.point()?)
    }

    pub(crate) fn curve(&self) -> Curve {
        self.curve
    }

    pub(crate) fn is_private(&self) -> bool {
        self.number().is_some()
    }

    /// The public point, uncompressed.
    pub(crate) fn point(&self) -> Result<Vec<u8>> {
        let mut out = vec![0; self.curve.point_len()];
        // SAFETY: a live key, which has its point since it was made.
        let point = unsafe { EC_KEY_get0_public_key(self.raw()) };
        let form = point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED;
        let (group, at, len) = (self.curve.group(), out.as_mut_ptr(), out.len());
        // SAFETY: a static group and a point of it, `out` writable for its length.
        let written = unsafe { EC_POINT_point2oct(group, point, form, at, len, null_mut()) };
        match written == out.len() {
            true => Ok(out),
            false => Err(Code::GeneralError.into()),
        }
    }

    /// The private scalar, left-padded to the curve's length.
    ///
    /// # Errors
    /// `CKR_GENERAL_ERROR` for a public key.
    pub(crate) fn scalar(&self) -> Result<Secret> {
        let number = self.number().ok_or(Code::GeneralError)?;
        bn::secret(number, self.curve.len())
    }

    fn number(&self) -> Option<&BIGNUM> {
        // SAFETY: a live key.
        let number = unsafe { EC_KEY_get0_private_key(self.raw()) };
        // SAFETY: NULL or a number that lives unchanged as long as the key, hence as `self`.
        unsafe { number.as_ref() }
    }

    /// Writes r and s, each left-padded to the curve's length, over a digest: of a longer one the
    /// leftmost bits count (FIPS 186-5, 6.4.1).
    pub(crate) fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<usize> {
        let len = self.curve.len();
        let (r, s) = out
            .get_mut(..2 * len)
            .and_then(|out| out.split_at_mut_checked(len))
            .ok_or(Code::GeneralError)?;
        // SAFETY: `digest` is readable for its length, the key live.
        let made = unsafe { ECDSA_do_sign(digest.as_ptr(), digest.len(), self.raw()) };
        succeeded(i32::from(!made.is_null()));
        let signature = Signature(NonNull::new(made).ok_or(Code::GeneralError)?);
        bn::write(signature.number(ECDSA_SIG_get0_r)?, r)?;
        bn::write(signature.number(ECDSA_SIG_get0_s)?, s)?;
        Ok(2 * len)
    }

    /// Whether r and s, two halves of the same length, are right over a digest.
    pub(crate) fn verifies(&self, digest: &[u8], signature: &[u8]) -> Result<bool> {
        let (r, s) = signature.split_at(signature.len() / 2);
        let signature = Signature::of(r, s)?;
        let (data, len) = (digest.as_ptr(), digest.len());
        // SAFETY: `digest` is readable for its length, signature and key live.
        let rc = unsafe { ECDSA_do_verify(data, len, signature.0.as_ptr(), self.raw()) };
        Ok(succeeded(rc))
    }

    /// The x coordinate that this private key and another's point have in common, left-padded.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for what is no point of this curve.
    pub(crate) fn agree(&self, point: &[u8]) -> Result<Secret> {
        let point = Point::decode(self.curve, point)?;
        let mut out = Secret::zeroed(self.curve.len())?;
        let (at, len) = (out.expose_mut().as_mut_ptr().cast(), out.len());
        // SAFETY: `out` is writable for its length, point and key are live and of one group; no KDF.
        let rc = unsafe { ECDH_compute_key(at, len, point.0.as_ptr(), self.raw(), None) };
        match usize::try_from(rc) {
            Ok(written) if written == len => Ok(out),
            _ => Err(failed(Code::AttributeValueInvalid)),
        }
    }

    fn new(curve: Curve) -> Result<Self> {
        // SAFETY: takes nothing.
        let key = NonNull::new(unsafe { EC_KEY_new() }).ok_or(Code::HostMemory)?;
        let key = Self { curve, key };
        // SAFETY: a fresh key and a static group.
        done(unsafe { EC_KEY_set_group(key.raw(), curve.group()) })?;
        Ok(key)
    }

    fn raw(&self) -> *mut EC_KEY {
        self.key.as_ptr()
    }
}

impl Clone for Ec {
    fn clone(&self) -> Self {
        // SAFETY: a live key; the count is atomic, and the copy gives its reference back on drop.
        unsafe { EC_KEY_up_ref(self.raw()) };
        Self { ..*self }
    }
}

impl Drop for Ec {
    fn drop(&mut self) {
        // SAFETY: each Ec holds one reference; aws-lc wipes the key with the last.
        unsafe { EC_KEY_free(self.raw()) };
    }
}

/// A point of a curve.
struct Point(NonNull<EC_POINT>);

impl Point {
    fn new(curve: Curve) -> Result<Self> {
        // SAFETY: a static group.
        let point = unsafe { EC_POINT_new(curve.group()) };
        NonNull::new(point)
            .map(Self)
            .ok_or_else(|| Code::HostMemory.into())
    }

    /// Uncompressed or compressed, checked to be on the curve; not the hybrid form, not infinity.
    fn decode(curve: Curve, bytes: &[u8]) -> Result<Self> {
        if !matches!(bytes.first(), Some(2..=4)) {
            return Err(Code::AttributeValueInvalid.into());
        }
        let point = Self::new(curve)?;
        let (group, at, len) = (curve.group(), bytes.as_ptr(), bytes.len());
        // SAFETY: a static group, a point of it, `bytes` readable for their length.
        let rc = unsafe { EC_POINT_oct2point(group, point.0.as_ptr(), at, len, null_mut()) };
        match succeeded(rc) {
            true => Ok(point),
            false => Err(Code::AttributeValueInvalid.into()),
        }
    }
}

impl Drop for Point {
    fn drop(&mut self) {
        // SAFETY: made by EC_POINT_new and freed here alone.
        unsafe { EC_POINT_free(self.0.as_ptr()) };
    }
}

/// An ECDSA signature.
struct Signature(NonNull<ECDSA_SIG>);

impl Signature {
    fn of(r: &[u8], s: &[u8]) -> Result<Self> {
        let (r, s) = (Bn::from_bytes(r)?, Bn::from_bytes(s)?);
        // SAFETY: takes nothing.
        let made = NonNull::new(unsafe { ECDSA_SIG_new() }).ok_or(Code::HostMemory)?;
        let signature = Self(made);
        // SAFETY: a fresh signature takes over two numbers; it refuses none that is not NULL.
        done(unsafe { ECDSA_SIG_set0(made.as_ptr(), r.into_raw(), s.into_raw()) })?;
        Ok(signature)
    }

    fn number(
        &self,
        get: unsafe extern "C" fn(*const ECDSA_SIG) -> *const BIGNUM,
    ) -> Result<&BIGNUM> {
        // SAFETY: a live signature.
        let number = unsafe { get(self.0.as_ptr()) };
        // SAFETY: NULL or a number that lives as long as the signature.
        unsafe { number.as_ref() }.ok_or_else(|| Code::GeneralError.into())
    }
}

impl Drop for Signature {
    fn drop(&mut self) {
        // SAFETY: made by aws-lc and freed here alone.
        unsafe { ECDSA_SIG_free(self.0.as_ptr()) };
    }
}

/// A failure, its trace in aws-lc's queue dropped.
fn failed(code: Code) -> crate::error::Error {
    succeeded(0);
    code.into()
}
