//! AES key wrap, RFC 3394 (KW) and RFC 5649 (KWP).

use std::ptr::null;

use aws_lc_sys::*;

use crate::error::{Code, Result};
use crate::lc::cipher::{AesKey, Direction};
use crate::lc::equal;
use crate::lc::succeeded;
use crate::secret::Secret;

/// KW's block, and the length of its IV.
pub(crate) const SEMIBLOCK: usize = 8;

/// KWP's alternative initial value begins with this (RFC 5649, 3).
const KWP_IV: [u8; 4] = [0xa6, 0x59, 0x59, 0xa6];

/// What [`wrap`] makes of `plain` bytes; `None` where it refuses them.
pub(crate) fn wrapped_len(plain: usize) -> Option<usize> {
    match plain >= 2 * SEMIBLOCK && plain.is_multiple_of(SEMIBLOCK) {
        true => plain.checked_add(SEMIBLOCK),
        false => None,
    }
}

/// What [`wrap_padded`] makes of `plain` bytes; `None` where it refuses them.
pub(crate) fn padded_len(plain: usize) -> Option<usize> {
    match plain {
        0 => None,
        _ => plain
            .checked_next_multiple_of(SEMIBLOCK)?
            .checked_add(SEMIBLOCK),
    }
}

/// RFC 3394, 2.2.1. `iv` `None` is the default one. Writes [`wrapped_len`] bytes.
///
/// # Errors
/// `CKR_DATA_LEN_RANGE` for less than 16 bytes or no multiple of 8; `CKR_GENERAL_ERROR` for an
/// `out` that is too short.
pub(crate) fn wrap(
    key: &AesKey,
    iv: Option<&[u8; SEMIBLOCK]>,
    plain: &[u8],
    out: &mut [u8],
) -> Result<usize> {
    let len = wrapped_len(plain.len()).ok_or(Code::DataLenRange)?;
    let schedule = key.schedule(Direction::Encrypt)?;
    if out.len() < len {
        return Err(Code::GeneralError.into());
    }
    let iv = iv.map_or(null(), |iv| iv.as_ptr());
    // SAFETY: `out` has room for 8 bytes more than `plain`, which is readable; `iv` is NULL or 8
    // readable bytes; the schedule encrypts.
    let answer =
        unsafe { AES_wrap_key(schedule, iv, out.as_mut_ptr(), plain.as_ptr(), plain.len()) };
    match usize::try_from(answer) {
        Ok(written) if written == len => Ok(len),
        _ => Err(Code::GeneralError.into()),
    }
}

/// RFC 3394, 2.2.2. Writes 8 bytes less than came in.
///
/// # Errors
/// `CKR_ENCRYPTED_DATA_LEN_RANGE` for less than 24 bytes or no multiple of 8,
/// `CKR_ENCRYPTED_DATA_INVALID` for what was not wrapped with this key and IV.
pub(crate) fn unwrap(
    key: &AesKey,
    iv: Option<&[u8; SEMIBLOCK]>,
    wrapped: &[u8],
    out: &mut [u8],
) -> Result<usize> {
    let schedule = key.schedule(Direction::Decrypt)?;
    if wrapped.len() < 3 * SEMIBLOCK || !wrapped.len().is_multiple_of(SEMIBLOCK) {
        return Err(Code::EncryptedDataLenRange.into());
    }
    let len = wrapped.len() - SEMIBLOCK;
    if out.len() < len {
        return Err(Code::GeneralError.into());
    }
    let iv = iv.map_or(null(), |iv| iv.as_ptr());
    // SAFETY: `out` has room for 8 bytes less than `wrapped`, which is readable; `iv` is NULL or 8
    // readable bytes; the schedule decrypts.
    let answer = unsafe {
        AES_unwrap_key(
            schedule,
            iv,
            out.as_mut_ptr(),
            wrapped.as_ptr(),
            wrapped.len(),
        )
    };
    match usize::try_from(answer) {
        Ok(written) if written == len => Ok(len),
        _ => refuse(out),
    }
}

/// RFC 5649, 4.1, also with another initial value of 4 bytes. Writes [`padded_len`] bytes.
///
/// # Errors
/// `CKR_DATA_LEN_RANGE` for nothing, or 2^32 bytes; `CKR_GENERAL_ERROR` for an `out` that is too
/// short.
pub(crate) fn wrap_padded(
    key: &AesKey,
    iv: Option<&[u8; 4]>,
    plain: &[u8],
    out: &mut [u8],
) -> Result<usize> {
    let len = padded_len(plain.len()).ok_or(Code::DataLenRange)?;
    let out = out.get_mut(..len).ok_or(Code::GeneralError)?;
    let iv = initial_value(iv, plain.len())?;
    let mut padded = Secret::zeroed(len - SEMIBLOCK)?;
    let (front, _) = padded
        .expose_mut()
        .split_at_mut_checked(plain.len())
        .ok_or(Code::GeneralError)?;
    front.copy_from_slice(plain);
    match padded.expose().first_chunk::<SEMIBLOCK>() {
        Some(only) if padded.len() == SEMIBLOCK => {
            out.copy_from_slice(&key.block(&join(&iv, only)));
            Ok(len)
        }
        _ => wrap(key, Some(&iv), padded.expose(), out),
    }
}

/// RFC 5649, 4.2, also with another initial value of 4 bytes. `out` has room for 8 bytes less than
/// came in; the plaintext is at most 7 bytes shorter.
///
/// # Errors
/// `CKR_ENCRYPTED_DATA_LEN_RANGE` for less than 16 bytes or no multiple of 8,
/// `CKR_ENCRYPTED_DATA_INVALID` for what was not wrapped with this key and initial value.
pub(crate) fn unwrap_padded(
    key: &AesKey,
    iv: Option<&[u8; 4]>,
    wrapped: &[u8],
    out: &mut [u8],
) -> Result<usize> {
    if wrapped.len() < 2 * SEMIBLOCK || !wrapped.len().is_multiple_of(SEMIBLOCK) {
        return Err(Code::EncryptedDataLenRange.into());
    }
    let room = wrapped.len() - SEMIBLOCK;
    let out = out.get_mut(..room).ok_or(Code::GeneralError)?;
    match iv {
        None => unwrap_default(key, wrapped, out),
        Some(iv) => unwrap_other(key, iv, wrapped, out),
    }
}

fn unwrap_default(key: &AesKey, wrapped: &[u8], out: &mut [u8]) -> Result<usize> {
    let schedule = key.schedule(Direction::Decrypt)?;
    let mut len = 0;
    // SAFETY: `out` is writable for its length, `wrapped` readable, the schedule decrypts.
    let answer = unsafe {
        AES_unwrap_key_padded(
            schedule,
            out.as_mut_ptr(),
            &raw mut len,
            out.len(),
            wrapped.as_ptr(),
            wrapped.len(),
        )
    };
    match succeeded(answer) && len <= out.len() {
        true => Ok(len),
        false => refuse(out),
    }
}

/// aws-lc knows the default initial value only: this is RFC 3394's unwrapping (2.2.2) with RFC
/// 5649's checks after it, all made before any is answered.
fn unwrap_other(key: &AesKey, iv: &[u8; 4], wrapped: &[u8], out: &mut [u8]) -> Result<usize> {
    let found = decrypt(key, wrapped, out)?;
    let (front, [a, b, c, d]) = split(found);
    let claimed = u32::from_be_bytes([a, b, c, d]);
    let len = usize::try_from(claimed).map_err(|_| Code::EncryptedDataInvalid)?;
    let fits = len <= out.len() && len.saturating_add(SEMIBLOCK) > out.len();
    let padding = out.len().saturating_sub(len).min(SEMIBLOCK - 1);
    let tail = out
        .last_chunk::<{ SEMIBLOCK - 1 }>()
        .ok_or(Code::GeneralError)?;
    let zeroes = tail
        .iter()
        .rev()
        .enumerate()
        .fold(0, |all, (at, byte)| all | (byte & mask(at < padding)));
    match equal(&front, iv) & fits & (zeroes == 0) {
        true => Ok(len),
        false => refuse(out),
    }
}

/// The rounds of RFC 3394 backwards, or one block (RFC 5649, 4.2): gives A and writes the rest.
fn decrypt(key: &AesKey, wrapped: &[u8], out: &mut [u8]) -> Result<[u8; SEMIBLOCK]> {
    key.schedule(Direction::Decrypt)?;
    let (front, rest) = wrapped.split_first_chunk().ok_or(Code::GeneralError)?;
    out.copy_from_slice(rest);
    let (registers, _) = out.as_chunks_mut::<SEMIBLOCK>();
    let count = registers.len();
    if let [only] = registers {
        let (a, r) = split(key.block(&join(front, only)));
        *only = r;
        return Ok(a);
    }
    let mut a = *front;
    for round in (0..6).rev() {
        for (at, register) in registers.iter_mut().enumerate().rev() {
            let step = u64::try_from(count * round + at + 1).map_err(|_| Code::GeneralError)?;
            let mixed = (u64::from_be_bytes(a) ^ step).to_be_bytes();
            (a, *register) = split(key.block(&join(&mixed, register)));
        }
    }
    Ok(a)
}

fn initial_value(iv: Option<&[u8; 4]>, len: usize) -> Result<[u8; SEMIBLOCK]> {
    let len = u32::try_from(len).map_err(|_| Code::DataLenRange)?;
    Ok(join(iv.unwrap_or(&KWP_IV), &len.to_be_bytes()))
}

fn join<const N: usize, const M: usize>(front: &[u8; N], back: &[u8; N]) -> [u8; M] {
    let mut both = front.iter().chain(back);
    std::array::from_fn(|_| both.next().copied().unwrap_or(0))
}

fn split<const N: usize, const M: usize>(both: [u8; M]) -> ([u8; N], [u8; N]) {
    let mut bytes = both.into_iter();
    let mut half = || std::array::from_fn(|_| bytes.next().unwrap_or(0));
    (half(), half())
}

fn mask(yes: bool) -> u8 {
    0_u8.wrapping_sub(u8::from(yes))
}

/// Leaves nothing behind of what may be a key.
fn refuse(out: &mut [u8]) -> Result<usize> {
    zeroize::Zeroize::zeroize(out);
    Err(Code::EncryptedDataInvalid.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let byte = |i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    fn keys(key: &str) -> (AesKey, AesKey) {
        let make = |direction| AesKey::new(&bytes(key), direction).unwrap();
        (make(Direction::Encrypt), make(Direction::Decrypt))
    }

    #[test]
    fn kw_is_that_of_rfc_3394_4_6() {
        let (encrypt, decrypt) =
            keys("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
        let plain = bytes("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F");
        let mut out = vec![0; 40];
        assert_eq!(wrap(&encrypt, None, &plain, &mut out).unwrap(), 40);
        assert_eq!(
            out,
            bytes(
                "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"
            )
        );
        let mut back = vec![0; 32];
        unwrap(&decrypt, None, &out, &mut back).unwrap();
        assert_eq!(back, plain);
        assert_eq!(
            unwrap(&decrypt, Some(&[1; 8]), &out, &mut back)
                .unwrap_err()
                .code,
            Code::EncryptedDataInvalid
        );
        assert_eq!(back, [0; 32], "nothing stays behind");
    }

    #[test]
    fn kwp_is_that_of_rfc_5649_6() {
        let (encrypt, decrypt) = keys("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        for (plain, expected) in [
            (
                "c37b7e6492584340bed12207808941155068f738",
                "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
            ),
            ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
        ] {
            let (plain, expected) = (bytes(plain), bytes(expected));
            let mut out = vec![0; expected.len()];
            wrap_padded(&encrypt, None, &plain, &mut out).unwrap();
            assert_eq!(out, expected);
            for iv in [None, Some(&KWP_IV)] {
                let mut back = vec![0; expected.len() - 8];
                let len = unwrap_padded(&decrypt, iv, &expected, &mut back).unwrap();
                assert_eq!(back[..len], plain);
            }
        }
    }

    #[test]
    fn another_initial_value_unwraps_with_itself_alone() {
        let (encrypt, decrypt) = keys("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        for len in 1..40 {
            let plain: Vec<u8> = (0..len).collect();
            let mut out = vec![0; padded_len(plain.len()).unwrap()];
            wrap_padded(&encrypt, Some(b"zeqq"), &plain, &mut out).unwrap();
            let mut back = vec![0; out.len() - 8];
            let found = unwrap_padded(&decrypt, Some(b"zeqq"), &out, &mut back).unwrap();
            assert_eq!(back[..found], plain);
            for iv in [None, Some(b"zeqr")] {
                assert!(unwrap_padded(&decrypt, iv, &out, &mut back).is_err());
                assert!(back.iter().all(|b| *b == 0));
            }
            for at in 0..out.len() {
                let mut damaged = out.clone();
                damaged[at] ^= 0x80;
                assert!(unwrap_padded(&decrypt, Some(b"zeqq"), &damaged, &mut back).is_err());
            }
        }
    }

    /// Padding that is not zero, and lengths that do not fit it, sealed by who has the key.
    #[test]
    fn wrong_padding_under_the_right_key_is_refused() {
        let (encrypt, decrypt) = keys("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        for (claimed, padded) in [
            (20, [1; 24]),
            (24, [1; 24]),
            (16, [0; 24]),
            (25, [0; 24]),
            (0, [0; 24]),
            (u32::MAX, [0; 24]),
        ] {
            let iv: [u8; 8] = join(b"zeqq", &claimed.to_be_bytes());
            let mut out = [0; 32];
            wrap(&encrypt, Some(&iv), &padded, &mut out).unwrap();
            let answer = unwrap_padded(&decrypt, Some(b"zeqq"), &out, &mut [0; 24]);
            assert_eq!(answer.is_ok(), claimed == 24, "{claimed}");
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        let (encrypt, decrypt) = keys("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        for len in [0, 1, 8, 15, 17, 31] {
            assert_eq!(
                wrap(&encrypt, None, &vec![0; len], &mut [0; 64])
                    .unwrap_err()
                    .code,
                Code::DataLenRange
            );
        }
        assert_eq!(
            wrap_padded(&encrypt, None, &[], &mut [0; 64])
                .unwrap_err()
                .code,
            Code::DataLenRange
        );
        for len in [0, 8, 16, 23, 25] {
            assert_eq!(
                unwrap(&decrypt, None, &vec![0; len], &mut [0; 64])
                    .unwrap_err()
                    .code,
                Code::EncryptedDataLenRange
            );
        }
        for len in [0, 8, 15, 17, 23] {
            assert_eq!(
                unwrap_padded(&decrypt, None, &vec![0; len], &mut [0; 64])
                    .unwrap_err()
                    .code,
                Code::EncryptedDataLenRange
            );
        }
    }
}
