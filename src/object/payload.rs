//! A key as an envelope's payload (rule 29), and secret parts as a row's sealed value.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::attribute::{Attributes, Form, Value};
use super::class::{self, READ_ONLY};
use super::template::Template;
use crate::cbor::{Item, Malformed, Reader};
use crate::ck;
use crate::envelope::payload::{self, Value as Sealed};
use crate::error::{Code, Error, Reason, Result};
use crate::mechanism::Parts;
use crate::secret::Secret;

/// What an envelope says of a key, and its secret parts.
pub(crate) struct KeyPayload {
    pub(crate) attributes: Attributes,
    pub(crate) parts: Parts,
}

/// Every attribute that restricts, names or makes the key.
///
/// # Errors
/// `CKR_KEY_NOT_WRAPPABLE` for a key with an attribute that no envelope restores.
pub(crate) fn encode(attributes: &Attributes, parts: &Parts) -> Result<Secret> {
    let mut sealed: payload::Attributes = Vec::new();
    for (kind, value) in attributes.iter().filter(|(kind, _)| is_sealed(*kind)) {
        sealed.push((kind, to_sealed(value)));
    }
    for (kind, part) in parts {
        sealed.push((*kind, Sealed::Secret(part.try_clone()?)));
    }
    payload::encode(&sealed)
        .map_err(|why| Error::new(Code::KeyNotWrappable, Reason::CannotRestore).because(why))
}

/// `None`: no key of ours.
pub(crate) fn decode(bytes: &[u8]) -> Option<KeyPayload> {
    let (mut attributes, mut parts) = (Attributes::default(), Parts::new());
    for (kind, value) in payload::decode(bytes, Template::is_secret).ok()? {
        match (value, Template::is_secret(kind)) {
            (Sealed::Secret(part), true) => parts.push((kind, part)),
            (Sealed::Bytes(bytes), true) => parts.push((kind, Secret::copy(&bytes).ok()?)),
            (value, false) => attributes.set(kind, from_sealed(kind, value)?),
            (_, true) => return None,
        }
    }
    let length = parts
        .iter()
        .find(|(kind, _)| *kind == CKA_VALUE)
        .map(|(_, value)| value.len());
    if let (Some(CKO_SECRET_KEY), Some(length)) = (attributes.number(CKA_CLASS), length) {
        attributes.set(CKA_VALUE_LEN, Value::Number(length as CK_ULONG));
    }
    Some(KeyPayload { attributes, parts })
}

/// What stays behind: where the key lives, where it came from, what is made anew at unwrapping, and
/// what would only repeat the key.
fn is_sealed(kind: CK_ATTRIBUTE_TYPE) -> bool {
    let made_anew = matches!(
        kind,
        CKA_TOKEN
            | CKA_UNIQUE_ID
            | CKA_VALUE_LEN
            | CKA_PUBLIC_KEY_INFO
            | CKA_CHECK_VALUE
            | CKA_TRUSTED
            | CKA_START_DATE
            | CKA_END_DATE
            | ck::CKA_ZEQ_WINDOW
    );
    !made_anew && class::known(kind).is_none_or(|rule| !rule.is(READ_ONLY))
}

fn to_sealed(value: &Value) -> Sealed {
    match value {
        Value::Flag(flag) => Sealed::Bool(*flag),
        Value::Number(number) => Sealed::Uint(*number),
        Value::Bytes(bytes) => Sealed::Bytes(bytes.clone()),
        Value::Mechanisms(list) => Sealed::Uints(list.clone()),
        Value::Nested(nested) => Sealed::Map(
            nested
                .iter()
                .map(|(kind, value)| (kind, to_sealed(value)))
                .collect(),
        ),
    }
}

fn from_sealed(kind: CK_ATTRIBUTE_TYPE, value: Sealed) -> Option<Value> {
    Some(match (class::form(kind), value) {
        (Form::Flag, Sealed::Bool(flag)) => Value::Flag(flag),
        (Form::Number, Sealed::Uint(number)) => Value::Number(number),
        (Form::Bytes | Form::Date, Sealed::Bytes(bytes)) => Value::Bytes(bytes),
        (Form::Mechanisms, Sealed::Uints(list)) => Value::Mechanisms(list),
        (Form::Nested, Sealed::Map(nested)) => Value::Nested(
            nested
                .into_iter()
                .map(|(kind, value)| Some((kind, from_sealed(kind, value)?)))
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

/// Deterministic CBOR: a map of type to bytes.
///
/// # Errors
/// `CKR_HOST_MEMORY`.
pub(crate) fn encode_parts(parts: &Parts) -> Result<Secret> {
    let items: Vec<_> = parts
        .iter()
        .map(|(kind, part)| (Item::Uint(*kind), Item::Bytes(part.expose())))
        .collect();
    Item::Map(&items).to_secret()
}

/// `None`: not what [`encode_parts`] writes.
pub(crate) fn decode_parts(bytes: &[u8]) -> Option<Parts> {
    let (mut reader, mut parts) = (Reader::new(bytes), Parts::new());
    let read = reader.map(|kind, from| {
        let kind = kind.try_into().map_err(|_| Malformed("a negative type"))?;
        let part = Secret::copy(from.bytes()?).map_err(|_| Malformed("no memory"))?;
        parts.push((kind, part));
        Ok::<(), Malformed>(())
    });
    read.ok()?;
    reader.end().ok()?;
    Some(parts)
}
