//! `CKM_AES_ECB`, `CKM_AES_CBC`, `CKM_AES_CBC_PAD` (PKCS#11 3.2, 6.13.2 to 6.13.4; NIST SP 800-38A).
#![forbid(unsafe_code)]

use std::sync::Arc;

use cryptoki_sys::*;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Code, Result};
use crate::lc::cipher::{AesKey, BLOCK, Block, Direction, Ecb};
use crate::mechanism::wrapping;
use crate::mechanism::wrapping::{as_unwrap, as_wrap};
use crate::mechanism::{Cipher, Key, Mechanism, Params, SecretKey};
use crate::secret::Secret;

/// A mode that works on whole blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AesBlock {
    Ecb,
    Cbc,
    /// With PKCS#7's padding (RFC 5652, 6.3).
    CbcPad,
}

impl AesBlock {
    fn start(self, key: &Key, params: &Params, direction: Direction) -> Result<Box<dyn Cipher>> {
        Ok(Box::new(Blocks {
            mode: self.mode(key.secret()?, params, direction)?,
            direction,
            padded: self == Self::CbcPad,
            held: [0; BLOCK],
            count: 0,
        }))
    }

    fn mode(self, key: &SecretKey, params: &Params, direction: Direction) -> Result<Mode> {
        match (self, params) {
            (Self::Ecb, Params::None) => {
                let value = key.shared(CKK_AES)?;
                Ecb::new(value.expose(), direction).map(Mode::Ecb)
            }
            (Self::Cbc | Self::CbcPad, Params::Iv(iv)) => {
                let iv = iv.as_slice().try_into();
                let iv = iv.map_err(|_| Code::MechanismParamInvalid)?;
                key.aes(direction).map(|key| Mode::Cbc(key, iv))
            }
            _ => Err(Code::MechanismParamInvalid.into()),
        }
    }
}

impl Mechanism for AesBlock {
    fn encrypt(&self, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
        self.start(key, params, Direction::Encrypt)
    }

    fn decrypt(&self, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
        self.start(key, params, Direction::Decrypt)
    }

    fn wrapped_len(&self, _key: &Key, _params: &Params, plain: usize) -> Result<usize> {
        let whole = match self {
            Self::Ecb | Self::Cbc => plain.checked_next_multiple_of(BLOCK),
            Self::CbcPad => (plain / BLOCK * BLOCK).checked_add(BLOCK),
        };
        whole.ok_or_else(|| Code::KeySizeRange.into())
    }

    /// Without padding of its own a key is filled up with zeroes (PKCS#11 3.2, 6.13.3).
    fn wrap(&self, key: &Key, params: &Params, plain: &[u8]) -> Result<Vec<u8>> {
        let cipher = self.encrypt(key, params).map_err(as_wrap)?;
        if *self == Self::CbcPad || plain.len().is_multiple_of(BLOCK) {
            return wrapping::wrap(cipher, plain);
        }
        let mut filled = Secret::zeroed(plain.len().next_multiple_of(BLOCK))?;
        let (front, _) = filled
            .expose_mut()
            .split_at_mut_checked(plain.len())
            .ok_or(Code::GeneralError)?;
        front.copy_from_slice(plain);
        wrapping::wrap(cipher, filled.expose())
    }

    /// Without padding all bytes come out, the zeroes that [`Mechanism::wrap`] added among them.
    fn unwrap(&self, key: &Key, params: &Params, wrapped: &[u8]) -> Result<Secret> {
        let cipher = self.decrypt(key, params).map_err(as_unwrap)?;
        match wrapped.is_empty() {
            true => Err(Code::WrappedKeyLenRange.into()),
            false => wrapping::unwrap(cipher, wrapped),
        }
    }
}

/// What turns blocks into blocks: CBC has the block before, at first the IV.
enum Mode {
    Ecb(Ecb),
    Cbc(Arc<AesKey>, Block),
}

/// An encryption or decryption under way, with the bytes that make no block yet. A padded decryption
/// holds a whole block back, for it may be the last.
struct Blocks {
    mode: Mode,
    direction: Direction,
    padded: bool,
    held: Block,
    count: usize,
}

impl Blocks {
    /// How many of `total` bytes can be worked on before the end is known.
    fn ready(&self, total: usize) -> usize {
        let sure = match (self.padded, self.direction) {
            (true, Direction::Decrypt) => total.saturating_sub(1),
            _ => total,
        };
        sure / BLOCK * BLOCK
    }

    fn work(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        match &mut self.mode {
            Mode::Ecb(ecb) => ecb.update(input, out),
            Mode::Cbc(key, chain) => key.cbc(chain, input, out),
        }
    }

    /// Takes from the front of `input` what completes the held block, and gives the rest.
    fn hold<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let room = self.held.get_mut(self.count..).unwrap_or_default();
        let (taken, rest) = input.split_at(room.len().min(input.len()));
        for (place, byte) in room.iter_mut().zip(taken) {
            *place = *byte;
        }
        self.count += taken.len();
        rest
    }

    /// Works on the held block.
    fn release(&mut self, out: &mut [u8]) -> Result<()> {
        self.count = 0;
        let block = Zeroizing::new(self.held);
        self.work(block.as_slice(), out)
    }

    fn pad(&mut self, out: &mut [u8]) -> Result<usize> {
        let padding = BLOCK - self.count;
        let byte = u8::try_from(padding).map_err(|_| Code::GeneralError)?;
        self.hold([byte; BLOCK].get(..padding).unwrap_or_default());
        self.release(out)?;
        Ok(BLOCK)
    }

    fn unpad(&mut self, out: &mut [u8]) -> Result<usize> {
        if self.count != BLOCK {
            return Err(Code::EncryptedDataLenRange.into());
        }
        let mut last = Zeroizing::new([0; BLOCK]);
        self.release(last.as_mut_slice())?;
        let len = unpadded(&last).ok_or(Code::EncryptedDataInvalid)?;
        let place = out.get_mut(..len).ok_or(Code::GeneralError)?;
        place.copy_from_slice(last.get(..len).ok_or(Code::GeneralError)?);
        Ok(len)
    }
}

impl Cipher for Blocks {
    fn update_len(&self, input: usize) -> usize {
        self.ready(self.count.saturating_add(input))
    }

    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let ready = self.update_len(input.len());
        let out = out.get_mut(..ready).ok_or(Code::GeneralError)?;
        let (first, others) = match self.count > 0 && ready > 0 {
            true => out.split_at_mut(BLOCK),
            false => out.split_at_mut(0),
        };
        let mut rest = input;
        if !first.is_empty() {
            rest = self.hold(input);
            self.release(first)?;
        }
        let (now, later) = rest.split_at(others.len().min(rest.len()));
        self.work(now, others)?;
        self.hold(later);
        Ok(ready)
    }

    fn finish_len(&self) -> usize {
        match self.padded {
            true => BLOCK,
            false => 0,
        }
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        match (self.padded, self.direction) {
            (true, Direction::Encrypt) => self.pad(out),
            (true, Direction::Decrypt) => self.unpad(out),
            (false, _) if self.count == 0 => Ok(0),
            (false, Direction::Encrypt) => Err(Code::DataLenRange.into()),
            (false, Direction::Decrypt) => Err(Code::EncryptedDataLenRange.into()),
        }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}

/// How many bytes stay when the padding goes; found in the same steps for every block.
fn unpadded(block: &Block) -> Option<usize> {
    let [.., padding] = *block;
    let fits = (1..=16).contains(&padding);
    let wrong = (1..=16).zip(block.iter().rev()).fold(0, |all, (at, byte)| {
        let counts = 0_u8.wrapping_sub(u8::from(at <= padding));
        all | ((byte ^ padding) & counts)
    });
    match fits & (wrong == 0) {
        true => Some(BLOCK - usize::from(padding)),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_1_to_16_bytes_that_say_their_number() {
        for padding in 0..=255_u8 {
            let mut block = [0x77; BLOCK];
            let from = BLOCK.saturating_sub(usize::from(padding));
            block[from..].fill(padding);
            block[BLOCK - 1] = padding;
            let good = (1..=16).contains(&padding);
            assert_eq!(unpadded(&block), good.then_some(from), "{padding}");
            for wrong in from..BLOCK - 1 {
                let mut block = block;
                block[wrong] ^= 0x80;
                assert_eq!(unpadded(&block), None);
            }
        }
    }
}
