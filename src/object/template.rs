//! A template as a host gave it, copied deep, and the typed attributes that it becomes.
#![forbid(unsafe_code)]

use std::fmt;

use cryptoki_sys::*;

use super::attribute::{Attributes, Form, Value as Typed, number};
use super::class::{self, Class, SECRET};
use crate::error::{Code, Result};
use crate::mechanism::Parts;
use crate::secret::Secret;

/// Attributes in the host's order, values in C's form (a `CK_ULONG` is 8 bytes in machine order, a
/// `CK_BBOOL` one).
#[derive(Default, Debug)]
pub(crate) struct Template(pub(crate) Vec<(CK_ATTRIBUTE_TYPE, Value)>);

/// One value.
pub(crate) enum Value {
    Bytes(Vec<u8>),
    /// What may be a key's bytes; see [`Template::is_secret`].
    Secret(Secret),
    /// An array of attributes (`CKF_ARRAY_ATTRIBUTE`, not `CKA_ALLOWED_MECHANISMS`).
    Nested(Template),
}

/// A template by type: what can be seen, and a key's secret parts.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) attributes: Attributes,
    pub(crate) parts: Parts,
}

impl Template {
    /// Whether values of this type are copied into secret memory: `CKA_VALUE` and the private parts
    /// of RSA keys.
    pub(crate) fn is_secret(kind: CK_ATTRIBUTE_TYPE) -> bool {
        matches!(
            kind,
            CKA_VALUE
                | CKA_PRIVATE_EXPONENT
                | CKA_PRIME_1
                | CKA_PRIME_2
                | CKA_EXPONENT_1
                | CKA_EXPONENT_2
                | CKA_COEFFICIENT
                | CKA_SEED
        )
    }

    /// A number that decides what the rest means: the class, the key type.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` where its length is not a `CK_ULONG`'s.
    pub(crate) fn number(&self, kind: CK_ATTRIBUTE_TYPE) -> Result<Option<CK_ULONG>> {
        let Some((_, value)) = self.0.iter().find(|(each, _)| *each == kind) else {
            return Ok(None);
        };
        number(value.bytes()?).map(Some)
    }

    /// The template of an object of a class.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_TYPE_INVALID` for a type that a row's CBOR could not say,
    /// `CKR_TEMPLATE_INCONSISTENT` for a standard attribute of another class and for a type that is
    /// there twice with two values, `CKR_ATTRIBUTE_VALUE_INVALID` for a value that its type cannot
    /// have.
    pub(crate) fn typed(self, class: &Class) -> Result<Given> {
        let mut given = Given::default();
        for (kind, value) in self.0 {
            match class.rule(kind) {
                Some(rule) if rule.is(SECRET) => given.add_part(kind, value)?,
                Some(rule) => given.add(kind, value.typed(rule.form)?)?,
                // Nothing here is validated, so that no object has the attribute.
                None if kind == CKA_OBJECT_VALIDATION_FLAGS => {
                    return Err(Code::AttributeTypeInvalid.into());
                }
                None if class::is_standard(kind) => return Err(Code::TemplateInconsistent.into()),
                None => given.add(kind, value.typed(Form::Bytes)?)?,
            }
        }
        Ok(given)
    }

    /// What `C_CreateObject` reads of it, before any rule of its class: for the fuzz target.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn created(self) -> Result<Attributes> {
        let class = self.number(CKA_CLASS)?.ok_or(Code::TemplateIncomplete)?;
        let class = Class::of(class, self.number(CKA_KEY_TYPE)?)?;
        self.typed(&class).map(|given| given.attributes)
    }

    /// What a search or a nested template names, whatever the class. Secret values too: a search may
    /// ask for the value of a data object.
    pub(crate) fn loose(&self) -> Result<Attributes> {
        let mut given = Given::default();
        for (kind, value) in &self.0 {
            given.add(*kind, value.loose(class::form(*kind))?)?;
        }
        Ok(given.attributes)
    }
}

impl Given {
    /// A row counts types as CBOR does, below 2^63: no standard and no vendor has one above.
    fn add(&mut self, kind: CK_ATTRIBUTE_TYPE, value: Typed) -> Result<()> {
        if i64::try_from(kind).is_err() {
            return Err(Code::AttributeTypeInvalid.into());
        }
        match self.attributes.get(kind) {
            Some(same) if *same != value => Err(Code::TemplateInconsistent.into()),
            _ => {
                self.attributes.set(kind, value);
                Ok(())
            }
        }
    }

    fn add_part(&mut self, kind: CK_ATTRIBUTE_TYPE, value: Value) -> Result<()> {
        let secret = match value {
            Value::Secret(secret) => secret,
            Value::Bytes(bytes) => Secret::copy(&bytes)?,
            Value::Nested(_) => return Err(Code::AttributeValueInvalid.into()),
        };
        match self.parts.iter().find(|(each, _)| *each == kind) {
            Some((_, same)) if !same.is(secret.expose()) => Err(Code::TemplateInconsistent.into()),
            Some(_) => Ok(()),
            None => {
                self.parts.push((kind, secret));
                Ok(())
            }
        }
    }
}

impl Value {
    fn bytes(&self) -> Result<&[u8]> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Secret(secret) => Ok(secret.expose()),
            Self::Nested(_) => Err(Code::AttributeValueInvalid.into()),
        }
    }

    fn typed(self, form: Form) -> Result<Typed> {
        self.loose(form)
    }

    fn loose(&self, form: Form) -> Result<Typed> {
        match (self, form) {
            (Self::Nested(nested), Form::Nested) => Ok(Typed::Nested(nested.loose()?)),
            _ => Typed::from_c(form, self.bytes()?),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(all: &[(CK_ATTRIBUTE_TYPE, &[u8])]) -> Template {
        Template(
            all.iter()
                .map(|(kind, bytes)| (*kind, Value::Bytes(bytes.to_vec())))
                .collect(),
        )
    }

    fn data(all: &[(CK_ATTRIBUTE_TYPE, &[u8])]) -> Result<Given> {
        template(all).typed(&Class::of(CKO_DATA, None).unwrap())
    }

    #[test]
    fn an_attribute_of_another_class_is_inconsistent() {
        let code = data(&[(CKA_MODULUS, b"x")]).err().unwrap().code;
        assert_eq!(code, Code::TemplateInconsistent);
        let code = data(&[(CKA_HW_FEATURE_TYPE, b"x")]).err().unwrap().code;
        assert_eq!(code, Code::TemplateInconsistent);
    }

    #[test]
    fn a_type_that_no_row_can_say_is_refused() {
        let code = data(&[(1 << 63, b"x")]).err().unwrap().code;
        assert_eq!(code, Code::AttributeTypeInvalid);
    }

    #[test]
    fn a_vendor_attribute_is_kept() {
        let given = data(&[(CKA_VENDOR_DEFINED | 7, b"x")]).unwrap();
        assert_eq!(
            given.attributes.bytes(CKA_VENDOR_DEFINED | 7),
            Some(&b"x"[..])
        );
    }

    #[test]
    fn a_type_given_twice_must_say_the_same() {
        assert!(data(&[(CKA_LABEL, b"a"), (CKA_LABEL, b"a")]).is_ok());
        let code = data(&[(CKA_LABEL, b"a"), (CKA_LABEL, b"b")])
            .err()
            .unwrap()
            .code;
        assert_eq!(code, Code::TemplateInconsistent);
    }
}
