//! Verifying signatures and MACs.
#![forbid(unsafe_code)]

use cryptoki_sys::CK_OBJECT_HANDLE;

use crate::error::Result;
use crate::mechanism::How;
use crate::session::Session;
use crate::session::operation::Part;

impl Session {
    /// `how` is read only when no verification is active.
    pub(crate) fn verify_init(
        &self,
        how: impl FnOnce() -> Result<How>,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        let token = &self.slot.token;
        self.begin(&self.verifying, |by| token.verify(by, &how()?, key))
    }

    /// *Init with a NULL mechanism.
    pub(crate) fn verify_cancel(&self) -> Result<()> {
        self.verifying.end()
    }

    /// Data and signature, in one part.
    pub(crate) fn verify(&self, arguments: Result<(&[u8], &[u8])>) -> Result<()> {
        let now = self.now(Part::Whole);
        self.verifying
            .feed(now, arguments, |verify, (data, signature)| {
                verify.whole(data, signature)
            })
    }

    pub(crate) fn verify_update(&self, data: Result<&[u8]>) -> Result<()> {
        let now = self.now(Part::Update);
        self.verifying
            .feed(now, data, |verify, data| verify.update(data))
    }

    pub(crate) fn verify_final(&self, signature: Result<&[u8]>) -> Result<()> {
        let now = self.now(Part::Final);
        self.verifying
            .feed(now, signature, |verify, signature| verify.finish(signature))
    }
}
