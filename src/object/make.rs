//! The attributes of a new object: what its template must and must not say, what a silent one means,
//! what the token adds.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::attribute::{Attributes, Value};
use super::class::{Class, NEEDED, NOT_CREATED, NOT_MADE, READ_ONLY, SO_ONLY};
use super::template::{Given, Template};
use super::{Caller, Login};
use crate::error::{Code, Result};
use crate::mechanism::Wanted;

/// How an object comes to be.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// `C_CreateObject`.
    Created,
    /// `C_GenerateKey`, `C_GenerateKeyPair`.
    Generated(CK_MECHANISM_TYPE),
    /// `C_DeriveKey`, from keys with these attributes.
    Derived(&'a [&'a Attributes]),
    /// `C_UnwrapKey`.
    Unwrapped,
}

/// A template read as one of a class that may also come from the call: `C_GenerateKey` knows that it
/// makes a secret key of its mechanism's type.
///
/// # Errors
/// `CKR_TEMPLATE_INCONSISTENT` where the template says another class or type,
/// `CKR_TEMPLATE_INCOMPLETE` where nobody says one.
pub(crate) fn read(
    template: Template,
    class: Option<CK_OBJECT_CLASS>,
    key_type: Option<CK_KEY_TYPE>,
) -> Result<(Class, Given)> {
    let (said, known) = (template.number(CKA_CLASS)?, template.number(CKA_KEY_TYPE)?);
    let class = agreed(said, class)?.ok_or(Code::TemplateIncomplete)?;
    let is_key = matches!(class, CKO_PUBLIC_KEY | CKO_PRIVATE_KEY | CKO_SECRET_KEY);
    let key_type = if is_key {
        agreed(known, key_type)?
    } else {
        None
    };
    let rules = Class::of(class, key_type)?;
    let mut given = template.typed(&rules)?;
    given.attributes.set(CKA_CLASS, Value::Number(class));
    if let Some(key_type) = key_type {
        given.attributes.set(CKA_KEY_TYPE, Value::Number(key_type));
    }
    Ok((rules, given))
}

fn agreed(said: Option<CK_ULONG>, known: Option<CK_ULONG>) -> Result<Option<CK_ULONG>> {
    match (said, known) {
        (Some(said), Some(known)) if said != known => Err(Code::TemplateInconsistent.into()),
        (said, known) => Ok(said.or(known)),
    }
}

/// Checks what the host gave and adds the rest.
///
/// # Errors
/// `CKR_TEMPLATE_INCOMPLETE`, `CKR_TEMPLATE_INCONSISTENT`, `CKR_ATTRIBUTE_READ_ONLY`.
pub(crate) fn complete(
    class: &Class,
    given: &mut Given,
    origin: Origin<'_>,
    by: &Caller,
) -> Result<()> {
    let created = matches!(origin, Origin::Created);
    for rule in class.rules() {
        let there = given.has(rule.kind);
        if there && rule.is(READ_ONLY) {
            return Err(read_only(rule.kind).into());
        }
        if there && rule.is(SO_ONLY) && given.attributes.flag(rule.kind) && by.login != Login::So {
            return Err(Code::AttributeReadOnly.into());
        }
        if created && rule.is(NEEDED) && !there {
            return Err(Code::TemplateIncomplete.into());
        }
        if there && !created && rule.is(NOT_MADE) {
            return Err(Code::TemplateInconsistent.into());
        }
        if let Some(value) = rule.silent.value() {
            given.attributes.default_to(rule.kind, value);
        }
    }
    add_defaults(&mut given.attributes);
    add_history(&mut given.attributes, origin)?;
    consistent(&given.attributes)
}

/// A `CKA_UNIQUE_ID` in a template is answered as kryoptic and SoftHSM do.
fn read_only(kind: CK_ATTRIBUTE_TYPE) -> Code {
    match kind {
        CKA_UNIQUE_ID => Code::AttributeTypeInvalid,
        _ => Code::AttributeReadOnly,
    }
}

/// The lengths that a host may repeat at `C_CreateObject`, though the standard asks it not to, must
/// be true ([`NOT_CREATED`]).
///
/// # Errors
/// `CKR_ATTRIBUTE_VALUE_INVALID`.
pub(crate) fn lengths_agree(class: &Class, given: &Attributes, made: &Attributes) -> Result<()> {
    let lies = |kind| {
        given
            .get(kind)
            .is_some_and(|said| made.get(kind).is_some_and(|is| is != said))
    };
    match class
        .rules()
        .filter(|rule| rule.is(NOT_CREATED))
        .any(|rule| lies(rule.kind))
    {
        true => Err(Code::AttributeValueInvalid.into()),
        false => Ok(()),
    }
}

/// What a mechanism must know of a template.
pub(crate) fn wanted(given: &Attributes) -> Wanted {
    let length = |kind| {
        given
            .number(kind)
            .and_then(|number| usize::try_from(number).ok())
    };
    Wanted {
        key_type: given.number(CKA_KEY_TYPE),
        value_len: length(CKA_VALUE_LEN),
        modulus_bits: length(CKA_MODULUS_BITS),
        public_exponent: given.bytes(CKA_PUBLIC_EXPONENT).map(<[u8]>::to_vec),
        ec_params: given.bytes(CKA_EC_PARAMS).map(<[u8]>::to_vec),
    }
}

/// A wrapping or base key's own template over the host's: what it names must not be contradicted.
///
/// # Errors
/// `CKR_TEMPLATE_INCONSISTENT` (rule 23: never clamped).
pub(crate) fn impose(given: &mut Attributes, template: Option<&Attributes>) -> Result<()> {
    for (kind, value) in template.into_iter().flat_map(Attributes::iter) {
        match given.get(kind) {
            Some(said) if said != value => return Err(Code::TemplateInconsistent.into()),
            _ => given.set(kind, value.clone()),
        }
    }
    Ok(())
}

fn add_defaults(attributes: &mut Attributes) {
    let public = matches!(
        attributes.number(CKA_CLASS),
        Some(CKO_PUBLIC_KEY | CKO_CERTIFICATE)
    );
    attributes.default_to(CKA_PRIVATE, Value::Flag(!public));
}

/// Where a key comes from, and what it may therefore say of itself (PKCS#11 3.2, 4.9, 4.10).
fn add_history(attributes: &mut Attributes, origin: Origin<'_>) -> Result<()> {
    if attributes.number(CKA_KEY_TYPE).is_none() {
        return Ok(());
    }
    let (generated, mechanism) = match origin {
        Origin::Generated(mechanism) => (true, mechanism),
        Origin::Created | Origin::Derived(_) | Origin::Unwrapped => {
            (false, CK_UNAVAILABLE_INFORMATION)
        }
    };
    attributes.set(CKA_LOCAL, Value::Flag(generated));
    attributes.set(CKA_KEY_GEN_MECHANISM, Value::Number(mechanism));
    if attributes.number(CKA_CLASS) == Some(CKO_PUBLIC_KEY) {
        return Ok(());
    }
    let (always, never) = match origin {
        Origin::Derived(bases) => (
            bases.iter().all(|base| base.flag(CKA_ALWAYS_SENSITIVE)),
            bases.iter().all(|base| base.flag(CKA_NEVER_EXTRACTABLE)),
        ),
        Origin::Generated(_) => (true, true),
        Origin::Created | Origin::Unwrapped => (false, false),
    };
    let (sensitive, extractable) = (
        attributes.flag(CKA_SENSITIVE),
        attributes.flag(CKA_EXTRACTABLE),
    );
    attributes.set(CKA_ALWAYS_SENSITIVE, Value::Flag(always && sensitive));
    attributes.set(CKA_NEVER_EXTRACTABLE, Value::Flag(never && !extractable));
    Ok(())
}

/// A derived secret key is no looser than the secret key that it comes from (rule 40). An agreement
/// of private keys says nothing of them: its template decides, as the standard has it.
///
/// # Errors
/// `CKR_TEMPLATE_INCONSISTENT` where the template loosens.
pub(crate) fn inherit(given: &mut Attributes, base: &Attributes) -> Result<()> {
    if base.number(CKA_CLASS) != Some(CKO_SECRET_KEY) {
        return Ok(());
    }
    let mut strict = Attributes::default();
    if base.flag(CKA_SENSITIVE) {
        strict.set(CKA_SENSITIVE, Value::Flag(true));
    }
    if !base.flag(CKA_EXTRACTABLE) {
        strict.set(CKA_EXTRACTABLE, Value::Flag(false));
    }
    if base.flag(CKA_WRAP_WITH_TRUSTED) {
        strict.set(CKA_WRAP_WITH_TRUSTED, Value::Flag(true));
    }
    impose(given, Some(&strict))
}

fn consistent(attributes: &Attributes) -> Result<()> {
    let bare = attributes.flag(CKA_ALWAYS_AUTHENTICATE) && !attributes.flag(CKA_PRIVATE);
    match bare {
        true => Err(Code::TemplateInconsistent.into()),
        false => Ok(()),
    }
}

impl Given {
    fn has(&self, kind: CK_ATTRIBUTE_TYPE) -> bool {
        self.attributes.get(kind).is_some() || self.parts.iter().any(|(each, _)| *each == kind)
    }
}
