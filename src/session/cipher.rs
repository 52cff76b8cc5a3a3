//! Encrypting and decrypting.
#![forbid(unsafe_code)]

use cryptoki_sys::CK_OBJECT_HANDLE;

use crate::error::{Code, Result};
use crate::mechanism::{Cipher, How};
use crate::session::operation::{Part, Underway};
use crate::session::{Output, Session};

/// Which of the two.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Encrypt,
    Decrypt,
}

impl Session {
    /// `how` is read only when no operation of the kind is active.
    pub(crate) fn cipher_init(
        &self,
        way: Way,
        how: impl FnOnce() -> Result<How>,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        let token = &self.slot.token;
        self.begin(self.ciphering(way), |by| match way {
            Way::Encrypt => token.encrypt(by, &how()?, key),
            Way::Decrypt => token.decrypt(by, &how()?, key),
        })
    }

    /// *Init with a NULL mechanism.
    pub(crate) fn cipher_cancel(&self, way: Way) -> Result<()> {
        self.ciphering(way).end()
    }

    /// Everything in one part.
    pub(crate) fn cipher(&self, way: Way, arguments: Result<(&[u8], Output<'_>)>) -> Result<()> {
        self.ciphering(way).through(
            self.now(Part::Whole),
            arguments,
            |cipher, input| cipher.whole_len(input.len()),
            |cipher, input, out| cipher.whole(input, out),
        )
    }

    pub(crate) fn cipher_update(
        &self,
        way: Way,
        arguments: Result<(&[u8], Output<'_>)>,
    ) -> Result<()> {
        self.ciphering(way).through(
            self.now(Part::Update),
            arguments,
            |cipher, input| cipher.update_len(input.len()),
            |cipher, input, out| cipher.update(input, out),
        )
    }

    pub(crate) fn cipher_final(&self, way: Way, output: Result<Output<'_>>) -> Result<()> {
        self.ciphering(way).through(
            self.now(Part::Final),
            output.map(|output| ((), output)),
            |cipher, ()| cipher.finish_len(),
            |cipher, (), out| cipher.finish(out),
        )
    }

    fn ciphering(&self, way: Way) -> &Underway<dyn Cipher> {
        match way {
            Way::Encrypt => &self.encrypting,
            Way::Decrypt => &self.decrypting,
        }
    }
}

impl<T: ?Sized> Underway<T> {
    /// Rule 5: *Init with a NULL mechanism ends an operation that is active.
    pub(super) fn end(&self) -> Result<()> {
        match self.cancel() {
            true => Ok(()),
            false => Err(Code::ArgumentsBad.into()),
        }
    }
}
