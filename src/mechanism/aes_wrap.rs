//! `CKM_AES_KEY_WRAP` (RFC 3394), `CKM_AES_KEY_WRAP_PAD` and `CKM_AES_KEY_WRAP_KWP` (RFC 5649; rule
//! 38), as PKCS#11 3.2, 6.13.12 to 6.13.14 have them.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::error::{Code, Result};
use crate::lc::cipher::{AesKey, Direction};
use crate::lc::keywrap;
use crate::lc::keywrap::SEMIBLOCK;
use crate::mechanism::gathered::Gathered;
use crate::mechanism::wrapping::{as_unwrap, as_wrap, front, zeroed};
use crate::mechanism::{Cipher, Key, Mechanism, Params};
use crate::secret::Secret;

/// Key wrap, without or with padding.
#[derive(Clone, Copy)]
pub(super) enum AesWrap {
    Kw,
    Kwp,
}

impl AesWrap {
    fn form(self, params: &Params) -> Result<Form> {
        match (self, params) {
            (Self::Kw, Params::None) => Ok(Form::Kw(None)),
            (Self::Kwp, Params::None) => Ok(Form::Kwp(None)),
            (Self::Kw, Params::Iv(iv)) => iv.as_slice().try_into().map(|iv| Form::Kw(Some(iv))),
            (Self::Kwp, Params::Iv(iv)) => iv.as_slice().try_into().map(|iv| Form::Kwp(Some(iv))),
            _ => return Err(Code::MechanismParamInvalid.into()),
        }
        .map_err(|_| Code::MechanismParamInvalid.into())
    }

    fn start(self, key: &Key, params: &Params, direction: Direction) -> Result<Box<dyn Cipher>> {
        Ok(Box::new(Wrapping {
            key: key.secret()?.aes(direction)?,
            form: self.form(params)?,
            direction,
            gathered: Gathered::default(),
        }))
    }

    fn wrapped(self, key: &Key, params: &Params, plain: &[u8]) -> Result<Vec<u8>> {
        let form = self.form(params)?;
        let key = key.secret()?.aes(Direction::Encrypt)?;
        let len = form.wrapped_len(plain.len()).ok_or(Code::DataLenRange)?;
        let mut out = zeroed(len)?;
        form.wrap(&key, plain, &mut out)?;
        Ok(out)
    }

    fn unwrapped(self, key: &Key, params: &Params, wrapped: &[u8]) -> Result<Secret> {
        let form = self.form(params)?;
        let key = key.secret()?.aes(Direction::Decrypt)?;
        let mut out = Secret::zeroed(wrapped.len().saturating_sub(SEMIBLOCK))?;
        let len = form.unwrap(&key, wrapped, out.expose_mut())?;
        front(out, len)
    }
}

impl Mechanism for AesWrap {
    fn encrypt(&self, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
        self.start(key, params, Direction::Encrypt)
    }

    fn decrypt(&self, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
        self.start(key, params, Direction::Decrypt)
    }

    fn wrapped_len(&self, _key: &Key, params: &Params, plain: usize) -> Result<usize> {
        let len = self.form(params)?.wrapped_len(plain);
        len.ok_or_else(|| Code::KeySizeRange.into())
    }

    fn wrap(&self, key: &Key, params: &Params, plain: &[u8]) -> Result<Vec<u8>> {
        self.wrapped(key, params, plain).map_err(as_wrap)
    }

    fn unwrap(&self, key: &Key, params: &Params, wrapped: &[u8]) -> Result<Secret> {
        self.unwrapped(key, params, wrapped).map_err(as_unwrap)
    }
}

/// The function and its initial value; `None` is the RFC's.
#[derive(Clone, Copy)]
enum Form {
    Kw(Option<[u8; SEMIBLOCK]>),
    Kwp(Option<[u8; 4]>),
}

impl Form {
    fn wrapped_len(&self, plain: usize) -> Option<usize> {
        match self {
            Self::Kw(_) => keywrap::wrapped_len(plain),
            Self::Kwp(_) => keywrap::padded_len(plain),
        }
    }

    fn wrap(&self, key: &AesKey, plain: &[u8], out: &mut [u8]) -> Result<usize> {
        match self {
            Self::Kw(iv) => keywrap::wrap(key, iv.as_ref(), plain, out),
            Self::Kwp(iv) => keywrap::wrap_padded(key, iv.as_ref(), plain, out),
        }
    }

    fn unwrap(&self, key: &AesKey, wrapped: &[u8], out: &mut [u8]) -> Result<usize> {
        match self {
            Self::Kw(iv) => keywrap::unwrap(key, iv.as_ref(), wrapped, out),
            Self::Kwp(iv) => keywrap::unwrap_padded(key, iv.as_ref(), wrapped, out),
        }
    }
}

/// Key wrap of data, by `C_Encrypt` and `C_Decrypt`; all parts are needed before any can be given.
struct Wrapping {
    key: Arc<AesKey>,
    form: Form,
    direction: Direction,
    gathered: Gathered,
}

impl Wrapping {
    fn work(&self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        match self.direction {
            Direction::Encrypt => self.form.wrap(&self.key, input, out),
            Direction::Decrypt => self.form.unwrap(&self.key, input, out),
        }
    }
}

impl Cipher for Wrapping {
    fn update_len(&self, _input: usize) -> usize {
        0
    }

    fn update(&mut self, input: &[u8], _out: &mut [u8]) -> Result<usize> {
        self.gathered.push(input).map(|()| 0)
    }

    fn finish_len(&self) -> usize {
        self.whole_len(self.gathered.len())
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        self.work(self.gathered.bytes(), out)
    }

    fn whole_len(&self, input: usize) -> usize {
        match self.direction {
            Direction::Encrypt => self.form.wrapped_len(input).unwrap_or(0),
            Direction::Decrypt => input.saturating_sub(SEMIBLOCK),
        }
    }

    fn whole(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.work(input, out)
    }
}
