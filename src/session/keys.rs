//! Making, wrapping, unwrapping and deriving keys; random bytes.
#![forbid(unsafe_code)]

use cryptoki_sys::CK_OBJECT_HANDLE;

use crate::error::{Code, Result};
use crate::lc;
use crate::mechanism::How;
use crate::object::Template;
use crate::session::{Output, Session};

impl Session {
    pub(crate) fn generate(&self, how: &How, template: Template) -> Result<CK_OBJECT_HANDLE> {
        self.slot.token.generate(&self.caller(), how, template)
    }

    /// Public, then private.
    pub(crate) fn generate_pair(
        &self,
        how: &How,
        public: Template,
        private: Template,
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let token = &self.slot.token;
        token.generate_pair(&self.caller(), how, public, private)
    }

    /// The length that is asked for may be a little over what comes (rule 7).
    pub(crate) fn wrap(
        &self,
        how: &How,
        (wrapping, key): (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
        output: Output<'_>,
    ) -> Result<()> {
        let (token, by) = (&self.slot.token, self.caller());
        let most = token.wrapped_len(&by, how, wrapping, key)?;
        output.give(most, |out| {
            let wrapped = token.wrap(&by, how, wrapping, key)?;
            let place = out.get_mut(..wrapped.len()).ok_or(Code::GeneralError)?;
            place.copy_from_slice(&wrapped);
            Ok(wrapped.len())
        })
    }

    pub(crate) fn unwrap(
        &self,
        how: &How,
        unwrapping: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        let token = &self.slot.token;
        token.unwrap(&self.caller(), how, unwrapping, wrapped, template)
    }

    pub(crate) fn derive(
        &self,
        how: &How,
        base: CK_OBJECT_HANDLE,
        template: Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        let token = &self.slot.token;
        token.derive(&self.caller(), how, base, template)
    }

    /// Random bytes need no login.
    #[expect(clippy::unused_self, reason = "a sibling may give its own one day")]
    pub(crate) fn random(&self, out: &mut [u8]) {
        lc::random::fill(out);
    }
}
