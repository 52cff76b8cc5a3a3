//! `C_CreateObject`, `C_CopyObject`, `C_DestroyObject`, `C_GetObjectSize`, `C_GetAttributeValue`,
//! `C_SetAttributeValue`.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cryptoki_sys::*;

use super::access::{self, Change};
use super::attribute::{Attributes, Value};
use super::class::{self, Class, SECRET};
use super::heap::{self, Home, Object};
use super::make::{self, Origin};
use super::sealed::Material;
use super::template::{Given, Template};
use super::{Caller, Login, Shown, Token, rows};
use crate::error::{Code, Error, Result};
use crate::lc;
use crate::mechanism::{self, Key, NewKey, Parts};
use crate::os;
use crate::secret::Secret;

/// An object that is about to be: attributes complete, not yet in its place.
pub(crate) struct Draft {
    pub(crate) attributes: Attributes,
    pub(crate) content: Content,
}

/// What an object keeps that cannot be seen.
pub(crate) enum Content {
    None,
    /// Secret parts, and the opened key where its maker had it.
    Parts(Parts, Option<Arc<Key>>),
    /// The envelope that `C_UnwrapKey` opened, what was in it, and until when (CLOCK_BOOTTIME) that
    /// holds; then it is opened again.
    Envelope(Vec<u8>, Parts, i64),
    /// Of a copy: the object that it was copied from.
    Shared(Arc<Object>),
}

/// How often a change is made anew because somebody else changed the object first.
const RACES: u8 = 16;

impl Token {
    pub(crate) fn create(&self, by: &Caller, template: Template) -> Result<CK_OBJECT_HANDLE> {
        let (class, mut given) = make::read(template, None, None)?;
        make::complete(&class, &mut given, Origin::Created, by)?;
        access::may_write(by, self.pin_less(), &given.attributes)?;
        let draft = match given.attributes.number(CKA_KEY_TYPE) {
            Some(key_type) => imported(&class, given, key_type)?,
            None => without_key(given)?,
        };
        self.check_floor(&draft)?;
        self.place(by, draft, "object-create")
    }

    pub(crate) fn copy(
        &self,
        by: &Caller,
        object: CK_OBJECT_HANDLE,
        template: Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        let object = self.visible(by, object)?;
        if !object.attributes.flag(CKA_COPYABLE) {
            return Err(Code::ActionProhibited.into());
        }
        let mut attributes = object.attributes.clone();
        if attributes.flag(CKA_TRUSTED) {
            // A copy is another object, which only the SO trusts; and never what a row merely says.
            let trusted = by.login == Login::So && self.is_trusted_key(&object)?;
            attributes.set(CKA_TRUSTED, Value::Flag(trusted));
        }
        let wanted = template.typed(&class_of(&attributes)?)?;
        if !wanted.parts.is_empty() {
            return Err(Code::AttributeReadOnly.into());
        }
        access::change(&mut attributes, &wanted.attributes, Change::Copy, by)
            .map_err(|_| Code::TemplateInconsistent)?;
        access::may_write(by, self.pin_less(), &attributes)?;
        let content = match hidden_value(&mut attributes)? {
            Some(value) => Content::Parts(value, None),
            None => self.copied(by, &object, &attributes)?,
        };
        self.place(
            by,
            Draft {
                attributes,
                content,
            },
            "object-copy",
        )
    }

    pub(crate) fn destroy(&self, by: &Caller, object: CK_OBJECT_HANDLE) -> Result<()> {
        let object = self.visible(by, object)?;
        if object.home == Home::Fixed || !object.attributes.flag(CKA_DESTROYABLE) {
            return Err(Code::ActionProhibited.into());
        }
        access::may_write(by, self.pin_less(), &object.attributes)?;
        let done = match object.home {
            Home::Row { id, .. } => self.delete_row(&id, "object-destroy"),
            Home::Session(_) | Home::Fixed => Ok(()),
        };
        let stays = |error: &Error| error.code != Code::ObjectHandleInvalid;
        if !done.as_ref().is_err_and(stays) {
            self.heap.remove(object.handle);
        }
        done
    }

    pub(crate) fn size(&self, by: &Caller, object: CK_OBJECT_HANDLE) -> Result<CK_ULONG> {
        let object = self.visible(by, object)?;
        let visible: usize = object
            .attributes
            .iter()
            .map(|(_, value)| value.size())
            .sum();
        Ok((visible + object.material.size()) as CK_ULONG)
    }

    /// Calls `show` once an asked type, in order, with the value or why there is none
    /// (`AttributeSensitive`, `AttributeTypeInvalid`).
    pub(crate) fn attributes(
        &self,
        by: &Caller,
        object: CK_OBJECT_HANDLE,
        asked: impl Iterator<Item = CK_ATTRIBUTE_TYPE>,
        mut show: impl FnMut(CK_ATTRIBUTE_TYPE, std::result::Result<Shown<'_>, Code>),
    ) -> Result<()> {
        let object = self.visible(by, object)?;
        for kind in asked {
            match object.attributes.get(kind) {
                Some(Value::Flag(true)) if kind == CKA_TRUSTED => {
                    let trusted = self.is_trusted(&object);
                    show(kind, Ok(Shown::Bytes(&[u8::from(trusted)])));
                }
                Some(value) => value.show(|shown| show(kind, Ok(shown))),
                None => self.show_hidden(by, &object, kind, &mut show)?,
            }
        }
        Ok(())
    }

    /// What is not among the visible attributes: secret parts, and what is made of them.
    fn show_hidden(
        &self,
        by: &Caller,
        object: &Object,
        kind: CK_ATTRIBUTE_TYPE,
        show: &mut impl FnMut(CK_ATTRIBUTE_TYPE, std::result::Result<Shown<'_>, Code>),
    ) -> Result<()> {
        if kind == CKA_UNIQUE_ID {
            show(kind, Ok(Shown::Bytes(unique_id(object).as_bytes())));
            return Ok(());
        }
        let checks = kind == CKA_CHECK_VALUE
            && object.class() == CKO_SECRET_KEY
            && object.home != Home::Fixed;
        if (checks || is_part(object, kind)) && self.is_closed(object)? {
            show(kind, Err(Code::AttributeSensitive));
            return Ok(());
        }
        if checks {
            let check = self
                .opened(by, object)?
                .key(&object.attributes)?
                .check_value();
            show(
                kind,
                check
                    .as_ref()
                    .map(|c| Shown::Bytes(c))
                    .ok_or(Code::AttributeTypeInvalid),
            );
            return Ok(());
        }
        if !is_part(object, kind) {
            show(kind, Err(Code::AttributeTypeInvalid));
            return Ok(());
        }
        if object.is_secret() && !is_readable(&object.attributes) {
            show(kind, Err(Code::AttributeSensitive));
            return Ok(());
        }
        let opened = self.opened(by, object)?;
        show(
            kind,
            opened
                .part(kind)
                .map(Shown::Bytes)
                .ok_or(Code::AttributeTypeInvalid),
        );
        Ok(())
    }

    pub(crate) fn set_attributes(
        &self,
        by: &Caller,
        object: CK_OBJECT_HANDLE,
        template: Template,
    ) -> Result<()> {
        let class = class_of(&self.visible(by, object)?.attributes)?;
        let wanted = template.typed(&class).map_err(no_such_type)?;
        if !wanted.parts.is_empty() {
            return Err(Code::AttributeReadOnly.into());
        }
        for _ in 0..RACES {
            let found = self.visible(by, object)?;
            if self.set_on(by, &found, &wanted.attributes)? {
                return Ok(());
            }
            found.checked.store(0, Ordering::Relaxed);
        }
        Err(Code::FunctionFailed.into())
    }

    /// `false`: somebody else was faster, and the object is another now.
    fn set_on(&self, by: &Caller, object: &Arc<Object>, wanted: &Attributes) -> Result<bool> {
        access::may_write(by, self.pin_less(), &object.attributes)?;
        if object.home == Home::Fixed || !object.attributes.flag(CKA_MODIFIABLE) {
            return Err(Code::ActionProhibited.into());
        }
        let mut attributes = object.attributes.clone();
        if attributes.flag(CKA_TRUSTED) {
            // What a row merely says is not sealed as true with the change.
            let trusted = self.is_trusted_key(object)?;
            attributes.set(CKA_TRUSTED, Value::Flag(trusted));
        }
        access::change(&mut attributes, wanted, Change::Set, by)?;
        let value = hidden_value(&mut attributes)?;
        self.replace(by, object, attributes, value)
    }

    pub(crate) fn session_closed(&self, session: CK_SESSION_HANDLE) {
        let mine = self.heap.session_candidates(&Attributes::default());
        mine.iter()
            .filter(|object| object.in_session() == Some(session))
            .for_each(|object| self.heap.remove(object.handle));
    }

    /// Puts a draft into its place and gives its handle.
    pub(crate) fn place(&self, by: &Caller, draft: Draft, what: &str) -> Result<CK_OBJECT_HANDLE> {
        let [handle] = self.place_all(by, [draft], what)?;
        Ok(handle)
    }

    /// All drafts or none.
    pub(crate) fn place_all<const N: usize>(
        &self,
        by: &Caller,
        drafts: [Draft; N],
        what: &str,
    ) -> Result<[CK_OBJECT_HANDLE; N]> {
        let mut rows = Vec::new();
        let mut objects = Vec::new();
        for draft in drafts {
            let (object, row) = match draft.attributes.flag(CKA_TOKEN) {
                true => self
                    .row_object(by, draft)
                    .map(|(object, row)| (object, Some(row)))?,
                false => (session_object(by, draft)?, None),
            };
            rows.extend(row);
            objects.push(Arc::new(object));
        }
        if !rows.is_empty() {
            self.insert_rows(&rows, what)?;
        }
        let handles: Vec<_> = objects.iter().map(|object| object.handle).collect();
        objects.into_iter().for_each(|object| self.heap.put(object));
        handles.try_into().map_err(|_| Code::GeneralError.into())
    }

    /// What a copy keeps: the same envelope, or the parts again.
    fn copied(&self, by: &Caller, object: &Arc<Object>, to: &Attributes) -> Result<Content> {
        if object.material.is_none() {
            return Ok(Content::None);
        }
        let from_row =
            matches!(object.home, Home::Row { .. }) && object.material.envelope().is_none();
        match from_row && !to.flag(CKA_TOKEN) {
            true => Ok(Content::Parts(
                self.opened(by, object)?.cloned_parts()?,
                None,
            )),
            false => Ok(Content::Shared(Arc::clone(object))),
        }
    }
}

fn session_object(by: &Caller, draft: Draft) -> Result<Object> {
    let material = match draft.content {
        Content::None => Arc::new(Material::none()),
        Content::Parts(parts, key) => Arc::new(Material::held(parts, key)),
        Content::Envelope(envelope, parts, until) => {
            let material = Material::of_envelope(envelope);
            material.keep(parts, None, until);
            Arc::new(material)
        }
        Content::Shared(object) => shared(&object)?,
    };
    Ok(Object {
        handle: heap::new_handle(),
        home: Home::Session(by.session),
        attributes: draft.attributes,
        material,
        trusted: None,
        checked: AtomicI64::new(os::boottime_ns()),
    })
}

/// A session copy of a session object shares its parts; of a token object it takes the envelope, or
/// has been given the parts by [`Token::copied`].
fn shared(object: &Object) -> Result<Arc<Material>> {
    match (object.material.envelope(), object.home) {
        (Some(envelope), _) => Ok(Arc::new(Material::of_envelope(envelope.to_vec()))),
        (None, Home::Session(_)) => Ok(Arc::clone(&object.material)),
        (None, Home::Row { .. } | Home::Fixed) => Err(Code::GeneralError.into()),
    }
}

/// A key that a host brings: checked, completed, its lengths as they are.
fn imported(class: &Class, mut given: Given, key_type: CK_KEY_TYPE) -> Result<Draft> {
    let of = given
        .attributes
        .number(CKA_CLASS)
        .ok_or(Code::GeneralError)?;
    let said = std::mem::take(&mut given.attributes);
    let made = {
        let part = |kind| {
            let secret = given.parts.iter().find(|(each, _)| *each == kind);
            secret
                .map(|(_, secret)| secret.expose())
                .or_else(|| said.bytes(kind))
        };
        mechanism::complete(of, key_type, &part)?
    };
    let mut attributes = said.clone();
    let content = adopt(&mut attributes, made)?;
    make::lengths_agree(class, &said, &attributes)?;
    Ok(Draft {
        attributes,
        content,
    })
}

/// A secret key of these bytes.
///
/// # Errors
/// `CKR_KEY_SIZE_RANGE`, `CKR_ATTRIBUTE_VALUE_INVALID` for a length that its type cannot have,
/// `CKR_WRAPPED_KEY_LEN_RANGE` for another than the template says.
pub(crate) fn secret_draft(given: Given, value: Secret) -> Result<Draft> {
    let mut attributes = given.attributes;
    let said = attributes.remove(CKA_VALUE_LEN);
    if said.is_some_and(|said| said != Value::Number(value.len() as CK_ULONG)) {
        return Err(Code::WrappedKeyLenRange.into());
    }
    let key_type = attributes
        .number(CKA_KEY_TYPE)
        .ok_or(Code::TemplateIncomplete)?;
    let made = mechanism::complete(CKO_SECRET_KEY, key_type, &|kind| {
        (kind == CKA_VALUE).then_some(value.expose())
    })?;
    let content = adopt(&mut attributes, made)?;
    Ok(Draft {
        attributes,
        content,
    })
}

/// Puts what a mechanism made of a key into attributes and content.
pub(crate) fn adopt(attributes: &mut Attributes, made: NewKey) -> Result<Content> {
    for (kind, bytes) in made.public {
        // What the host gave in another spelling is given back as it came (rule 38).
        if kind != CKA_EC_PARAMS || attributes.get(kind).is_none() {
            let value = Value::from_c(class::form(kind), &bytes)?;
            attributes.set(kind, value);
        }
    }
    if attributes.number(CKA_CLASS) == Some(CKO_SECRET_KEY) {
        let length = made
            .secret
            .iter()
            .find(|(kind, _)| *kind == CKA_VALUE)
            .map(|(_, v)| v.len());
        attributes.set(
            CKA_VALUE_LEN,
            Value::Number(length.unwrap_or(0) as CK_ULONG),
        );
    }
    if let Some(info) = made.key.as_ref().and_then(Key::public_key_info) {
        attributes.set(CKA_PUBLIC_KEY_INFO, Value::Bytes(info));
    }
    own_check_value(attributes, made.key.as_ref())?;
    let key = made.key.map(Arc::new);
    Ok(match attributes.number(CKA_CLASS) {
        Some(CKO_PUBLIC_KEY) => Content::Parts(Parts::new(), key),
        _ => Content::Parts(made.secret, key),
    })
}

/// A check value that a template brings for a secret key must be the key's; it is not kept.
///
/// # Errors
/// `CKR_ATTRIBUTE_VALUE_INVALID`.
pub(crate) fn own_check_value(attributes: &mut Attributes, key: Option<&Key>) -> Result<()> {
    if attributes.number(CKA_CLASS) != Some(CKO_SECRET_KEY) {
        return Ok(());
    }
    let Some(Value::Bytes(said)) = attributes.remove(CKA_CHECK_VALUE) else {
        return Ok(());
    };
    let is = key.and_then(Key::check_value);
    match said.is_empty() || is.is_some_and(|is| lc::equal(&is, &said)) {
        true => Ok(()),
        false => Err(Code::AttributeValueInvalid.into()),
    }
}

/// Data and certificates: a private one's value is kept apart.
fn without_key(given: Given) -> Result<Draft> {
    let mut attributes = given.attributes;
    let is_x509 = attributes
        .number(CKA_CERTIFICATE_TYPE)
        .is_none_or(|kind| kind == CKC_X_509);
    if !is_x509 {
        return Err(Code::AttributeValueInvalid.into());
    }
    describe_certificate(&mut attributes);
    let content = match hidden_value(&mut attributes)? {
        Some(value) => Content::Parts(value, None),
        None => Content::None,
    };
    Ok(Draft {
        attributes,
        content,
    })
}

/// Takes the value of a private object without a key out of what can be seen.
fn hidden_value(attributes: &mut Attributes) -> Result<Option<Parts>> {
    if !attributes.flag(CKA_PRIVATE) || attributes.get(CKA_KEY_TYPE).is_some() {
        return Ok(None);
    }
    let Some(Value::Bytes(value)) = attributes.remove(CKA_VALUE) else {
        return Ok(None);
    };
    let value = zeroize::Zeroizing::new(value);
    Ok(Some(vec![(CKA_VALUE, Secret::copy(&value)?)]))
}

/// What no object of the class has cannot be changed on one.
fn no_such_type(error: Error) -> Error {
    match error.code == Code::TemplateInconsistent {
        true => Code::AttributeTypeInvalid.into(),
        false => error,
    }
}

/// What can be read off a certificate and the host did not say (PKCS#11 3.2, 4.6.3).
fn describe_certificate(attributes: &mut Attributes) {
    if attributes.number(CKA_CLASS) != Some(CKO_CERTIFICATE) {
        return;
    }
    let Some(value) = attributes
        .bytes(CKA_VALUE)
        .filter(|value| !value.is_empty())
    else {
        return;
    };
    let (check, info) = (check_of(value), mechanism::certificate_key_info(value));
    if let Some(check) = check {
        attributes.default_to(CKA_CHECK_VALUE, Value::Bytes(check));
    }
    let silent = attributes
        .bytes(CKA_PUBLIC_KEY_INFO)
        .is_none_or(<[u8]>::is_empty);
    if let Some(info) = info.filter(|_| silent) {
        attributes.set(CKA_PUBLIC_KEY_INFO, Value::Bytes(info));
    }
}

/// The first three bytes of the SHA-1.
fn check_of(value: &[u8]) -> Option<Vec<u8>> {
    let (digest, _) = lc::digest::hash(lc::digest::Hash::Sha1, &[value]).ok()?;
    digest.get(..3).map(<[u8]>::to_vec)
}

pub(crate) fn class_of(attributes: &Attributes) -> Result<Class> {
    let class = attributes.number(CKA_CLASS).ok_or(Code::GeneralError)?;
    Class::of(class, attributes.number(CKA_KEY_TYPE))
}

/// Whether the bytes of a secret or private key may be read.
pub(crate) fn is_readable(attributes: &Attributes) -> bool {
    attributes.flag(CKA_EXTRACTABLE) && !attributes.flag(CKA_SENSITIVE)
}

/// Whether a type is among an object's secret parts.
fn is_part(object: &Object, kind: CK_ATTRIBUTE_TYPE) -> bool {
    match object.is_secret() {
        true => class_of(&object.attributes)
            .is_ok_and(|class| class.rule(kind).is_some_and(|rule| rule.is(SECRET))),
        false => kind == CKA_VALUE && object.attributes.flag(CKA_PRIVATE),
    }
}

/// `CKA_UNIQUE_ID`: the row's id; of what the configuration makes, a digest of what it says; else
/// what no other object of this process ever has.
pub(crate) fn unique_id(object: &Object) -> String {
    match object.home {
        Home::Row { id, .. } => rows::name(&id),
        Home::Fixed => {
            let digest = lc::digest::sha256(&[&object.attributes.encode()]);
            digest
                .iter()
                .take(16)
                .map(|byte| format!("{byte:02x}"))
                .collect()
        }
        Home::Session(_) => format!("{:08x}-{:016x}", std::process::id(), object.handle),
    }
}
