//! Token objects: rows of the store as objects of this process, at most a second old (rules 11, 19).
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cryptoki_sys::*;

use super::access;
use super::attribute::Attributes;
use super::heap::{self, Home, Object, Place};
use super::objects::{Content, Draft};
use super::sealed::Material;
use super::token::random_id;
use super::{Caller, Login, Token};
use crate::ck;
use crate::error::{Code, Error, Result};
use crate::lc;
use crate::mechanism::Parts;
use crate::os;
use crate::store;
use crate::store::{Columns, Entry, ObjectId, ObjectRow, Query};

/// How long a row that was read is believed (rule 11).
const FRESH: i64 = 1_000_000_000;

impl Token {
    /// The object of a handle, if this caller may see it.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`: not there, or not for this login.
    pub(crate) fn visible(&self, by: &Caller, handle: CK_OBJECT_HANDLE) -> Result<Arc<Object>> {
        let object = self.look(handle)?;
        let seen =
            object.home == Home::Fixed || access::sees(by, self.pin_less(), &object.attributes);
        match seen {
            true => Ok(object),
            false => Err(Code::ObjectHandleInvalid.into()),
        }
    }

    /// The object of a handle as it is now.
    pub(crate) fn look(&self, handle: CK_OBJECT_HANDLE) -> Result<Arc<Object>> {
        match self.heap.get(handle).ok_or(Code::ObjectHandleInvalid)? {
            Place::Loaded(object) => self.still_there(object),
            Place::Known(id) => self.load(handle, &id),
        }
    }

    fn still_there(&self, object: Arc<Object>) -> Result<Arc<Object>> {
        let Home::Row { id, revision } = object.home else {
            return Ok(object);
        };
        let now = os::boottime_ns();
        if now - object.checked.load(Ordering::Relaxed) < FRESH {
            return Ok(object);
        }
        self.row()?;
        match self.shared.store.object(self.id(), &id)? {
            Some(row) if row.revision == revision => {
                object.checked.store(now, Ordering::Relaxed);
                Ok(object)
            }
            Some(row) => self.loaded(object.handle, row),
            None => Err(self.gone(object.handle)),
        }
    }

    fn load(&self, handle: CK_OBJECT_HANDLE, id: &ObjectId) -> Result<Arc<Object>> {
        self.row()?;
        match self.shared.store.object(self.id(), id)? {
            Some(row) => self.loaded(handle, row),
            None => Err(self.gone(handle)),
        }
    }

    fn gone(&self, handle: CK_OBJECT_HANDLE) -> Error {
        self.heap.remove(handle);
        Code::ObjectHandleInvalid.into()
    }

    fn loaded(&self, handle: CK_OBJECT_HANDLE, row: ObjectRow) -> Result<Arc<Object>> {
        let attributes = Attributes::decode(&row.attributes)
            .filter(|attributes| is_whole(attributes, &row) && !self.is_hidden(&row.id))
            .ok_or_else(|| self.damaged_row(handle, row.id))?;
        let from_envelope = attributes.get(ck::CKA_ZEQ_ENVELOPE_ID).is_some();
        let material = match (row.sealed, from_envelope) {
            (None, _) => Material::none(),
            (Some(envelope), true) => Material::of_envelope(envelope),
            (Some(sealed), false) => Material::of_row(sealed),
        };
        let object = Arc::new(Object {
            handle,
            home: Home::Row {
                id: row.id,
                revision: row.revision,
            },
            attributes,
            material: Arc::new(material),
            trusted: row.trusted,
            checked: AtomicI64::new(os::boottime_ns()),
        });
        match self.heap.refresh(&object) {
            true => Ok(object),
            false => Err(Code::ObjectHandleInvalid.into()),
        }
    }

    /// A draft as a token object, with the row that is to be inserted.
    pub(crate) fn row_object(&self, by: &Caller, draft: Draft) -> Result<(Object, ObjectRow)> {
        let Draft {
            attributes,
            content,
        } = draft;
        let id = random_id();
        let material = self.at_rest(by, (&id, 1), &attributes, content)?;
        let mut row = ObjectRow {
            id,
            revision: 1,
            attributes: attributes.encode(),
            sealed: material.at_rest().map(<[u8]>::to_vec),
            trusted: None,
            columns: columns(&attributes),
        };
        row.trusted = self.trust(by, &attributes, &row)?;
        let object = Object {
            handle: heap::new_handle(),
            home: Home::Row { id, revision: 1 },
            attributes,
            material: Arc::new(material),
            trusted: row.trusted.clone(),
            checked: AtomicI64::new(os::boottime_ns()),
        };
        Ok((object, row))
    }

    /// Seals what is secret under the token key; an unwrapped key's envelope rests as it is.
    fn at_rest(
        &self,
        by: &Caller,
        home: (&ObjectId, u64),
        attributes: &Attributes,
        content: Content,
    ) -> Result<Material> {
        let (parts, key) = match content {
            Content::None => return Ok(Material::none()),
            Content::Parts(parts, key) => (parts, key),
            Content::Envelope(envelope, parts, until) => {
                self.needs_login(by)?;
                let material = Material::of_envelope(envelope);
                material.keep(parts, None, until);
                return Ok(material);
            }
            Content::Shared(object) => match object.material.envelope() {
                Some(envelope) => {
                    self.needs_login(by)?;
                    return Ok(Material::of_envelope(envelope.to_vec()));
                }
                None => (self.opened(by, &object)?.cloned_parts()?, None),
            },
        };
        if parts.is_empty() {
            return Ok(Material::in_clear(key));
        }
        self.needs_login(by)?;
        let token_key = self.token_key()?;
        let sealed = self.seal_row(&token_key, home, &attributes.encode(), &parts)?;
        let material = Material::of_row(sealed);
        material.keep(parts, key, token_key.until);
        Ok(material)
    }

    /// formats.md §4.8, where `CKA_TRUSTED` is TRUE.
    fn trust(
        &self,
        by: &Caller,
        attributes: &Attributes,
        row: &ObjectRow,
    ) -> Result<Option<Vec<u8>>> {
        if !attributes.flag(CKA_TRUSTED) {
            return Ok(None);
        }
        if by.login == Login::Public && !self.pin_less() {
            return Err(Code::UserNotLoggedIn.into());
        }
        let key = self.token_key()?;
        let home = (&row.id, row.revision);
        self.trust_tag(&key, home, &row.attributes, row.sealed.as_deref())
            .map(Some)
    }

    /// `CKA_TRUSTED` as it may be believed: FALSE until the token key is open (rule 18). It calls
    /// nobody.
    pub(crate) fn is_trusted(&self, object: &Object) -> bool {
        let Home::Row { id, revision } = object.home else {
            return object.attributes.flag(CKA_TRUSTED);
        };
        let Some(key) = self.key.read().clone() else {
            return false;
        };
        let attributes = object.attributes.encode();
        let tag = self.trust_tag(
            &key,
            (&id, revision),
            &attributes,
            object.material.at_rest(),
        );
        match (tag, &object.trusted) {
            (Ok(tag), Some(kept)) => lc::equal(&tag, kept),
            (Err(_), _) | (_, None) => false,
        }
    }

    pub(crate) fn insert_rows(&self, rows: &[ObjectRow], what: &str) -> Result<()> {
        let token = self.row()?;
        let detail = rows
            .iter()
            .map(|row| name(&row.id))
            .collect::<Vec<_>>()
            .join(" ");
        self.shared
            .store
            .insert(&self.guard(&token), rows, &self.entry(what, detail))?;
        Ok(())
    }

    /// Gives an object other attributes, and other secret parts where `parts` are some: in memory, or
    /// as the next revision of its row. `false`: somebody else changed it first.
    pub(crate) fn replace(
        &self,
        by: &Caller,
        object: &Arc<Object>,
        attributes: Attributes,
        parts: Option<Parts>,
    ) -> Result<bool> {
        let (home, material, trusted) = match object.home {
            Home::Row { id, revision } => {
                let row = self.next_row(by, object, &attributes, parts.as_ref())?;
                if !self.update_row(object, &row)? {
                    return Ok(false);
                }
                let material = match (row.sealed, object.material.envelope()) {
                    (None, _) => Arc::clone(&object.material),
                    (Some(_), Some(_)) => Arc::clone(&object.material),
                    (Some(sealed), None) => Arc::new(Material::of_row(sealed)),
                };
                (
                    Home::Row {
                        id,
                        revision: revision + 1,
                    },
                    material,
                    row.trusted,
                )
            }
            home @ (Home::Session(_) | Home::Fixed) => {
                let material = match parts {
                    Some(parts) => Arc::new(Material::held(parts, None)),
                    None => Arc::clone(&object.material),
                };
                (home, material, None)
            }
        };
        let new = Arc::new(Object {
            handle: object.handle,
            home,
            attributes,
            material,
            trusted,
            checked: AtomicI64::new(os::boottime_ns()),
        });
        match home {
            Home::Row { .. } => {
                // A handle that a logout took away meanwhile stays away; the row has changed.
                self.heap.refresh(&new);
                Ok(true)
            }
            Home::Session(_) | Home::Fixed => Ok(self.heap.swap(object, &new)),
        }
    }

    fn update_row(&self, object: &Object, row: &ObjectRow) -> Result<bool> {
        let token = self.row()?;
        let audit = self.entry("object-change", name(&row.id));
        match self.shared.store.update(&self.guard(&token), row, &audit) {
            Err(store::Error::Changed) => Ok(false),
            Err(store::Error::Missing) => Err(self.gone(object.handle)),
            done => done.map(|()| true).map_err(Error::from),
        }
    }

    fn next_row(
        &self,
        by: &Caller,
        object: &Object,
        attributes: &Attributes,
        parts: Option<&Parts>,
    ) -> Result<ObjectRow> {
        let Home::Row { id, revision } = object.home else {
            return Err(Code::GeneralError.into());
        };
        let revision = revision + 1;
        let encoded = attributes.encode();
        let sealed = match (object.material.at_rest(), object.material.envelope()) {
            (None, _) => None,
            (Some(envelope), Some(_)) => Some(envelope.to_vec()),
            (Some(_), None) => {
                let opened = self.opened_by_token(by, object)?;
                let key = self.token_key()?;
                let parts = parts.unwrap_or_else(|| opened.parts());
                Some(self.seal_row(&key, (&id, revision), &encoded, parts)?)
            }
        };
        let mut row = ObjectRow {
            id,
            revision,
            attributes: encoded,
            sealed,
            trusted: None,
            columns: columns(attributes),
        };
        row.trusted = self.trust(by, attributes, &row)?;
        Ok(row)
    }

    pub(crate) fn delete_row(&self, id: &ObjectId, what: &str) -> Result<()> {
        let token = self.row()?;
        let audit = self.entry(what, name(id));
        match self.shared.store.delete(&self.guard(&token), id, &audit) {
            Err(store::Error::Missing) => Err(Code::ObjectHandleInvalid.into()),
            done => Ok(done?),
        }
    }

    pub(crate) fn row_ids(&self, query: &Query<'_>) -> Result<Vec<ObjectId>> {
        self.row()?;
        let found = self.shared.store.find(self.id(), query)?;
        Ok(found
            .into_iter()
            .map(|(id, _)| id)
            .filter(|id| !self.is_hidden(id))
            .collect())
    }

    pub(crate) fn hide(&self, id: ObjectId) {
        self.hidden.write().insert(id);
    }

    fn is_hidden(&self, id: &ObjectId) -> bool {
        let hidden = self.hidden.read();
        !hidden.is_empty() && hidden.contains(id)
    }

    /// An audit record of now.
    pub(crate) fn entry<'a>(&'a self, what: &'a str, detail: String) -> Entry<'a> {
        Entry {
            unix_ns: os::realtime_ns(),
            token: self.id(),
            what,
            detail,
        }
    }
}

/// An object's id as the audit trail and `CKA_UNIQUE_ID` spell it.
pub(crate) fn name(id: &ObjectId) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a row's parts fit each other. What a token never keeps in the clear is not believed there.
fn is_whole(attributes: &Attributes, row: &ObjectRow) -> bool {
    let class = attributes.number(CKA_CLASS);
    let hides = match class {
        Some(CKO_SECRET_KEY | CKO_PRIVATE_KEY) => true,
        Some(CKO_DATA | CKO_CERTIFICATE) => attributes.flag(CKA_PRIVATE),
        _ => false,
    };
    columns(attributes) == row.columns && hides == row.sealed.is_some()
}

/// Copies of what is searched; a row whose copies differ was changed from outside.
fn columns(attributes: &Attributes) -> Columns {
    let bytes = |kind| attributes.bytes(kind).map(<[u8]>::to_vec);
    Columns {
        class: attributes
            .number(CKA_CLASS)
            .unwrap_or(CK_UNAVAILABLE_INFORMATION),
        label: bytes(CKA_LABEL),
        cka_id: bytes(CKA_ID),
        subject: bytes(CKA_SUBJECT),
        closes: super::windows::closes(attributes),
    }
}
