//! Operations begin here: handle, login, usage, allowed mechanisms and window are checked, then a
//! mechanism gets the opened key.
#![forbid(unsafe_code)]

use std::sync::Arc;

use cryptoki_sys::*;

use super::attribute::{Attributes, Value};
use super::heap::Object;
use super::{Begun, Caller, Token};
use crate::ck;
use crate::error::{Code, Result};
use crate::mechanism::{self, Cipher, Digest, How, Key, Mechanism, Sign, Verify};

/// A key that may be used, for as long as the call lasts.
pub(crate) struct Usable {
    pub(crate) object: Arc<Object>,
    pub(crate) key: Arc<Key>,
}

impl Token {
    pub(crate) fn encrypt(
        &self,
        by: &Caller,
        how: &How,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Begun<dyn Cipher>> {
        let line = able(how, CKF_ENCRYPT)?;
        let object = self.permitted(by, key, how, CKA_ENCRYPT)?;
        if let Some(kek) = self.kek(&object) {
            return Ok(Begun::free(self.kek_encrypt(by, kek, how)?));
        }
        self.begin(by, object, |does, key| does.encrypt(key, &how.params), line)
    }

    pub(crate) fn decrypt(
        &self,
        by: &Caller,
        how: &How,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Begun<dyn Cipher>> {
        let line = able(how, CKF_DECRYPT)?;
        let object = self.permitted(by, key, how, CKA_DECRYPT)?;
        if self.kek(&object).is_some() {
            return Ok(Begun::free(self.kek_decrypt(by, how)?));
        }
        self.begin(by, object, |does, key| does.decrypt(key, &how.params), line)
    }

    pub(crate) fn sign(
        &self,
        by: &Caller,
        how: &How,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Begun<dyn Sign>> {
        let line = able(how, CKF_SIGN)?;
        let object = self.permitted(by, key, how, CKA_SIGN)?;
        self.begin(by, object, |does, key| does.sign(key, &how.params), line)
    }

    pub(crate) fn verify(
        &self,
        by: &Caller,
        how: &How,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Begun<dyn Verify>> {
        let line = able(how, CKF_VERIFY)?;
        let object = self.permitted(by, key, how, CKA_VERIFY)?;
        self.begin(by, object, |does, key| does.verify(key, &how.params), line)
    }

    /// Feeds a secret key's value to a digest (`C_DigestKey`).
    pub(crate) fn digest_key(
        &self,
        by: &Caller,
        key: CK_OBJECT_HANDLE,
        into: &mut dyn Digest,
    ) -> Result<()> {
        let object = self.key_object(by, key)?;
        if object.class() != CKO_SECRET_KEY || self.kek(&object).is_some() {
            return Err(Code::KeyIndigestible.into());
        }
        self.within_window(&object.attributes)?;
        let usable = self.usable(by, object)?;
        into.update(usable.key.value()?.expose())
    }

    fn begin<T: ?Sized>(
        &self,
        by: &Caller,
        object: Arc<Object>,
        start: impl FnOnce(&'static dyn Mechanism, &Key) -> Result<Box<T>>,
        line: &'static mechanism::Line,
    ) -> Result<Begun<T>> {
        let usable = self.usable(by, object)?;
        Ok(Begun {
            work: start(line.does, &usable.key)?,
            // What rests sealed needs the login to begin, and so to go on (rule 18).
            private: usable.object.attributes.flag(CKA_PRIVATE)
                || usable.object.material.at_rest().is_some(),
            authenticate: usable.object.attributes.flag(CKA_ALWAYS_AUTHENTICATE),
        })
    }

    /// A key by its handle.
    ///
    /// # Errors
    /// `CKR_KEY_HANDLE_INVALID`.
    pub(crate) fn key_object(&self, by: &Caller, key: CK_OBJECT_HANDLE) -> Result<Arc<Object>> {
        let object = match self.visible(by, key) {
            Err(error) if error.code == Code::ObjectHandleInvalid => {
                return Err(Code::KeyHandleInvalid.into());
            }
            other => other?,
        };
        match object.key_type() {
            Some(_) => Ok(object),
            None => Err(Code::KeyHandleInvalid.into()),
        }
    }

    /// A key that may be used so, now.
    ///
    /// # Errors
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED` for its usage or its window, `CKR_MECHANISM_INVALID` for a
    /// mechanism that it does not allow.
    pub(crate) fn permitted(
        &self,
        by: &Caller,
        key: CK_OBJECT_HANDLE,
        how: &How,
        usage: CK_ATTRIBUTE_TYPE,
    ) -> Result<Arc<Object>> {
        self.still_ours()?;
        let object = self.key_object(by, key)?;
        if !object.attributes.flag(usage) {
            return Err(Code::KeyFunctionNotPermitted.into());
        }
        allows(&object.attributes, how)?;
        self.within_window(&object.attributes)?;
        Ok(object)
    }

    /// Opens the key of an object.
    pub(crate) fn usable(&self, by: &Caller, object: Arc<Object>) -> Result<Usable> {
        let opened = self.opened(by, &object)?;
        let key = opened.key(&object.attributes)?;
        Ok(Usable { object, key })
    }
}

/// The table's line of a mechanism that can do this.
pub(crate) fn able(how: &How, flag: CK_FLAGS) -> Result<&'static mechanism::Line> {
    let line = mechanism::find(how.kind)?;
    match line.flags & flag {
        0 => Err(Code::MechanismInvalid.into()),
        _ => Ok(line),
    }
}

/// `CKA_ALLOWED_MECHANISMS`: unset or empty limits nothing, else it is exact (rule 21).
fn allows(attributes: &Attributes, how: &How) -> Result<()> {
    match attributes.get(CKA_ALLOWED_MECHANISMS) {
        Some(Value::Mechanisms(list)) if !list.is_empty() && !list.contains(&how.kind) => {
            Err(Code::MechanismInvalid.into())
        }
        _ if how.kind == ck::CKM_ZEQ_ENVELOPE
            && attributes.get(CKA_ALLOWED_MECHANISMS).is_none() =>
        {
            Err(Code::KeyTypeInconsistent.into())
        }
        _ => Ok(()),
    }
}

impl<T: ?Sized> Begun<T> {
    /// Of a key that is neither private nor asks for a PIN each time.
    fn free(work: Box<T>) -> Self {
        Self {
            work,
            private: false,
            authenticate: false,
        }
    }
}
