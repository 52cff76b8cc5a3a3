//! `CKM_AES_CTR` (PKCS#11 3.2, 6.13.5; NIST SP 800-38A, 6.5).
#![forbid(unsafe_code)]

use std::sync::Arc;

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::lc::cipher::{AesKey, BLOCK, Block, Counter, Direction};
use crate::mechanism::wrapping;
use crate::mechanism::wrapping::{as_unwrap, as_wrap};
use crate::mechanism::{Cipher, Key, Mechanism, Params};
use crate::secret::Secret;

/// CTR with the last `ulCounterBits` of the block counting.
pub(super) struct AesCtr;

impl AesCtr {
    fn start(key: &Key, params: &Params, too_long: Code) -> Result<Box<dyn Cipher>> {
        let Params::Ctr { bits, block } = params else {
            return Err(Code::MechanismParamInvalid.into());
        };
        Ok(Box::new(Stream {
            left: left(*bits, block)?,
            key: key.secret()?.aes(Direction::Encrypt)?,
            counter: Counter::new(*block),
            too_long,
        }))
    }
}

impl Mechanism for AesCtr {
    fn encrypt(&self, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
        Self::start(key, params, Code::DataLenRange)
    }

    fn decrypt(&self, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
        Self::start(key, params, Code::EncryptedDataLenRange)
    }

    fn wrapped_len(&self, _key: &Key, _params: &Params, plain: usize) -> Result<usize> {
        Ok(plain)
    }

    fn wrap(&self, key: &Key, params: &Params, plain: &[u8]) -> Result<Vec<u8>> {
        wrapping::wrap(self.encrypt(key, params).map_err(as_wrap)?, plain)
    }

    fn unwrap(&self, key: &Key, params: &Params, wrapped: &[u8]) -> Result<Secret> {
        wrapping::unwrap(self.decrypt(key, params).map_err(as_unwrap)?, wrapped)
    }
}

/// How many bytes a counter can serve before it comes round to a value that it had, or would carry
/// into the nonce before it; `None` where no host lives to see it.
fn left(bits: CK_ULONG, block: &Block) -> Result<Option<u128>> {
    match u32::try_from(bits) {
        Ok(128) => Ok(None),
        Ok(bits @ 1..128) => {
            let all = 1_u128 << bits;
            let used = u128::from_be_bytes(*block) % all;
            Ok((all - used).checked_mul(BLOCK as u128))
        }
        _ => Err(Code::MechanismParamInvalid.into()),
    }
}

struct Stream {
    key: Arc<AesKey>,
    counter: Counter,
    left: Option<u128>,
    too_long: Code,
}

impl Stream {
    fn spend(&mut self, len: usize) -> Result<()> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(len as u128).ok_or(self.too_long)?;
        }
        Ok(())
    }
}

impl Cipher for Stream {
    fn update_len(&self, input: usize) -> usize {
        input
    }

    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.spend(input.len())?;
        self.counter.apply(&self.key, input, out)?;
        Ok(input.len())
    }

    fn finish_len(&self) -> usize {
        0
    }

    fn finish(&mut self, _out: &mut [u8]) -> Result<usize> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_serves_as_many_blocks_as_it_has_values_left() {
        let mut block = [0xff; BLOCK];
        block[15] = 0xfd;
        let served = |bits| left(bits, &block).map_err(|e| e.code);
        assert_eq!(served(0), Err(Code::MechanismParamInvalid));
        assert_eq!(served(1), Ok(Some(16)));
        assert_eq!(served(2), Ok(Some(48)));
        assert_eq!(served(8), Ok(Some(48)));
        assert_eq!(served(127), Ok(Some(48)));
        assert_eq!(served(128), Ok(None));
        assert_eq!(served(129), Err(Code::MechanismParamInvalid));
        assert_eq!(served(CK_ULONG::MAX), Err(Code::MechanismParamInvalid));
        assert_eq!(left(32, &[0; BLOCK]).unwrap(), Some(1 << 36));
        assert_eq!(left(127, &[0; BLOCK]).unwrap(), None);
    }
}
