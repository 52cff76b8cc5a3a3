//! The standard's names of attributes, as the configuration spells them.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use cryptoki_sys::*;

use super::attribute::{Attributes, Form, Value};
use super::class;
use crate::config::AttributeValue;

macro_rules! names {
    ($($name:ident)*) => { &[$((stringify!($name), $name),)*] };
}

/// What a template of the configuration can ask of a key.
const NAMES: &[(&str, CK_ATTRIBUTE_TYPE)] = names! {
    CKA_CLASS CKA_TOKEN CKA_PRIVATE CKA_LABEL CKA_ID CKA_KEY_TYPE CKA_MODIFIABLE CKA_COPYABLE
    CKA_DESTROYABLE CKA_SENSITIVE CKA_EXTRACTABLE CKA_WRAP_WITH_TRUSTED CKA_ALWAYS_AUTHENTICATE
    CKA_ENCRYPT CKA_DECRYPT CKA_SIGN CKA_VERIFY CKA_WRAP CKA_UNWRAP CKA_DERIVE CKA_VALUE_LEN
    CKA_LOCAL CKA_ALWAYS_SENSITIVE CKA_NEVER_EXTRACTABLE
};

/// A table of the configuration as a template; `None` where it asks nothing.
///
/// # Errors
/// The name that is not known, or whose value has another type.
pub(super) fn template(
    table: &BTreeMap<String, AttributeValue>,
) -> Result<Option<Attributes>, String> {
    let each = |(name, value): (&String, &AttributeValue)| {
        let kind = NAMES
            .iter()
            .find(|(each, _)| each == name)
            .map(|(_, kind)| *kind);
        kind.and_then(|kind| Some((kind, typed(kind, value)?)))
            .ok_or_else(|| {
                format!("{name}: no attribute that a template can name, or another type")
            })
    };
    let attributes: Attributes = table.iter().map(each).collect::<Result<_, _>>()?;
    Ok((!attributes.is_empty()).then_some(attributes))
}

fn typed(kind: CK_ATTRIBUTE_TYPE, value: &AttributeValue) -> Option<Value> {
    match (class::form(kind), value) {
        (Form::Flag, AttributeValue::Flag(flag)) => Some(Value::Flag(*flag)),
        (Form::Number, AttributeValue::Number(number)) => Some(Value::Number(*number)),
        (Form::Bytes, AttributeValue::Text(text)) => Some(Value::Bytes(text.clone().into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: AttributeValue) -> Result<Option<Attributes>, String> {
        template(&[(name.to_string(), value)].into_iter().collect())
    }

    #[test]
    fn a_name_gives_its_attribute_in_its_type() {
        let found = one("CKA_EXTRACTABLE", AttributeValue::Flag(true))
            .unwrap()
            .unwrap();
        assert!(found.flag(CKA_EXTRACTABLE));
        assert!(one("CKA_EXTRACTABLE", AttributeValue::Number(1)).is_err());
        assert!(one("CKA_EXTRACTIBLE", AttributeValue::Flag(true)).is_err());
        assert!(template(&BTreeMap::new()).unwrap().is_none());
    }
}
