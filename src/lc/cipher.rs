//! AES by the block and by the stream. CBC and CTR share a schedule that is made once and keep their
//! state with the operation; ECB and GCM of many parts have a context. GCM in one part is `lc/aead.rs`.

use std::ffi::{c_int, c_void};
use std::ptr::{NonNull, null, null_mut};

use aws_lc_sys::*;

use crate::error::{Code, Result};
use crate::lc::Flat;
use crate::lc::done;

/// AES's block in bytes.
pub(crate) const BLOCK: usize = 16;

/// A block.
pub(crate) type Block = [u8; BLOCK];

/// An AES key's schedule in one direction. It is not changed by use.
pub(crate) struct AesKey {
    schedule: AES_KEY,
    direction: Direction,
}

/// What a schedule is for; CTR encrypts both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Encrypt,
    Decrypt,
}

impl AesKey {
    /// # Errors
    /// `CKR_KEY_SIZE_RANGE` for a key that is not of 16, 24 or 32 bytes.
    pub(crate) fn new(key: &[u8], direction: Direction) -> Result<Self> {
        let bits = match key.len() {
            16 => 128,
            24 => 192,
            32 => 256,
            _ => return Err(Code::KeySizeRange.into()),
        };
        let set = match direction {
            Direction::Encrypt => AES_set_encrypt_key,
            Direction::Decrypt => AES_set_decrypt_key,
        };
        let mut this = Self {
            schedule: AES_KEY::zeroed(),
            direction,
        };
        // SAFETY: a readable key of `bits` bits, a writable schedule; 0 is success here.
        match unsafe { set(key.as_ptr(), bits, &raw mut this.schedule) } {
            0 => Ok(this),
            _ => Err(Code::GeneralError.into()),
        }
    }

    /// The schedule, for a caller in `lc` that needs it in this direction.
    pub(super) fn schedule(&self, direction: Direction) -> Result<*const AES_KEY> {
        match self.direction == direction {
            true => Ok(&raw const self.schedule),
            false => Err(Code::GeneralError.into()),
        }
    }

    /// One block.
    pub(crate) fn block(&self, input: &Block) -> Block {
        let mut out = [0; BLOCK];
        let work = match self.direction {
            Direction::Encrypt => AES_encrypt,
            Direction::Decrypt => AES_decrypt,
        };
        // SAFETY: a block is readable, a block is writable, the schedule is of this direction.
        unsafe { work(input.as_ptr(), out.as_mut_ptr(), &raw const self.schedule) };
        out
    }

    /// Whole blocks, each chained to the one before; `chain` is the IV, then the last ciphertext.
    ///
    /// # Errors
    /// `CKR_GENERAL_ERROR` where `out` is shorter than `input`, or `input` is no whole blocks.
    pub(crate) fn cbc(&self, chain: &mut Block, input: &[u8], out: &mut [u8]) -> Result<()> {
        if !input.len().is_multiple_of(BLOCK) || out.len() < input.len() {
            return Err(Code::GeneralError.into());
        }
        let direction = match self.direction {
            Direction::Encrypt => AES_ENCRYPT,
            Direction::Decrypt => AES_DECRYPT,
        };
        // SAFETY: whole blocks are readable, as many bytes are writable and do not overlap them, a
        // block of chain is writable, the schedule is of this direction.
        unsafe {
            AES_cbc_encrypt(
                input.as_ptr(),
                out.as_mut_ptr(),
                input.len(),
                &raw const self.schedule,
                chain.as_mut_ptr(),
                direction,
            );
        }
        Ok(())
    }
}

impl Drop for AesKey {
    fn drop(&mut self) {
        self.schedule.wipe();
    }
}

/// CTR's place in its key stream. The whole block counts: who wants a shorter counter watches that
/// it does not wrap.
pub(crate) struct Counter {
    block: Block,
    stream: Block,
    used: u32,
}

impl Counter {
    pub(crate) fn new(block: Block) -> Self {
        Self {
            block,
            stream: [0; BLOCK],
            used: 0,
        }
    }

    /// Encrypts or decrypts the next bytes.
    ///
    /// # Errors
    /// `CKR_GENERAL_ERROR` where `out` is shorter than `input`, or for a decrypting schedule.
    pub(crate) fn apply(&mut self, key: &AesKey, input: &[u8], out: &mut [u8]) -> Result<()> {
        if out.len() < input.len() {
            return Err(Code::GeneralError.into());
        }
        let schedule = key.schedule(Direction::Encrypt)?;
        // SAFETY: `input` is readable, as many bytes of `out` are writable and do not overlap them;
        // counter and key stream are blocks, `used` is below 16 as aws-lc left it.
        unsafe {
            AES_ctr128_encrypt(
                input.as_ptr(),
                out.as_mut_ptr(),
                input.len(),
                schedule,
                self.block.as_mut_ptr(),
                self.stream.as_mut_ptr(),
                &raw mut self.used,
            );
        }
        Ok(())
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.stream.wipe();
    }
}

/// An `EVP_CIPHER_CTX`: what aws-lc has no plainer call for.
struct Context(NonNull<EVP_CIPHER_CTX>);

// SAFETY: the context is owned, has no ties to a thread, and is changed through `&mut` only.
unsafe impl Send for Context {}

impl Context {
    fn new() -> Result<Self> {
        // SAFETY: takes nothing.
        let context = NonNull::new(unsafe { EVP_CIPHER_CTX_new() });
        context.map(Self).ok_or_else(|| Code::HostMemory.into())
    }

    /// NULL leaves what was set before; key and IV are as long as the cipher has them.
    fn init(
        &mut self,
        cipher: *const EVP_CIPHER,
        key: *const u8,
        iv: *const u8,
        direction: Direction,
    ) -> Result<()> {
        let encrypt = c_int::from(direction == Direction::Encrypt);
        // SAFETY: a context of ours, a static cipher or NULL; key and IV are NULL or long enough.
        done(unsafe { EVP_CipherInit_ex(self.0.as_ptr(), cipher, null_mut(), key, iv, encrypt) })
    }

    fn control(&mut self, command: c_int, number: c_int, pointer: *mut c_void) -> Result<()> {
        // SAFETY: an initialised context; `pointer` is NULL or writable for `number` bytes.
        done(unsafe { EVP_CIPHER_CTX_ctrl(self.0.as_ptr(), command, number, pointer) })
    }

    /// Works on the input, whole blocks where the mode has blocks; as much comes out, unless `out`
    /// is NULL and the input GCM's associated data. aws-lc counts in `int`.
    fn feed(&mut self, input: &[u8], out: *mut u8) -> Result<()> {
        const MOST: usize = 1 << 30;
        let mut place = out;
        for part in input.chunks(MOST) {
            let len = c_int::try_from(part.len()).map_err(|_| Code::GeneralError)?;
            let mut count = 0;
            // SAFETY: the context is initialised, `part` readable, `place` NULL or with room for
            // what is left of the input.
            done(unsafe {
                EVP_CipherUpdate(self.0.as_ptr(), place, &raw mut count, part.as_ptr(), len)
            })?;
            if !place.is_null() {
                // The end of this part, which is at most the end of `out`.
                place = place.wrapping_add(part.len());
            }
        }
        Ok(())
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by EVP_CIPHER_CTX_new and freed here alone; aws-lc wipes what it frees.
        unsafe { EVP_CIPHER_CTX_free(self.0.as_ptr()) };
    }
}

/// ECB in one direction.
pub(crate) struct Ecb(Context);

impl Ecb {
    /// # Errors
    /// `CKR_KEY_SIZE_RANGE`, `CKR_HOST_MEMORY`.
    pub(crate) fn new(key: &[u8], direction: Direction) -> Result<Self> {
        let ciphers: Ciphers = [EVP_aes_128_ecb, EVP_aes_192_ecb, EVP_aes_256_ecb];
        let mut context = Context::new()?;
        context.init(of_size(ciphers, key)?, key.as_ptr(), null(), direction)?;
        // SAFETY: an initialised context; aws-lc pads unless it is told not to.
        done(unsafe { EVP_CIPHER_CTX_set_padding(context.0.as_ptr(), 0) })?;
        Ok(Self(context))
    }

    /// Whole blocks, each by itself.
    ///
    /// # Errors
    /// `CKR_GENERAL_ERROR` where `out` is shorter than `input`, or `input` is no whole blocks.
    pub(crate) fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        if !input.len().is_multiple_of(BLOCK) || out.len() < input.len() {
            return Err(Code::GeneralError.into());
        }
        self.0.feed(input, out.as_mut_ptr())
    }
}

/// A GCM encryption of many parts.
pub(crate) struct GcmStream(Context);

impl GcmStream {
    /// An IV of any length but 0.
    ///
    /// # Errors
    /// `CKR_KEY_SIZE_RANGE`, `CKR_HOST_MEMORY`; `CKR_GENERAL_ERROR` for what aws-lc refuses.
    pub(crate) fn encrypt(key: &[u8], iv: &[u8], aad: &[u8]) -> Result<Self> {
        let ciphers: Ciphers = [EVP_aes_128_gcm, EVP_aes_192_gcm, EVP_aes_256_gcm];
        let iv_len = c_int::try_from(iv.len()).map_err(|_| Code::GeneralError)?;
        let mut context = Context::new()?;
        context.init(of_size(ciphers, key)?, null(), null(), Direction::Encrypt)?;
        context.control(EVP_CTRL_GCM_SET_IVLEN, iv_len, null_mut())?;
        context.init(null(), key.as_ptr(), iv.as_ptr(), Direction::Encrypt)?;
        context.feed(aad, null_mut())?;
        Ok(Self(context))
    }

    /// As many bytes as came in.
    ///
    /// # Errors
    /// `CKR_GENERAL_ERROR` where `out` is shorter than `input`, `CKR_DATA_LEN_RANGE` for more than
    /// GCM can take.
    pub(crate) fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        if out.len() < input.len() {
            return Err(Code::GeneralError.into());
        }
        let fed = self.0.feed(input, out.as_mut_ptr());
        fed.map_err(|_| Code::DataLenRange)?;
        Ok(input.len())
    }

    /// The whole tag.
    pub(crate) fn finish(&mut self) -> Result<Block> {
        let (mut nothing, mut len, mut tag) = ([0; BLOCK], 0, [0; BLOCK]);
        let context = self.0.0.as_ptr();
        // SAFETY: the context is initialised; GCM writes nothing here, and there is a block's room.
        done(unsafe { EVP_CipherFinal_ex(context, nothing.as_mut_ptr(), &raw mut len) })?;
        self.0
            .control(EVP_CTRL_GCM_GET_TAG, 16, tag.as_mut_ptr().cast())?;
        Ok(tag)
    }
}

/// A mode's ciphers for keys of 128, 192 and 256 bits.
type Ciphers = [unsafe extern "C" fn() -> *const EVP_CIPHER; 3];

fn of_size([small, middle, large]: Ciphers, key: &[u8]) -> Result<*const EVP_CIPHER> {
    let cipher = match key.len() {
        16 => small,
        24 => middle,
        32 => large,
        _ => return Err(Code::KeySizeRange.into()),
    };
    // SAFETY: takes nothing and gives a static.
    Ok(unsafe { cipher() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let byte = |i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    /// NIST SP 800-38A, appendix F: the plaintext of all its examples, and the AES-256 key.
    const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
    const KEY: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";

    fn key(direction: Direction) -> AesKey {
        AesKey::new(&bytes(KEY), direction).unwrap()
    }

    #[test]
    fn ecb_is_that_of_sp_800_38a_f_1_5() {
        let expected = bytes(
            "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7",
        );
        let mut out = vec![0; 64];
        let ecb = |direction| Ecb::new(&bytes(KEY), direction).unwrap();
        ecb(Direction::Encrypt)
            .update(&bytes(PLAIN), &mut out)
            .unwrap();
        assert_eq!(out, expected);
        ecb(Direction::Decrypt).update(&expected, &mut out).unwrap();
        assert_eq!(out, bytes(PLAIN));
    }

    #[test]
    fn cbc_is_that_of_sp_800_38a_f_2_5_in_one_call_and_in_four() {
        let expected = bytes(
            "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
        );
        let iv: Block = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let (mut out, mut chain) = (vec![0; 64], iv);
        key(Direction::Encrypt)
            .cbc(&mut chain, &bytes(PLAIN), &mut out)
            .unwrap();
        assert_eq!(out, expected);
        let mut chain = iv;
        for (sealed, plain) in expected.chunks(16).zip(bytes(PLAIN).chunks(16)) {
            let mut out = [0; 16];
            key(Direction::Decrypt)
                .cbc(&mut chain, sealed, &mut out)
                .unwrap();
            assert_eq!(out, plain);
        }
    }

    #[test]
    fn ctr_is_that_of_sp_800_38a_f_5_5_in_uneven_parts() {
        let expected = bytes(
            "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6",
        );
        let start: Block = std::array::from_fn(|i| 0xf0 + u8::try_from(i).unwrap());
        let mut counter = Counter::new(start);
        let (key, plain, mut out) = (key(Direction::Encrypt), bytes(PLAIN), vec![0; 64]);
        for (from, to) in [(0, 1), (1, 17), (17, 17), (17, 50), (50, 64)] {
            counter
                .apply(&key, &plain[from..to], &mut out[from..to])
                .unwrap();
        }
        assert_eq!(out, expected);
    }

    #[test]
    fn a_stream_and_one_part_give_the_same_gcm() {
        for (iv, len) in [(12, 0), (12, 100), (1, 33), (60, 4096)] {
            let (iv, plain) = (vec![5; iv], vec![6; len]);
            let mut whole = vec![0; len + 16];
            let one = crate::lc::aead::Gcm::new(&bytes(KEY), 16).unwrap();
            one.seal(&iv, b"aad", &plain, &mut whole).unwrap();
            let mut stream = GcmStream::encrypt(&bytes(KEY), &iv, b"aad").unwrap();
            let mut out = vec![0; len];
            let cut = len / 3;
            stream.update(&plain[..cut], &mut out[..cut]).unwrap();
            stream.update(&plain[cut..], &mut out[cut..]).unwrap();
            out.extend(stream.finish().unwrap());
            assert_eq!(out, whole);
        }
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        let key = key(Direction::Encrypt);
        let mut ecb = Ecb::new(&bytes(KEY), Direction::Encrypt).unwrap();
        assert!(ecb.update(&[0; 15], &mut [0; 32]).is_err());
        assert!(ecb.update(&[0; 32], &mut [0; 31]).is_err());
        assert!(key.cbc(&mut [0; 16], &[0; 17], &mut [0; 32]).is_err());
        assert!(key.cbc(&mut [0; 16], &[0; 32], &mut [0; 31]).is_err());
        assert!(
            Counter::new([0; 16])
                .apply(&key, &[0; 2], &mut [0; 1])
                .is_err()
        );
        assert!(AesKey::new(&[0; 20], Direction::Encrypt).is_err());
    }
}
