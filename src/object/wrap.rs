//! `C_WrapKey` and `C_UnwrapKey`: envelopes under a KEK, the standard's mechanisms under any other
//! key (design.md §6).
#![forbid(unsafe_code)]

use std::sync::Arc;

use cryptoki_sys::*;

use super::access;
use super::attribute::{Attributes, Value};
use super::blame::During;
use super::heap::Object;
use super::kek::{self, Kek};
use super::make::{self, Origin};
use super::objects::{self, Content, Draft};
use super::operate;
use super::template::{Given, Template};
use super::{Caller, Token, payload, windows};
use crate::ck;
use crate::config;
use crate::envelope::Kind;
use crate::error::{Code, Error, Reason, Result};
use crate::log;
use crate::mechanism::{self, How, Key};
use crate::secret::Secret;

impl Token {
    /// All checks of a wrap, and an upper bound of its length; asks no sibling.
    pub(crate) fn wrapped_len(
        &self,
        by: &Caller,
        how: &How,
        wrapping: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
    ) -> Result<usize> {
        let (wrapping, object) = self.may_wrap(by, how, wrapping, key)?;
        if let Some(kek) = self.kek(&wrapping) {
            let window = self.window_for(kek, kek::params(how), Some(&object.attributes))?;
            let aad = kek::params(how).is_some_and(|params| !params.aad.is_empty());
            return Ok(self.len_bound(window, self.key_payload(by, &object)?.len(), aad));
        }
        let plain = self.plain(by, Arc::clone(&object))?;
        let with = self.usable(by, wrapping)?;
        operate::able(how, CKF_WRAP)?
            .does
            .wrapped_len(&with.key, &how.params, plain.len())
    }

    pub(crate) fn wrap(
        &self,
        by: &Caller,
        how: &How,
        wrapping: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Vec<u8>> {
        let (wrapping, object) = self.may_wrap(by, how, wrapping, key)?;
        if let Some(kek) = self.kek(&wrapping) {
            return self.wrap_into_envelope(by, kek, how, &object);
        }
        let plain = self.plain(by, object)?;
        let with = self.usable(by, wrapping)?;
        operate::able(how, CKF_WRAP)?
            .does
            .wrap(&with.key, &how.params, plain.expose())
    }

    fn wrap_into_envelope(
        &self,
        by: &Caller,
        kek: Kek,
        how: &How,
        object: &Object,
    ) -> Result<Vec<u8>> {
        self.needs_login(by)?;
        let window = self.window_for(kek, kek::params(how), Some(&object.attributes))?;
        let payload = self.key_payload(by, object)?;
        let opened = self.opened(by, object)?;
        for (_, part) in opened.parts() {
            self.check_material(part.expose())?;
        }
        let aad = kek::params(how)
            .map(|params| params.aad.as_slice())
            .unwrap_or_default();
        let sealed = self.seal(Kind::Key, window, payload.expose(), aad)?;
        if sealed.bytes.len() > SMALL_HOST {
            log::warn(format_args!(
                "an envelope of {} bytes: pkcs11-tool up to 0.25 cuts input at {SMALL_HOST}",
                sealed.bytes.len()
            ));
        }
        Ok(sealed.bytes)
    }

    /// The wrapping key and the key to wrap, each checked, in the order of SoftHSM.
    fn may_wrap(
        &self,
        by: &Caller,
        how: &How,
        wrapping: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
    ) -> Result<(Arc<Object>, Arc<Object>)> {
        let wrapping = self
            .permitted(by, wrapping, how, CKA_WRAP)
            .map_err(|error| {
                instead(
                    error,
                    Code::KeyHandleInvalid,
                    Code::WrappingKeyHandleInvalid,
                )
            })?;
        if !(self.kek(&wrapping).is_some() && kek::is_envelope(how)) {
            operate::able(how, CKF_WRAP)?;
        }
        let object = self.key_object(by, key)?;
        self.wrappable(&object, &wrapping)?;
        Ok((wrapping, object))
    }

    fn wrappable(&self, object: &Object, wrapping: &Object) -> Result<()> {
        let is_kek = self.kek(wrapping).is_some();
        if !object.is_secret() {
            return Err(Code::KeyNotWrappable.into());
        }
        if !object.attributes.flag(CKA_EXTRACTABLE) {
            return Err(Code::KeyUnextractable.into());
        }
        if object.attributes.flag(CKA_WRAP_WITH_TRUSTED) && !self.is_trusted_key(wrapping)? {
            return Err(Code::KeyNotWrappable.into());
        }
        if windows::window(&object.attributes).is_some_and(|w| w.is_bounded()) && !is_kek {
            return Err(Error::new(Code::KeyNotWrappable, Reason::TooWide));
        }
        let asked = wrapping.attributes.nested(CKA_WRAP_TEMPLATE);
        if asked.is_some_and(|template| !object.attributes.hold(template)) {
            return Err(Code::KeyHandleInvalid.into());
        }
        self.within_window(&object.attributes)
    }

    /// `CKA_TRUSTED` reads FALSE until the token key is open: it is opened first.
    pub(super) fn is_trusted_key(&self, object: &Object) -> Result<bool> {
        if !object.attributes.flag(CKA_TRUSTED) {
            return Ok(false);
        }
        self.token_key()?;
        Ok(self.is_trusted(object))
    }

    /// What the standard's mechanisms wrap: a value, or a PKCS#8.
    fn plain(&self, by: &Caller, object: Arc<Object>) -> Result<Secret> {
        let usable = self.usable(by, object)?;
        match usable.object.class() {
            CKO_SECRET_KEY => usable.key.value()?.try_clone(),
            _ => usable.key.to_pkcs8(),
        }
    }

    /// What an envelope holds of a key (rule 29).
    fn key_payload(&self, by: &Caller, object: &Object) -> Result<Secret> {
        let opened = self.opened(by, object)?;
        payload::encode(&object.attributes, opened.parts())
    }

    pub(crate) fn unwrap(
        &self,
        by: &Caller,
        how: &How,
        unwrapping: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        let unwrapping = self
            .permitted(by, unwrapping, how, CKA_UNWRAP)
            .map_err(|error| {
                instead(
                    error,
                    Code::KeyHandleInvalid,
                    Code::UnwrappingKeyHandleInvalid,
                )
            })?;
        if unwrapping.attributes.flag(CKA_ALWAYS_AUTHENTICATE) {
            return Err(Code::UserNotLoggedIn.into());
        }
        let draft = match self.kek(&unwrapping) {
            Some(_) if kek::is_envelope(how) => {
                self.key_of_envelope(by, how, &unwrapping, wrapped, template)?
            }
            _ => self.key_of_wrapped(by, how, unwrapping, wrapped, template)?,
        };
        self.place(by, draft, "key-unwrap")
    }

    fn key_of_wrapped(
        &self,
        by: &Caller,
        how: &How,
        unwrapping: Arc<Object>,
        wrapped: &[u8],
        template: Template,
    ) -> Result<Draft> {
        let line = operate::able(how, CKF_UNWRAP)?;
        let given = self.unwrapped_template(by, template, &unwrapping.attributes)?;
        let with = self.usable(by, unwrapping)?;
        let value = line.does.unwrap(&with.key, &how.params, wrapped)?;
        let mut draft = draft_of(how, given, value).map_err(one_code)?;
        windows::hand_on(&with.object.attributes, &mut draft.attributes)?;
        Ok(draft)
    }

    fn unwrapped_template(
        &self,
        by: &Caller,
        template: Template,
        unwrapping: &Attributes,
    ) -> Result<Given> {
        let (rules, mut given) = make::read(template, None, None)?;
        let class = given
            .attributes
            .number(CKA_CLASS)
            .ok_or(Code::GeneralError)?;
        if !matches!(class, CKO_SECRET_KEY | CKO_PRIVATE_KEY) {
            return Err(Code::TemplateInconsistent.into());
        }
        make::impose(
            &mut given.attributes,
            unwrapping.nested(CKA_UNWRAP_TEMPLATE),
        )?;
        self.default_sensitive(&mut given.attributes, class);
        make::complete(&rules, &mut given, Origin::Unwrapped, by)?;
        access::may_write(by, self.pin_less(), &given.attributes)?;
        self.may_keep(by, &given.attributes)?;
        Ok(given)
    }

    /// The key of an envelope, no looser than it was sealed (rules 28 to 30).
    fn key_of_envelope(
        &self,
        by: &Caller,
        how: &How,
        kek: &Object,
        wrapped: &[u8],
        template: Template,
    ) -> Result<Draft> {
        self.needs_login(by)?;
        let aad = kek::opening_context(how)?;
        template_allows(by, &template)?;
        let opened = self.open_envelope(wrapped, Kind::Key, &aad, During::Unwrap)?;
        let sealed = payload::decode(opened.payload.expose())
            .ok_or_else(|| Error::new(Code::WrappedKeyInvalid, Reason::EnvelopeDamaged))?;
        let mut attributes = self.restored(by, template, &sealed, kek)?;
        windows::show_envelope(&mut attributes, &opened.header, self.id());
        if !aad.is_empty() {
            attributes.set(ck::CKA_ZEQ_CONTEXT, Value::Bytes(aad));
        }
        access::may_write(by, self.pin_less(), &attributes)?;
        let until = self.lease_end(&opened.header.window);
        check_value_fits(&mut attributes, &sealed)?;
        let content = Content::Envelope(wrapped.to_vec(), sealed.parts, until);
        Ok(Draft {
            attributes,
            content,
        })
    }

    /// The sealed attributes with the template's over them, tightened.
    fn restored(
        &self,
        by: &Caller,
        template: Template,
        sealed: &payload::KeyPayload,
        kek: &Object,
    ) -> Result<Attributes> {
        let limits = &sealed.attributes;
        let (class, key_type) = (limits.number(CKA_CLASS), limits.number(CKA_KEY_TYPE));
        let (rules, mut given) = make::read(template, class, key_type)?;
        if given
            .attributes
            .remove(CKA_VALUE_LEN)
            .is_some_and(|said| limits.get(CKA_VALUE_LEN) != Some(&said))
        {
            return Err(Code::WrappedKeyLenRange.into());
        }
        make::impose(
            &mut given.attributes,
            kek.attributes.nested(CKA_UNWRAP_TEMPLATE),
        )?;
        let (made, said): (Vec<_>, Vec<_>) = limits
            .iter()
            .filter(|(kind, _)| !of_its_own(*kind))
            .partition(|(kind, _)| MADE.contains(kind));
        for (kind, value) in said {
            given.attributes.default_to(kind, value.clone());
        }
        make::complete(&rules, &mut given, Origin::Unwrapped, by)?;
        let mut attributes = given.attributes;
        for (kind, value) in made {
            attributes.set(kind, value.clone());
        }
        let tightened = access::tighten(&mut attributes, limits);
        self.clamped(&tightened)?;
        Ok(attributes)
    }

    /// Rule 28: a template that loosens is clamped, and that is written down.
    fn clamped(&self, tightened: &[CK_ATTRIBUTE_TYPE]) -> Result<()> {
        if tightened.is_empty() {
            return Ok(());
        }
        if self.shared.config.templates == config::Templates::Strict {
            return Err(Code::TemplateInconsistent.into());
        }
        let types = tightened
            .iter()
            .map(|kind| format!("0x{kind:x}"))
            .collect::<Vec<_>>()
            .join(" ");
        log::info(format_args!(
            "a template was looser than its envelope; kept as sealed: {types}"
        ));
        let entry = self.entry("envelope-clamp", types);
        if let Err(why) = self.shared.store.audit(&entry) {
            log::warn(format_args!(
                "envelope-clamp is not in the audit trail: {why}"
            ));
        }
        Ok(())
    }
}

/// The most that pkcs11-tool up to 0.25 reads of a wrapped key.
const SMALL_HOST: usize = 1024;

/// What is part of the key itself: no template names it.
const MADE: [CK_ATTRIBUTE_TYPE; 5] = [
    CKA_MODULUS,
    CKA_PUBLIC_EXPONENT,
    CKA_EC_PARAMS,
    CKA_EC_POINT,
    CKA_VALUE_LEN,
];

fn check_value_fits(attributes: &mut Attributes, sealed: &payload::KeyPayload) -> Result<()> {
    if attributes.get(CKA_CHECK_VALUE).is_none()
        || attributes.number(CKA_CLASS) != Some(CKO_SECRET_KEY)
    {
        return Ok(());
    }
    let key_type = attributes.number(CKA_KEY_TYPE).ok_or(Code::GeneralError)?;
    let part = |kind| {
        let found = sealed.parts.iter().find(|(each, _)| *each == kind);
        found.map(|(_, part)| part.expose())
    };
    let key = Key::open(CKO_SECRET_KEY, key_type, &part)?;
    objects::own_check_value(attributes, Some(&key))
}

/// Attributes that a new object has of its own (rule 30).
fn of_its_own(kind: CK_ATTRIBUTE_TYPE) -> bool {
    matches!(
        kind,
        CKA_LOCAL | CKA_ALWAYS_SENSITIVE | CKA_NEVER_EXTRACTABLE | CKA_KEY_GEN_MECHANISM
    )
}

/// What can be refused before a sibling is asked (rule 7): a token object in a read-only session.
fn template_allows(by: &Caller, template: &Template) -> Result<()> {
    let loose = template.loose()?;
    match loose.flag(CKA_TOKEN) && !by.writes {
        true => Err(Code::SessionReadOnly.into()),
        false => Ok(()),
    }
}

/// What was unwrapped, as an object.
fn draft_of(how: &How, given: Given, value: Secret) -> Result<Draft> {
    match given.attributes.number(CKA_CLASS) {
        Some(CKO_SECRET_KEY) => {
            let value = cut(how, &given, value)?;
            objects::secret_draft(given, value)
        }
        _ => private_draft(given, &value),
    }
}

/// What is wrong behind a padding is told by no code of its own, or a host's answers would open the
/// wrapped key (rule 40).
fn one_code(error: Error) -> Error {
    match error.code == Code::HostMemory {
        true => error,
        false => Error {
            code: Code::WrappedKeyInvalid,
            ..error
        },
    }
}

/// A mode without padding gives whole blocks: the template says how many bytes are the key's.
fn cut(how: &How, given: &Given, value: Secret) -> Result<Secret> {
    let said = given
        .attributes
        .number(CKA_VALUE_LEN)
        .and_then(|said| usize::try_from(said).ok());
    let padded = matches!(how.kind, CKM_AES_CBC | CKM_AES_ECB);
    match said
        .filter(|_| padded)
        .and_then(|said| value.expose().get(..said))
    {
        Some(front) => Secret::copy(front),
        None => Ok(value),
    }
}

fn private_draft(given: Given, pkcs8: &Secret) -> Result<Draft> {
    let made = mechanism::from_pkcs8(pkcs8.expose())?;
    let mut attributes = given.attributes;
    if attributes.number(CKA_KEY_TYPE) != Some(made.key_type) {
        return Err(Code::WrappedKeyInvalid.into());
    }
    let content = objects::adopt(&mut attributes, made)?;
    Ok(Draft {
        attributes,
        content,
    })
}

fn instead(error: Error, found: Code, code: Code) -> Error {
    match error.code == found {
        true => Error { code, ..error },
        false => error,
    }
}
