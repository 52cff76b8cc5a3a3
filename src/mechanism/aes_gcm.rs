//! `CKM_AES_GCM` (PKCS#11 3.2, 6.13.6; NIST SP 800-38D). One part goes through a context that the
//! key keeps and threads share. Many parts are encrypted as they come; decrypted they are held back
//! until the tag was checked.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::error::{Code, Result};
use crate::lc::aead::{Gcm, TAG};
use crate::lc::cipher::GcmStream;
use crate::mechanism::gathered::Gathered;
use crate::mechanism::wrapping;
use crate::mechanism::wrapping::{as_unwrap, as_wrap};
use crate::mechanism::{Cipher, Key, Mechanism, Params};
use crate::secret::Secret;

/// GCM with the host's IV of any length but 0, and tags of 4 to 16 bytes.
pub(super) struct AesGcm;

impl Mechanism for AesGcm {
    fn encrypt(&self, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
        Ok(Box::new(Sealing {
            value: key.secret()?.shared(cryptoki_sys::CKK_AES)?,
            of: Message::new(key, params)?,
            stream: None,
        }))
    }

    fn decrypt(&self, key: &Key, params: &Params) -> Result<Box<dyn Cipher>> {
        Ok(Box::new(Opening {
            of: Message::new(key, params)?,
            gathered: Gathered::default(),
        }))
    }

    fn wrapped_len(&self, _key: &Key, params: &Params, plain: usize) -> Result<usize> {
        let whole = plain.checked_add(parts(params)?.tag);
        whole.ok_or_else(|| Code::KeySizeRange.into())
    }

    fn wrap(&self, key: &Key, params: &Params, plain: &[u8]) -> Result<Vec<u8>> {
        wrapping::wrap(self.encrypt(key, params).map_err(as_wrap)?, plain)
    }

    fn unwrap(&self, key: &Key, params: &Params, wrapped: &[u8]) -> Result<Secret> {
        wrapping::unwrap(self.decrypt(key, params).map_err(as_unwrap)?, wrapped)
    }
}

/// `CK_GCM_PARAMS`, checked.
struct Parts<'a> {
    iv: &'a [u8],
    aad: &'a [u8],
    tag: usize,
}

fn parts(params: &Params) -> Result<Parts<'_>> {
    let Params::Gcm { iv, aad, tag_bits } = params else {
        return Err(Code::MechanismParamInvalid.into());
    };
    match usize::try_from(*tag_bits) {
        Ok(bits @ 32..=128) if bits % 8 == 0 && !iv.is_empty() => {
            let tag = bits / 8;
            Ok(Parts { iv, aad, tag })
        }
        _ => Err(Code::MechanismParamInvalid.into()),
    }
}

/// What one message needs.
struct Message {
    gcm: Arc<Gcm>,
    iv: Iv,
    aad: Vec<u8>,
    tag: usize,
}

impl Message {
    fn new(key: &Key, params: &Params) -> Result<Self> {
        let Parts { iv, aad, tag } = parts(params)?;
        Ok(Self {
            gcm: key.secret()?.gcm(tag)?,
            iv: Iv::new(iv),
            aad: aad.to_vec(),
            tag,
        })
    }
}

/// An IV; the one that nearly all use costs no allocation.
enum Iv {
    Usual([u8; 12]),
    Other(Vec<u8>),
}

impl Iv {
    fn new(iv: &[u8]) -> Self {
        match iv.try_into() {
            Ok(usual) => Self::Usual(usual),
            Err(_) => Self::Other(iv.to_vec()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Usual(iv) => iv,
            Self::Other(iv) => iv,
        }
    }
}

struct Sealing {
    value: Arc<Secret>,
    of: Message,
    /// From the first part of many on.
    stream: Option<GcmStream>,
}

impl Sealing {
    fn stream(&mut self) -> Result<&mut GcmStream> {
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => GcmStream::encrypt(self.value.expose(), self.of.iv.bytes(), &self.of.aad)?,
        };
        Ok(self.stream.insert(stream))
    }
}

impl Cipher for Sealing {
    fn update_len(&self, input: usize) -> usize {
        input
    }

    fn update(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.stream()?.update(input, out)
    }

    fn finish_len(&self) -> usize {
        self.of.tag
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let len = self.of.tag;
        let out = out.get_mut(..len).ok_or(Code::GeneralError)?;
        let tag: [u8; TAG] = self.stream()?.finish()?;
        out.copy_from_slice(tag.get(..len).ok_or(Code::GeneralError)?);
        Ok(len)
    }

    fn whole(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        let Message { gcm, iv, aad, .. } = &self.of;
        gcm.seal(iv.bytes(), aad, input, out)
    }
}

struct Opening {
    of: Message,
    gathered: Gathered,
}

impl Opening {
    fn open(&self, sealed: &[u8], out: &mut [u8]) -> Result<usize> {
        let Message { gcm, iv, aad, tag } = &self.of;
        let len = sealed.len().checked_sub(*tag);
        let len = len.ok_or(Code::EncryptedDataLenRange)?;
        let out = out.get_mut(..len).ok_or(Code::GeneralError)?;
        gcm.open(iv.bytes(), aad, sealed, out)
    }
}

impl Cipher for Opening {
    fn update_len(&self, _input: usize) -> usize {
        0
    }

    fn update(&mut self, input: &[u8], _out: &mut [u8]) -> Result<usize> {
        self.gathered.push(input).map(|()| 0)
    }

    fn finish_len(&self) -> usize {
        self.gathered.len().saturating_sub(self.of.tag)
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        self.open(self.gathered.bytes(), out)
    }

    fn whole_len(&self, input: usize) -> usize {
        input.saturating_sub(self.of.tag)
    }

    fn whole(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.open(input, out)
    }
}
