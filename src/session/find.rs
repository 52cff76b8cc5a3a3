//! Objects by handle, and searches (rule 19).
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::object::{Shown, Template};
use crate::session::Session;
use crate::session::operation::Operation;

/// A search: what it found when it began, and how much of it was given out.
pub(super) struct Found {
    handles: Vec<CK_OBJECT_HANDLE>,
    given: usize,
}

impl Session {
    pub(crate) fn create(&self, template: Template) -> Result<CK_OBJECT_HANDLE> {
        self.slot.token.create(&self.caller(), template)
    }

    pub(crate) fn copy(
        &self,
        object: CK_OBJECT_HANDLE,
        template: Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        self.slot.token.copy(&self.caller(), object, template)
    }

    pub(crate) fn destroy(&self, object: CK_OBJECT_HANDLE) -> Result<()> {
        self.slot.token.destroy(&self.caller(), object)
    }

    pub(crate) fn size(&self, object: CK_OBJECT_HANDLE) -> Result<CK_ULONG> {
        self.slot.token.size(&self.caller(), object)
    }

    pub(crate) fn attributes(
        &self,
        object: CK_OBJECT_HANDLE,
        asked: &mut dyn Iterator<Item = CK_ATTRIBUTE_TYPE>,
        show: &mut dyn FnMut(CK_ATTRIBUTE_TYPE, Result<Shown<'_>, Code>),
    ) -> Result<()> {
        let token = &self.slot.token;
        token.attributes(&self.caller(), object, asked, show)
    }

    pub(crate) fn set_attributes(
        &self,
        object: CK_OBJECT_HANDLE,
        template: Template,
    ) -> Result<()> {
        let token = &self.slot.token;
        token.set_attributes(&self.caller(), object, template)
    }

    pub(crate) fn find_init(&self, template: &Template) -> Result<()> {
        self.finding.start(self.slot.logouts(), || {
            let handles = self.slot.token.find(&self.caller(), template)?;
            Ok(Operation::new(Box::new(Found { handles, given: 0 })))
        })
    }

    /// Hands out up to `most` handles more, each with its place, from 0.
    pub(crate) fn find(
        &self,
        most: usize,
        mut give: impl FnMut(usize, CK_OBJECT_HANDLE) -> Result<()>,
    ) -> Result<usize> {
        self.finding.look(|found| {
            let rest = found.handles.get(found.given..).unwrap_or_default();
            let count = rest.len().min(most);
            for (place, handle) in rest.iter().take(count).enumerate() {
                give(place, *handle)?;
            }
            found.given += count;
            Ok(count)
        })
    }

    pub(crate) fn find_final(&self) -> Result<()> {
        match self.finding.cancel() {
            true => Ok(()),
            false => Err(Code::OperationNotInitialized.into()),
        }
    }
}
