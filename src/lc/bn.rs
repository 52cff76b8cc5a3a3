//! Big integers, as far as keys need them: bytes in and out, and the arithmetic that completes an
//! RSA private key. Every number is wiped when it goes.

use std::ptr::{NonNull, null};

use aws_lc_sys::*;

use crate::error::{Code, Result};
use crate::lc::done;
use crate::secret::Secret;

/// A non-negative integer.
pub(super) struct Bn(NonNull<BIGNUM>);

impl Bn {
    fn new() -> Result<Self> {
        // SAFETY: takes nothing.
        let number = unsafe { BN_new() };
        NonNull::new(number)
            .map(Self)
            .ok_or_else(|| Code::HostMemory.into())
    }

    /// From big-endian bytes, leading zeroes allowed.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let number = Self::new()?;
        // SAFETY: `bytes` is readable for its length, `number` is a BIGNUM of ours.
        let filled = unsafe { BN_bin2bn(bytes.as_ptr(), bytes.len(), number.0.as_ptr()) };
        match filled.is_null() {
            true => Err(Code::HostMemory.into()),
            false => Ok(number),
        }
    }

    pub(super) fn as_ptr(&self) -> *const BIGNUM {
        self.0.as_ptr()
    }

    fn number(&self) -> &BIGNUM {
        // SAFETY: a BIGNUM of ours, which lives as long as `self`.
        unsafe { self.0.as_ref() }
    }

    /// Gives the number away to an aws-lc call that takes it over.
    pub(super) fn into_raw(self) -> *mut BIGNUM {
        let raw = self.0.as_ptr();
        #[expect(clippy::mem_forget, reason = "the callee owns the number now")]
        std::mem::forget(self);
        raw
    }

    pub(super) fn bits(&self) -> usize {
        bits(self.number())
    }

    pub(super) fn is_one(&self) -> bool {
        // SAFETY: a BIGNUM of ours.
        unsafe { BN_is_one(self.as_ptr()) == 1 }
    }

    pub(super) fn is_odd(&self) -> bool {
        // SAFETY: a BIGNUM of ours.
        unsafe { BN_is_odd(self.as_ptr()) == 1 }
    }

    pub(super) fn equals(&self, other: &Self) -> bool {
        // SAFETY: two BIGNUMs of ours.
        unsafe { BN_cmp(self.as_ptr(), other.as_ptr()) == 0 }
    }

    pub(super) fn is_under(&self, other: &Self) -> bool {
        // SAFETY: two BIGNUMs of ours.
        unsafe { BN_cmp(self.as_ptr(), other.as_ptr()) < 0 }
    }

    /// This less `word`, which it is not under.
    pub(super) fn less(&self, word: u64) -> Result<Self> {
        let copy = Self::from_bytes(self.to_secret()?.expose())?;
        // SAFETY: a BIGNUM of ours, which nobody else has yet.
        done(unsafe { BN_sub_word(copy.raw(), word) })?;
        Ok(copy)
    }

    pub(super) fn times(&self, other: &Self, pad: &Scratch) -> Result<Self> {
        let product = Self::new()?;
        // SAFETY: BIGNUMs and a BN_CTX of ours; `product` is neither operand.
        done(unsafe { BN_mul(product.raw(), self.as_ptr(), other.as_ptr(), pad.raw()) })?;
        Ok(product)
    }

    /// Quotient and remainder.
    pub(super) fn divided(&self, by: &Self, pad: &Scratch) -> Result<(Self, Self)> {
        let (quotient, rest) = (Self::new()?, Self::new()?);
        let (q, r) = (quotient.raw(), rest.raw());
        // SAFETY: BIGNUMs and a BN_CTX of ours, all distinct; zero divisors are refused.
        done(unsafe { BN_div(q, r, self.as_ptr(), by.as_ptr(), pad.raw()) })?;
        Ok((quotient, rest))
    }

    /// Without its trailing zero bits, and how many these were.
    pub(super) fn odd_part(&self) -> Result<(Self, usize)> {
        // SAFETY: a BIGNUM of ours.
        let zeroes = unsafe { BN_count_low_zero_bits(self.as_ptr()) };
        let odd = Self::new()?;
        // SAFETY: two distinct BIGNUMs of ours, a count that is not negative.
        done(unsafe { BN_rshift(odd.raw(), self.as_ptr(), zeroes) })?;
        Ok((odd, usize::try_from(zeroes).unwrap_or_default()))
    }

    /// Its power modulo an odd number that it is under, in constant time.
    pub(super) fn power(&self, exponent: &Self, modulus: &Self, pad: &Scratch) -> Result<Self> {
        let power = Self::new()?;
        let (out, base, exponent) = (power.raw(), self.as_ptr(), exponent.as_ptr());
        // SAFETY: BIGNUMs and a BN_CTX of ours; the context of the modulus is made by the callee.
        let rc = unsafe {
            BN_mod_exp_mont_consttime(out, base, exponent, modulus.as_ptr(), pad.raw(), null())
        };
        done(rc).map(|()| power)
    }

    pub(super) fn common_divisor(&self, other: &Self, pad: &Scratch) -> Result<Self> {
        let divisor = Self::new()?;
        // SAFETY: BIGNUMs and a BN_CTX of ours, all distinct.
        done(unsafe { BN_gcd(divisor.raw(), self.as_ptr(), other.as_ptr(), pad.raw()) })?;
        Ok(divisor)
    }

    /// Its inverse; an error where there is none.
    pub(super) fn inverse(&self, modulus: &Self, pad: &Scratch) -> Result<Self> {
        let inverse = Self::new()?;
        let (out, modulus) = (inverse.raw(), modulus.as_ptr());
        // SAFETY: BIGNUMs and a BN_CTX of ours, all distinct.
        let found = unsafe { BN_mod_inverse(out, self.as_ptr(), modulus, pad.raw()) };
        done(i32::from(!found.is_null())).map(|()| inverse)
    }

    /// Its bytes, big-endian, without leading zeroes.
    pub(super) fn to_secret(&self) -> Result<Secret> {
        secret(self.number(), self.bits().div_ceil(8))
    }

    fn raw(&self) -> *mut BIGNUM {
        self.0.as_ptr()
    }
}

impl Drop for Bn {
    fn drop(&mut self) {
        // SAFETY: made by BN_new and freed here alone.
        unsafe { BN_clear_free(self.0.as_ptr()) };
    }
}

/// Room for intermediate results; one for a whole computation.
pub(super) struct Scratch(NonNull<BN_CTX>);

impl Scratch {
    pub(super) fn new() -> Result<Self> {
        // SAFETY: takes nothing.
        let scratch = unsafe { BN_CTX_new() };
        NonNull::new(scratch)
            .map(Self)
            .ok_or_else(|| Code::HostMemory.into())
    }

    fn raw(&self) -> *mut BN_CTX {
        self.0.as_ptr()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: made by BN_CTX_new and freed here alone.
        unsafe { BN_CTX_free(self.0.as_ptr()) };
    }
}

/// A number's length in bits.
pub(super) fn bits(number: &BIGNUM) -> usize {
    // SAFETY: a live BIGNUM.
    unsafe { BN_num_bits(number) as usize }
}

/// Writes a number left-padded with zeroes to the whole of `out`.
///
/// # Errors
/// `CKR_GENERAL_ERROR` where it does not fit.
pub(super) fn write(number: &BIGNUM, out: &mut [u8]) -> Result<()> {
    // SAFETY: `out` is writable for its length, the number is live.
    done(unsafe { BN_bn2bin_padded(out.as_mut_ptr(), out.len(), number) })
}

/// A number's bytes, left-padded to `len`.
pub(super) fn secret(number: &BIGNUM, len: usize) -> Result<Secret> {
    let mut bytes = Secret::zeroed(len)?;
    write(number, bytes.expose_mut()).map(|()| bytes)
}
