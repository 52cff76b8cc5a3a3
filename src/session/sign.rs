//! Signatures and MACs.
#![forbid(unsafe_code)]

use cryptoki_sys::CK_OBJECT_HANDLE;

use crate::error::Result;
use crate::mechanism::How;
use crate::session::operation::Part;
use crate::session::{Output, Session};

impl Session {
    /// `how` is read only when no signature is active.
    pub(crate) fn sign_init(
        &self,
        how: impl FnOnce() -> Result<How>,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        let token = &self.slot.token;
        self.begin(&self.signing, |by| token.sign(by, &how()?, key))
    }

    /// *Init with a NULL mechanism.
    pub(crate) fn sign_cancel(&self) -> Result<()> {
        self.signing.end()
    }

    /// Everything in one part.
    pub(crate) fn sign(&self, arguments: Result<(&[u8], Output<'_>)>) -> Result<()> {
        self.signing.through(
            self.now(Part::Whole),
            arguments,
            |sign, _| sign.len(),
            |sign, data, out| sign.whole(data, out),
        )
    }

    pub(crate) fn sign_update(&self, data: Result<&[u8]>) -> Result<()> {
        let now = self.now(Part::Update);
        self.signing.feed(now, data, |sign, data| sign.update(data))
    }

    pub(crate) fn sign_final(&self, output: Result<Output<'_>>) -> Result<()> {
        self.signing.through(
            self.now(Part::Final),
            output.map(|output| ((), output)),
            |sign, ()| sign.len(),
            |sign, (), out| sign.finish(out),
        )
    }
}
