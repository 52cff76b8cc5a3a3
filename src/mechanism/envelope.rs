//! `CKM_ZEQ_ENVELOPE`: listed here, done by `object/kek.rs`. It is a KEK's alone; with any other key
//! it is `CKR_KEY_TYPE_INCONSISTENT`.
#![forbid(unsafe_code)]

use crate::error::{Code, Result};
use crate::mechanism::{Cipher, Key, Mechanism, Params};
use crate::secret::Secret;

pub(super) struct Envelope;

impl Mechanism for Envelope {
    fn encrypt(&self, _key: &Key, _params: &Params) -> Result<Box<dyn Cipher>> {
        Err(Code::KeyTypeInconsistent.into())
    }

    fn decrypt(&self, _key: &Key, _params: &Params) -> Result<Box<dyn Cipher>> {
        Err(Code::KeyTypeInconsistent.into())
    }

    fn wrapped_len(&self, _key: &Key, _params: &Params, _plain: usize) -> Result<usize> {
        Err(Code::WrappingKeyTypeInconsistent.into())
    }

    fn wrap(&self, _key: &Key, _params: &Params, _plain: &[u8]) -> Result<Vec<u8>> {
        Err(Code::WrappingKeyTypeInconsistent.into())
    }

    fn unwrap(&self, _key: &Key, _params: &Params, _wrapped: &[u8]) -> Result<Secret> {
        Err(Code::UnwrappingKeyTypeInconsistent.into())
    }
}
