//! Keys from keys: HKDF (RFC 5869) and the X9.63 function (SEC 1, 3.6.1).

use aws_lc_sys::*;
use zeroize::Zeroize;

use crate::error::{Code, Result};
use crate::lc::digest::{Hash, Hasher, LONGEST};
use crate::lc::done;

/// A pseudorandom key that is wiped when it goes.
pub(crate) struct Prk {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Prk {
    pub(crate) fn expose(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Prk {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// HKDF-Extract; an empty `salt` is the default one.
pub(crate) fn hkdf_extract(hash: Hash, ikm: &[u8], salt: &[u8]) -> Result<Prk> {
    let mut prk = Prk {
        bytes: [0; LONGEST],
        len: 0,
    };
    // SAFETY: `bytes` holds the longest MAC; the inputs are readable for their lengths.
    done(unsafe {
        HKDF_extract(
            prk.bytes.as_mut_ptr(),
            &raw mut prk.len,
            hash.md(),
            ikm.as_ptr(),
            ikm.len(),
            salt.as_ptr(),
            salt.len(),
        )
    })?;
    Ok(prk)
}

/// HKDF-Expand.
///
/// # Errors
/// `CKR_KEY_SIZE_RANGE` for more than 255 digests.
pub(crate) fn hkdf_expand(hash: Hash, prk: &[u8], info: &[u8], out: &mut [u8]) -> Result<()> {
    if out.len() > 255 * hash.len() {
        return Err(Code::KeySizeRange.into());
    }
    // SAFETY: `out` is writable and the inputs are readable for their lengths.
    done(unsafe {
        HKDF_expand(
            out.as_mut_ptr(),
            out.len(),
            hash.md(),
            prk.as_ptr(),
            prk.len(),
            info.as_ptr(),
            info.len(),
        )
    })
}

/// HKDF-SHA-256, both steps; fills `out`.
///
/// # Errors
/// `CKR_KEY_SIZE_RANGE` for more than 8,160 bytes.
pub(crate) fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8], out: &mut [u8]) -> Result<()> {
    let prk = hkdf_extract(Hash::Sha256, ikm, salt)?;
    hkdf_expand(Hash::Sha256, prk.expose(), info, out)
}

/// The ANSI X9.63 key derivation function: digests of `secret`, a counter from 1, and `shared`.
///
/// # Errors
/// `CKR_KEY_SIZE_RANGE` for more than 2^32 - 1 digests.
pub(crate) fn x963(hash: Hash, secret: &[u8], shared: &[u8], out: &mut [u8]) -> Result<()> {
    let mut block = [0; LONGEST];
    for (number, part) in out.chunks_mut(hash.len()).enumerate() {
        let counter = u32::try_from(number + 1).map_err(|_| Code::KeySizeRange)?;
        let mut hasher = Hasher::new(hash)?;
        hasher.update(secret)?;
        hasher.update(&counter.to_be_bytes())?;
        hasher.update(shared)?;
        hasher.finish(&mut block)?;
        part.copy_from_slice(block.get(..part.len()).ok_or(Code::GeneralError)?);
    }
    block.zeroize();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let byte = |i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn hkdf_is_that_of_rfc_5869_cases_1_and_3() {
        let mut okm = [0; 42];
        let salt: Vec<u8> = (0..13).collect();
        let info: Vec<u8> = (0xf0..0xfa).collect();
        hkdf_sha256(&[0x0b; 22], &salt, &info, &mut okm).unwrap();
        assert_eq!(
            okm[..],
            bytes(
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
            )
        );
        hkdf_sha256(&[0x0b; 22], &[], &[], &mut okm).unwrap();
        assert_eq!(
            okm[..],
            bytes(
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
            )
        );
    }

    #[test]
    fn hkdf_gives_255_digests_and_no_more() {
        assert!(hkdf_sha256(b"k", b"", b"", &mut [0; 8160]).is_ok());
        assert_eq!(
            hkdf_sha256(b"k", b"", b"", &mut [0; 8161])
                .unwrap_err()
                .code,
            Code::KeySizeRange
        );
    }

    /// NIST CAVS 12.0, ANS X9.63-2001, SHA-256: one short block, and four blocks with SharedInfo.
    #[test]
    fn x963_is_that_of_nists_vectors() {
        for (secret, shared, expected) in [
            (
                "96c05619d56c328ab95fe84b18264b08725b85e33fd34f08",
                "",
                "443024c3dae66b95e6f5670601558f71",
            ),
            (
                "22518b10e70f2a3f243810ae3254139efbee04aa57c7af7d",
                "75eef81aa3041e33b80971203d2c0c52",
                "c498af77161cc59f2962b9a713e2b215152d139766ce34a776df11866a69bf2e52a13d9c7c6fc878c50c5ea0bc7b00e0da2447cfd874f6cf92f30d0097111485500c90c3af8b487872d04685d14c8d1dc8d7fa08beb0ce0ababc11f0bd496269142d43525a78e5bc79a17f59676a5706dc54d54d4d1f0bd7e386128ec26afc21",
            ),
        ] {
            let expected = bytes(expected);
            let mut out = vec![0; expected.len()];
            x963(Hash::Sha256, &bytes(secret), &bytes(shared), &mut out).unwrap();
            assert_eq!(out, expected);
        }
    }
}
