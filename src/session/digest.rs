//! Digesting.
#![forbid(unsafe_code)]

use cryptoki_sys::CK_OBJECT_HANDLE;

use crate::error::Result;
use crate::mechanism;
use crate::mechanism::How;
use crate::session::operation::{Operation, Part};
use crate::session::{Output, Session};

impl Session {
    /// `how` is read only when no digest is active.
    pub(crate) fn digest_init(&self, how: impl FnOnce() -> Result<How>) -> Result<()> {
        self.digesting.start(self.slot.logouts(), || {
            self.slot.token.still_ours()?;
            let how = how()?;
            let line = mechanism::find(how.kind)?;
            Ok(Operation::new(line.does.digest(&how.params)?))
        })
    }

    /// *Init with a NULL mechanism.
    pub(crate) fn digest_cancel(&self) -> Result<()> {
        self.digesting.end()
    }

    /// Everything in one part.
    pub(crate) fn digest(&self, arguments: Result<(&[u8], Output<'_>)>) -> Result<()> {
        self.digesting.through(
            self.now(Part::Whole),
            arguments,
            |digest, _| digest.len(),
            |digest, data, out| {
                digest.update(data)?;
                digest.finish(out)
            },
        )
    }

    pub(crate) fn digest_update(&self, data: Result<&[u8]>) -> Result<()> {
        let now = self.now(Part::Update);
        self.digesting
            .feed(now, data, |digest, data| digest.update(data))
    }

    /// Digests a secret key's value.
    pub(crate) fn digest_key(&self, key: CK_OBJECT_HANDLE) -> Result<()> {
        let token = &self.slot.token;
        self.digesting
            .feed(self.now(Part::Update), Ok(key), |digest, key| {
                token.digest_key(&self.caller(), key, digest)
            })
    }

    pub(crate) fn digest_final(&self, output: Result<Output<'_>>) -> Result<()> {
        self.digesting.through(
            self.now(Part::Final),
            output.map(|output| ((), output)),
            |digest, ()| digest.len(),
            |digest, (), out| digest.finish(out),
        )
    }
}
