//! A session, and each call on it as a host makes it: lengths asked first where the standard allows.

use std::ptr;

use cryptoki_sys::*;

use super::answer::{Answer, Rv};
use super::mech::Mech;
use super::module::{Module, call};
use super::template::Template;

/// How much room a call's output gets.
#[derive(Clone, Copy)]
pub(crate) enum Room {
    /// A NULL buffer: only the length is asked.
    Asked,
    /// A buffer of so many bytes.
    Bytes(usize),
}

/// A session handle; closed by [`Session::close`] or with its module.
#[derive(Clone, Copy)]
pub(crate) struct Session<'m> {
    pub(crate) module: &'m Module,
    pub(crate) handle: CK_SESSION_HANDLE,
}

impl Module {
    pub(crate) fn session(&self, slot: CK_SLOT_ID, flags: CK_FLAGS) -> Answer<Session<'_>> {
        let mut handle = 0;
        let none = ptr::null_mut();
        call!(
            self,
            C_OpenSession,
            slot,
            flags,
            none,
            None,
            &raw mut handle
        )
        .ok()?;
        Ok(Session {
            module: self,
            handle,
        })
    }

    pub(crate) fn close_all(&self, slot: CK_SLOT_ID) -> Answer<()> {
        call!(self, C_CloseAllSessions, slot).ok()
    }
}

impl Session<'_> {
    pub(crate) fn close(&self) -> Answer<()> {
        call!(self.module, C_CloseSession, self.handle).ok()
    }

    pub(crate) fn info(&self) -> Answer<CK_SESSION_INFO> {
        let mut info = CK_SESSION_INFO::default();
        call!(self.module, C_GetSessionInfo, self.handle, &raw mut info).ok()?;
        Ok(info)
    }

    /// Why the last failed call failed.
    pub(crate) fn reason(&self) -> CK_ULONG {
        self.info().unwrap().ulDeviceError
    }

    pub(crate) fn login(&self, user: CK_USER_TYPE, pin: &str) -> Answer<()> {
        let mut pin = pin.as_bytes().to_vec();
        let len = pin.len() as CK_ULONG;
        call!(
            self.module,
            C_Login,
            self.handle,
            user,
            pin.as_mut_ptr(),
            len
        )
        .ok()
    }

    pub(crate) fn logout(&self) -> Answer<()> {
        call!(self.module, C_Logout, self.handle).ok()
    }

    pub(crate) fn init_pin(&self, pin: &str) -> Answer<()> {
        let mut pin = pin.as_bytes().to_vec();
        let len = pin.len() as CK_ULONG;
        call!(self.module, C_InitPIN, self.handle, pin.as_mut_ptr(), len).ok()
    }

    pub(crate) fn set_pin(&self, old: &str, new: &str) -> Answer<()> {
        let (mut old, mut new) = (old.as_bytes().to_vec(), new.as_bytes().to_vec());
        let (old_len, new_len) = (old.len() as CK_ULONG, new.len() as CK_ULONG);
        call!(
            self.module,
            C_SetPIN,
            self.handle,
            old.as_mut_ptr(),
            old_len,
            new.as_mut_ptr(),
            new_len
        )
        .ok()
    }

    pub(crate) fn random(&self, len: usize) -> Answer<Vec<u8>> {
        let mut bytes = vec![0; len];
        let (at, len) = (bytes.as_mut_ptr(), len as CK_ULONG);
        call!(self.module, C_GenerateRandom, self.handle, at, len).ok()?;
        Ok(bytes)
    }
}

/// Objects.
impl Session<'_> {
    pub(crate) fn create(&self, template: Template) -> Answer<CK_OBJECT_HANDLE> {
        let (mut template, mut object) = (template, 0);
        let mut list = template.attributes();
        let (at, len) = (list.pointer(), list.len());
        call!(
            self.module,
            C_CreateObject,
            self.handle,
            at,
            len,
            &raw mut object
        )
        .ok()?;
        Ok(object)
    }

    pub(crate) fn copy(
        &self,
        from: CK_OBJECT_HANDLE,
        changes: Template,
    ) -> Answer<CK_OBJECT_HANDLE> {
        let (mut changes, mut object) = (changes, 0);
        let mut list = changes.attributes();
        let (at, len) = (list.pointer(), list.len());
        call!(
            self.module,
            C_CopyObject,
            self.handle,
            from,
            at,
            len,
            &raw mut object
        )
        .ok()?;
        Ok(object)
    }

    pub(crate) fn destroy(&self, object: CK_OBJECT_HANDLE) -> Answer<()> {
        call!(self.module, C_DestroyObject, self.handle, object).ok()
    }

    pub(crate) fn size(&self, object: CK_OBJECT_HANDLE) -> Answer<CK_ULONG> {
        let mut size = 0;
        call!(
            self.module,
            C_GetObjectSize,
            self.handle,
            object,
            &raw mut size
        )
        .ok()?;
        Ok(size)
    }

    pub(crate) fn set(&self, object: CK_OBJECT_HANDLE, changes: Template) -> Answer<()> {
        let mut changes = changes;
        let mut list = changes.attributes();
        let (at, len) = (list.pointer(), list.len());
        call!(
            self.module,
            C_SetAttributeValue,
            self.handle,
            object,
            at,
            len
        )
        .ok()
    }

    /// One attribute: its length, then its value.
    pub(crate) fn get(&self, object: CK_OBJECT_HANDLE, kind: CK_ATTRIBUTE_TYPE) -> Answer<Vec<u8>> {
        let mut asked = CK_ATTRIBUTE {
            type_: kind,
            pValue: ptr::null_mut(),
            ulValueLen: 0,
        };
        self.get_raw(object, &mut [asked]).ok()?;
        let mut list = [asked];
        self.get_raw(object, &mut list).ok()?;
        let mut value = vec![0; list[0].ulValueLen as usize];
        asked.pValue = value.as_mut_ptr().cast();
        asked.ulValueLen = list[0].ulValueLen;
        list = [asked];
        self.get_raw(object, &mut list).ok()?;
        value.truncate(list[0].ulValueLen as usize);
        Ok(value)
    }

    pub(crate) fn get_flag(
        &self,
        object: CK_OBJECT_HANDLE,
        kind: CK_ATTRIBUTE_TYPE,
    ) -> Answer<bool> {
        Ok(self.get(object, kind)? == [CK_TRUE])
    }

    pub(crate) fn get_number(
        &self,
        object: CK_OBJECT_HANDLE,
        kind: CK_ATTRIBUTE_TYPE,
    ) -> Answer<CK_ULONG> {
        let value = self.get(object, kind)?;
        let bytes: [u8; size_of::<CK_ULONG>()] = value.as_slice().try_into().expect("a CK_ULONG");
        Ok(CK_ULONG::from_ne_bytes(bytes))
    }

    /// As the caller laid it out.
    pub(crate) fn get_raw(&self, object: CK_OBJECT_HANDLE, list: &mut [CK_ATTRIBUTE]) -> Rv {
        let (at, len) = (list.as_mut_ptr(), list.len() as CK_ULONG);
        call!(
            self.module,
            C_GetAttributeValue,
            self.handle,
            object,
            at,
            len
        )
    }

    /// Init, then 16 at a time until none come, then final.
    pub(crate) fn find(&self, template: Template) -> Answer<Vec<CK_OBJECT_HANDLE>> {
        let mut template = template;
        let mut list = template.attributes();
        let (at, len) = (list.pointer(), list.len());
        call!(self.module, C_FindObjectsInit, self.handle, at, len).ok()?;
        let mut found = Vec::new();
        loop {
            let some = self.find_some(16)?;
            if some.is_empty() {
                break;
            }
            found.extend(some);
        }
        call!(self.module, C_FindObjectsFinal, self.handle).ok()?;
        Ok(found)
    }

    pub(crate) fn find_init(&self, template: Template) -> Answer<()> {
        let mut template = template;
        let mut list = template.attributes();
        let (at, len) = (list.pointer(), list.len());
        call!(self.module, C_FindObjectsInit, self.handle, at, len).ok()
    }

    pub(crate) fn find_some(&self, most: usize) -> Answer<Vec<CK_OBJECT_HANDLE>> {
        let (mut found, mut count) = (vec![0; most], 0);
        let (at, most) = (found.as_mut_ptr(), most as CK_ULONG);
        call!(
            self.module,
            C_FindObjects,
            self.handle,
            at,
            most,
            &raw mut count
        )
        .ok()?;
        found.truncate(count as usize);
        Ok(found)
    }

    pub(crate) fn find_final(&self) -> Answer<()> {
        call!(self.module, C_FindObjectsFinal, self.handle).ok()
    }
}

/// Keys.
impl Session<'_> {
    pub(crate) fn generate(&self, how: &Mech, template: Template) -> Answer<CK_OBJECT_HANDLE> {
        let (mut raw, mut template, mut key) = (how.raw(), template, 0);
        let mut list = template.attributes();
        let (at, len) = (list.pointer(), list.len());
        call!(
            self.module,
            C_GenerateKey,
            self.handle,
            &raw mut raw,
            at,
            len,
            &raw mut key
        )
        .ok()?;
        Ok(key)
    }

    /// Public and private key.
    pub(crate) fn generate_pair(
        &self,
        how: &Mech,
        public: Template,
        private: Template,
    ) -> Answer<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let (mut raw, mut public, mut private) = (how.raw(), public, private);
        let (mut public, mut private) = (public.attributes(), private.attributes());
        let (mut one, mut other) = (0, 0);
        call!(
            self.module,
            C_GenerateKeyPair,
            self.handle,
            &raw mut raw,
            public.pointer(),
            public.len(),
            private.pointer(),
            private.len(),
            &raw mut one,
            &raw mut other
        )
        .ok()?;
        Ok((one, other))
    }

    pub(crate) fn derive(
        &self,
        how: &Mech,
        base: CK_OBJECT_HANDLE,
        template: Template,
    ) -> Answer<CK_OBJECT_HANDLE> {
        let (mut raw, mut template, mut key) = (how.raw(), template, 0);
        let mut list = template.attributes();
        let (at, len) = (list.pointer(), list.len());
        call!(
            self.module,
            C_DeriveKey,
            self.handle,
            &raw mut raw,
            base,
            at,
            len,
            &raw mut key
        )
        .ok()?;
        Ok(key)
    }

    pub(crate) fn wrap(
        &self,
        how: &Mech,
        with: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
    ) -> Answer<Vec<u8>> {
        let asked = self.wrap_into(how, with, key, Room::Asked);
        asked.0.ok()?;
        let (rv, _, bytes) = self.wrap_into(how, with, key, Room::Bytes(asked.1));
        rv.ok().map(|()| bytes)
    }

    pub(crate) fn wrap_into(
        &self,
        how: &Mech,
        with: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
        room: Room,
    ) -> (Rv, usize, Vec<u8>) {
        let mut raw = how.raw();
        filled(room, |out, len| {
            call!(
                self.module,
                C_WrapKey,
                self.handle,
                &raw mut raw,
                with,
                key,
                out,
                len
            )
        })
    }

    pub(crate) fn unwrap(
        &self,
        how: &Mech,
        with: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: Template,
    ) -> Answer<CK_OBJECT_HANDLE> {
        let (mut raw, mut template, mut key) = (how.raw(), template, 0);
        let (mut wrapped, mut list) = (wrapped.to_vec(), template.attributes());
        let (len, count) = (wrapped.len() as CK_ULONG, list.len());
        call!(
            self.module,
            C_UnwrapKey,
            self.handle,
            &raw mut raw,
            with,
            wrapped.as_mut_ptr(),
            len,
            list.pointer(),
            count,
            &raw mut key
        )
        .ok()?;
        Ok(key)
    }
}

/// Runs a call whose output is `room`: the answer, the length it gave, the bytes.
pub(crate) fn filled(
    room: Room,
    mut ask: impl FnMut(*mut CK_BYTE, *mut CK_ULONG) -> Rv,
) -> (Rv, usize, Vec<u8>) {
    let (mut bytes, mut len) = match room {
        Room::Asked => (Vec::new(), 0),
        Room::Bytes(n) => (vec![0_u8; n.max(1)], n as CK_ULONG),
    };
    let at = match room {
        Room::Asked => ptr::null_mut(),
        Room::Bytes(_) => bytes.as_mut_ptr(),
    };
    let rv = ask(at, &raw mut len);
    bytes.truncate(if rv.0 == CKR_OK { len as usize } else { 0 });
    (rv, len as usize, bytes)
}
