//! Where objects, envelopes and the store meet: secrets at rest under the token key (formats.md §4.6
//! to 4.8), envelopes opened once a lease, and the opened keys that mechanisms get.
#![forbid(unsafe_code)]

use std::sync::Arc;

use cryptoki_sys::*;
use once_cell::sync::OnceCell;
use parking_lot::RwLock;

use super::access;
use super::attribute::Attributes;
use super::blame::{self, During};
use super::heap::{Home, Object};
use super::payload::{decode, decode_parts, encode_parts};
use super::{Caller, Login, Token, rows, windows};
use crate::cbor::Item;
use crate::ck;
use crate::envelope::payload;
use crate::envelope::{Header, Kind};
use crate::error::{Code, Error, Reason, Result};
use crate::lc;
use crate::mechanism::{Key, Parts};
use crate::os;
use crate::secret::Secret;
use crate::store::ObjectId;

/// What an object keeps that cannot be seen, and its opened form.
pub(crate) struct Material {
    source: Source,
    open: RwLock<Option<Open>>,
}

/// What the opened form is made from.
enum Source {
    /// Nothing is hidden.
    None,
    /// A session object's parts live only here.
    Held,
    /// formats.md §4.7, under the token key.
    Row(Vec<u8>),
    /// `C_UnwrapKey`'s envelope.
    Envelope(Vec<u8>),
}

struct Open {
    opened: Arc<Opened>,
    /// CLOCK_BOOTTIME in nanoseconds.
    until: i64,
}

/// An object's secret parts, and its key in expanded form from the first use on.
pub(crate) struct Opened {
    parts: Parts,
    key: OnceCell<Arc<Key>>,
}

/// The key that a token's secrets rest under, while its lease lasts.
pub(crate) struct TokenKey {
    key: Secret,
    pub(crate) generation: u64,
    pub(crate) until: i64,
}

impl Opened {
    fn new(parts: Parts, key: Option<Arc<Key>>) -> Arc<Self> {
        let key = key.map_or_else(OnceCell::new, OnceCell::with_value);
        Arc::new(Self { parts, key })
    }

    pub(crate) fn part(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        let found = self.parts.iter().find(|(each, _)| *each == kind)?;
        Some(found.1.expose())
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(crate) fn cloned_parts(&self) -> Result<Parts> {
        self.parts
            .iter()
            .map(|(kind, part)| Ok((*kind, part.try_clone()?)))
            .collect()
    }

    /// The expanded form, made once and shared (rule 41).
    pub(crate) fn key(&self, attributes: &Attributes) -> Result<Arc<Key>> {
        let make = || {
            let class = attributes.number(CKA_CLASS).ok_or(Code::GeneralError)?;
            let key_type = attributes
                .number(CKA_KEY_TYPE)
                .ok_or(Code::KeyTypeInconsistent)?;
            let part = |kind| self.part(kind).or_else(|| attributes.bytes(kind));
            Key::open(class, key_type, &part).map(Arc::new)
        };
        self.key.get_or_try_init(make).map(Arc::clone)
    }
}

impl Material {
    fn with(source: Source, open: Option<Open>) -> Self {
        Self {
            source,
            open: RwLock::new(open),
        }
    }

    pub(crate) fn none() -> Self {
        Self::in_clear(None)
    }

    /// A public key: nothing is hidden, but an opened form is kept.
    pub(crate) fn in_clear(key: Option<Arc<Key>>) -> Self {
        Self::held_as(Source::None, Parts::new(), key)
    }

    pub(crate) fn held(parts: Parts, key: Option<Arc<Key>>) -> Self {
        Self::held_as(Source::Held, parts, key)
    }

    fn held_as(source: Source, parts: Parts, key: Option<Arc<Key>>) -> Self {
        let open = Open {
            opened: Opened::new(parts, key),
            until: i64::MAX,
        };
        Self::with(source, Some(open))
    }

    pub(crate) fn of_row(sealed: Vec<u8>) -> Self {
        Self::with(Source::Row(sealed), None)
    }

    /// An envelope that was just opened, or, with no parts, will be.
    pub(crate) fn of_envelope(envelope: Vec<u8>) -> Self {
        Self::with(Source::Envelope(envelope), None)
    }

    pub(crate) fn keep(&self, parts: Parts, key: Option<Arc<Key>>, until: i64) -> Arc<Opened> {
        let opened = Opened::new(parts, key);
        *self.open.write() = Some(Open {
            opened: Arc::clone(&opened),
            until,
        });
        opened
    }

    /// Whether nothing is hidden.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self.source, Source::None)
    }

    pub(crate) fn envelope(&self) -> Option<&[u8]> {
        match &self.source {
            Source::Envelope(bytes) => Some(bytes),
            Source::None | Source::Held | Source::Row(_) => None,
        }
    }

    /// What a row keeps of it.
    pub(crate) fn at_rest(&self) -> Option<&[u8]> {
        match &self.source {
            Source::Row(bytes) | Source::Envelope(bytes) => Some(bytes),
            Source::None | Source::Held => None,
        }
    }

    /// Bytes that the hidden part takes, as it rests.
    pub(crate) fn size(&self) -> usize {
        let parts = || {
            let open = self.open.read();
            open.iter()
                .flat_map(|o| o.opened.parts.iter())
                .map(|(_, part)| part.len())
                .sum()
        };
        self.at_rest().map_or_else(parts, <[u8]>::len)
    }

    /// Wipes the opened form, where it can be opened again.
    pub(crate) fn close(&self) {
        if matches!(self.source, Source::Row(_) | Source::Envelope(_)) {
            *self.open.write() = None;
        }
    }

    fn opened(&self) -> Option<Arc<Opened>> {
        let open = self.open.read();
        let open = open.as_ref()?;
        let lives = open.until == i64::MAX || os::boottime_ns() < open.until;
        lives.then(|| Arc::clone(&open.opened))
    }
}

impl Token {
    /// An object's secret parts, opened if its lease has ended.
    ///
    /// # Errors
    /// `CKR_USER_NOT_LOGGED_IN` where the token's own keys are closed, `CKR_DEVICE_ERROR` for a row
    /// that was changed from outside.
    pub(crate) fn opened(&self, by: &Caller, object: &Object) -> Result<Arc<Opened>> {
        if !matches!(object.material.source, Source::Held | Source::None) {
            self.needs_login(by)?;
        }
        if let Some(opened) = object.material.opened() {
            return Ok(opened);
        }
        match &object.material.source {
            Source::None | Source::Held => Err(Code::GeneralError.into()),
            Source::Row(sealed) => self.open_row(object, sealed),
            Source::Envelope(envelope) => self.open_again(object, envelope),
        }
    }

    /// Keys of a token that wants a PIN are the user's (rule 18).
    pub(crate) fn needs_login(&self, by: &Caller) -> Result<()> {
        match self.pin_less() || by.login == Login::User {
            true => Ok(()),
            false => Err(Code::UserNotLoggedIn.into()),
        }
    }

    /// The same for a change that the token itself makes: its own keys must be open, whoever asks.
    pub(crate) fn opened_by_token(&self, by: &Caller, object: &Object) -> Result<Arc<Opened>> {
        match &object.material.source {
            Source::Row(sealed) if by.login != Login::Public => self.open_row(object, sealed),
            Source::None | Source::Held | Source::Row(_) | Source::Envelope(_) => {
                self.opened(by, object)
            }
        }
    }

    fn open_row(&self, object: &Object, sealed: &[u8]) -> Result<Arc<Opened>> {
        let key = self.token_key()?;
        let aad = self.row_aad(&key, object)?;
        let secret = key
            .open_row(&aad, sealed)
            .ok_or_else(|| self.damaged(object))?;
        let parts = decode_parts(secret.expose()).ok_or_else(|| self.damaged(object))?;
        Ok(object.material.keep(parts, None, key.until))
    }

    /// Opens an unwrapped key again from its envelope, and holds its row to what that says.
    fn open_again(&self, object: &Object, envelope: &[u8]) -> Result<Arc<Opened>> {
        let aad = object
            .attributes
            .bytes(ck::CKA_ZEQ_CONTEXT)
            .unwrap_or_default();
        let opened = self.open_envelope(envelope, Kind::Key, aad, During::Store)?;
        let key = decode(opened.payload.expose()).ok_or_else(|| self.damaged(object))?;
        if !is_within(&object.attributes, &key.attributes, &opened.header) {
            return Err(self.damaged(object));
        }
        let until = self.lease_end(&opened.header.window);
        Ok(object.material.keep(key.parts, None, until))
    }

    /// Hides a row that does not fit what it is bound to (rule 18).
    fn damaged(&self, object: &Object) -> Error {
        match object.home {
            Home::Row { id, .. } => self.damaged_row(object.handle, id),
            Home::Session(_) | Home::Fixed => {
                self.heap.remove(object.handle);
                Error::new(Code::DeviceError, Reason::EnvelopeDamaged)
            }
        }
    }

    pub(super) fn damaged_row(&self, handle: CK_OBJECT_HANDLE, id: ObjectId) -> Error {
        self.heap.remove(handle);
        self.hide(id);
        Error::new(Code::DeviceError, Reason::StoreDamaged)
            .because(format!("object {}", rows::name(&id)))
    }

    fn row_aad(&self, key: &TokenKey, object: &Object) -> Result<Vec<u8>> {
        let Home::Row { id, revision } = object.home else {
            return Err(Code::GeneralError.into());
        };
        Ok(aad(
            &self.bound_id()?,
            key.generation,
            &id,
            revision,
            &object.attributes.encode(),
        ))
    }

    /// The bytes that a row's sealed value and trust are bound to.
    pub(crate) fn seal_row(
        &self,
        key: &TokenKey,
        home: (&[u8; 16], u64),
        attributes: &[u8],
        parts: &Parts,
    ) -> Result<Vec<u8>> {
        let (id, revision) = home;
        let aad = aad(&self.bound_id()?, key.generation, id, revision, attributes);
        let secret = encode_parts(parts)?;
        key.seal_row(&aad, secret.expose())
    }

    /// formats.md §4.8.
    pub(crate) fn trust_tag(
        &self,
        key: &TokenKey,
        home: (&[u8; 16], u64),
        attributes: &[u8],
        sealed: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        let (id, revision) = home;
        let aad = aad(&self.bound_id()?, key.generation, id, revision, attributes);
        let tag_key = key.derive(&[], &labelled("zeq-byok/1 trusted"))?;
        Ok(lc::mac::hmac_sha256(tag_key.expose(), &[&aad, sealed.unwrap_or_default()])?.to_vec())
    }
}

/// Whether a row says no more of a key than its envelope does: no attribute looser, no other key, no
/// wider window (formats.md §4.7).
fn is_within(row: &Attributes, sealed: &Attributes, header: &Header) -> bool {
    const SAME: [CK_ATTRIBUTE_TYPE; 7] = [
        CKA_CLASS,
        CKA_KEY_TYPE,
        CKA_VALUE_LEN,
        CKA_MODULUS,
        CKA_PUBLIC_EXPONENT,
        CKA_EC_PARAMS,
        CKA_EC_POINT,
    ];
    let same = SAME.iter().all(|kind| row.get(*kind) == sealed.get(*kind));
    let looser = access::tighten(&mut row.clone(), sealed);
    let window = windows::window(row).is_some_and(|window| window.within(&header.window));
    let envelope = row.bytes(ck::CKA_ZEQ_ENVELOPE_ID) == Some(&header.id[..]);
    same && looser.is_empty() && window && envelope
}

/// What a row is bound to (formats.md §4.7); attributes are their encoding.
fn aad(
    token: &[u8; 16],
    generation: u64,
    id: &[u8; 16],
    revision: u64,
    attributes: &[u8],
) -> Vec<u8> {
    Item::Array(&[
        Item::Text("zeq-byok/1 row"),
        Item::Bytes(token),
        Item::Uint(generation),
        Item::Bytes(id),
        Item::Uint(revision),
        Item::Raw(attributes),
    ])
    .to_vec()
}

fn labelled(label: &str) -> Vec<u8> {
    Item::Array(&[Item::Text(label)]).to_vec()
}

impl TokenKey {
    pub(crate) fn new(key: Secret, generation: u64, until: i64) -> Self {
        Self {
            key,
            generation,
            until,
        }
    }

    /// A token key from the payload of its envelope, which must be of the token where it was found.
    pub(crate) fn of_payload(
        bytes: &[u8],
        token: &[u8; 16],
        generation: u64,
        until: i64,
    ) -> Option<Self> {
        let found = payload::Token::decode(bytes).ok()?;
        let fits = (found.id, found.generation) == (*token, generation);
        fits.then(|| Self::new(found.key, generation, until))
    }

    /// formats.md §1: [token id, generation, key].
    pub(crate) fn payload(&self, token: &[u8; 16]) -> Result<Secret> {
        let key = self.key.try_clone()?;
        let token = payload::Token {
            id: *token,
            generation: self.generation,
            key,
        };
        token
            .encode()
            .map_err(|error| blame::envelope(error, During::Seal))
    }

    fn derive(&self, salt: &[u8], info: &[u8]) -> Result<Secret> {
        let mut out = Secret::zeroed(32)?;
        lc::kdf::hkdf_sha256(self.key.expose(), salt, info, out.expose_mut())?;
        Ok(out)
    }

    fn row_key(&self, salt: &[u8], aad: &[u8]) -> Result<Secret> {
        let digest = lc::digest::sha256(&[aad]);
        let info = Item::Array(&[Item::Text("zeq-byok/1 row key"), Item::Bytes(&digest)]).to_vec();
        self.derive(salt, &info)
    }

    /// Salt, then ciphertext. The salt comes of fresh bytes, the row and the secret, so that a
    /// generator that repeats itself makes no two-time pad.
    fn seal_row(&self, aad: &[u8], secret: &[u8]) -> Result<Vec<u8>> {
        let fresh = Secret::random(32)?;
        let salt_key = self.derive(&[], &labelled("zeq-byok/1 row salt"))?;
        let salted = Item::Array(&[
            Item::Bytes(fresh.expose()),
            Item::Bytes(aad),
            Item::Bytes(secret),
        ]);
        let salted = salted.to_secret()?;
        let salt = lc::mac::hmac_sha256(salt_key.expose(), &[salted.expose()])?;
        let key = self.row_key(&salt, aad)?;
        let sealed = lc::aead::seal(key.expose(), &[0; 12], aad, secret)?;
        Ok([&salt[..], &sealed].concat())
    }

    fn open_row(&self, aad: &[u8], sealed: &[u8]) -> Option<Secret> {
        let (salt, sealed) = sealed.split_at_checked(32)?;
        let key = self.row_key(salt, aad).ok()?;
        lc::aead::open(key.expose(), &[0; 12], aad, sealed).ok()
    }
}
