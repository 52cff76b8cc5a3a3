//! Typed attributes: what an object shows of itself, sorted by type, and its two forms: C's
//! (`C_GetAttributeValue`) and deterministic CBOR (the row, formats.md §4.7).
#![forbid(unsafe_code)]

use std::fmt;

use cryptoki_sys::*;

use super::Shown;
use super::class;
use crate::cbor::{Item, Malformed, Reader};
use crate::clock::Date;
use crate::error::{Code, Result};

/// A value in its type.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Flag(bool),
    Number(CK_ULONG),
    Bytes(Vec<u8>),
    /// `CKA_ALLOWED_MECHANISMS`.
    Mechanisms(Vec<CK_MECHANISM_TYPE>),
    /// `CKA_WRAP_TEMPLATE` and its kin.
    Nested(Attributes),
}

/// How a type's value looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Flag,
    Number,
    Bytes,
    /// Empty, or 8 bytes of digits.
    Date,
    Mechanisms,
    Nested,
}

/// Attributes, each type once, in order of type.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes(Vec<(CK_ATTRIBUTE_TYPE, Value)>);

impl Attributes {
    pub(crate) fn get(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&Value> {
        let place = self.0.binary_search_by_key(&kind, |(kind, _)| *kind).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    pub(crate) fn set(&mut self, kind: CK_ATTRIBUTE_TYPE, value: Value) {
        match self.0.binary_search_by_key(&kind, |(kind, _)| *kind) {
            Ok(place) => {
                if let Some(old) = self.0.get_mut(place) {
                    old.1 = value;
                }
            }
            Err(place) => self.0.insert(place, (kind, value)),
        }
    }

    /// Sets what is not there yet.
    pub(crate) fn default_to(&mut self, kind: CK_ATTRIBUTE_TYPE, value: Value) {
        if self.get(kind).is_none() {
            self.set(kind, value);
        }
    }

    pub(crate) fn remove(&mut self, kind: CK_ATTRIBUTE_TYPE) -> Option<Value> {
        let place = self.0.binary_search_by_key(&kind, |(kind, _)| *kind).ok()?;
        Some(self.0.remove(place).1)
    }

    /// A flag that is not there is FALSE.
    pub(crate) fn flag(&self, kind: CK_ATTRIBUTE_TYPE) -> bool {
        matches!(self.get(kind), Some(Value::Flag(true)))
    }

    pub(crate) fn number(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<CK_ULONG> {
        match self.get(kind) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        match self.get(kind) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn nested(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&Self> {
        match self.get(kind) {
            Some(Value::Nested(nested)) => Some(nested),
            _ => None,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (CK_ATTRIBUTE_TYPE, &Value)> {
        self.0.iter().map(|(kind, value)| (*kind, value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every attribute of `other` is here with the same value.
    pub(crate) fn hold(&self, other: &Self) -> bool {
        other
            .iter()
            .all(|(kind, value)| self.get(kind) == Some(value))
    }

    /// Deterministic CBOR (RFC 8949 §4.2.1): a map of type to value.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let values: Vec<_> = self
            .0
            .iter()
            .map(|(kind, value)| (*kind, value.encode()))
            .collect();
        let items: Vec<_> = values
            .iter()
            .map(|(k, v)| (Item::Uint(*k), Item::Raw(v)))
            .collect();
        Item::Map(&items).to_vec()
    }

    /// `None`: not what [`Attributes::encode`] writes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let found = Self::read(&mut reader, NESTING).ok()?;
        reader.end().ok()?;
        Some(found)
    }

    fn read(from: &mut Reader<'_>, depth: u8) -> Result<Self, Malformed> {
        let mut found = Vec::new();
        from.map(|kind, from| {
            let kind = kind.try_into().map_err(|_| Malformed("a negative type"))?;
            found.push((kind, Value::read(kind, from, depth)?));
            Ok::<(), Malformed>(())
        })?;
        Ok(Self(found))
    }
}

/// A template in a template in a template is nobody's.
const NESTING: u8 = 3;

impl FromIterator<(CK_ATTRIBUTE_TYPE, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (CK_ATTRIBUTE_TYPE, Value)>>(from: I) -> Self {
        let mut all = Self::default();
        from.into_iter()
            .for_each(|(kind, value)| all.set(kind, value));
        all
    }
}

impl Value {
    /// A value from C's form.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for a length or a value that the type cannot have.
    pub(crate) fn from_c(form: Form, bytes: &[u8]) -> Result<Self> {
        let value = match form {
            Form::Flag => match bytes {
                [0] => Self::Flag(false),
                [1] => Self::Flag(true),
                _ => return Err(Code::AttributeValueInvalid.into()),
            },
            Form::Number => Self::Number(number(bytes)?),
            Form::Bytes => Self::Bytes(bytes.to_vec()),
            Form::Date if bytes.is_empty() || is_date(bytes) => Self::Bytes(bytes.to_vec()),
            Form::Date | Form::Nested => return Err(Code::AttributeValueInvalid.into()),
            Form::Mechanisms => Self::Mechanisms(numbers(bytes)?),
        };
        Ok(value)
    }

    /// Shows the value in C's form.
    pub(crate) fn show<R>(&self, to: impl FnOnce(Shown<'_>) -> R) -> R {
        match self {
            Self::Flag(flag) => to(Shown::Bytes(&[u8::from(*flag)])),
            Self::Number(number) => to(Shown::Bytes(&number.to_ne_bytes())),
            Self::Bytes(bytes) => to(Shown::Bytes(bytes)),
            Self::Mechanisms(list) => {
                let bytes: Vec<u8> = list.iter().flat_map(|kind| kind.to_ne_bytes()).collect();
                to(Shown::Bytes(&bytes))
            }
            Self::Nested(nested) => to(Shown::Nested(nested)),
        }
    }

    /// Bytes that it takes, for `C_GetObjectSize`.
    pub(crate) fn size(&self) -> usize {
        self.show(|shown| match shown {
            Shown::Bytes(bytes) => bytes.len(),
            Shown::Nested(nested) => nested.iter().map(|(_, value)| value.size()).sum(),
        })
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Flag(flag) => Item::Bool(*flag).to_vec(),
            Self::Number(number) => Item::Uint(*number).to_vec(),
            Self::Bytes(bytes) => Item::Bytes(bytes).to_vec(),
            Self::Mechanisms(list) => {
                let items: Vec<_> = list.iter().copied().map(Item::Uint).collect();
                Item::Array(&items).to_vec()
            }
            Self::Nested(nested) => nested.encode(),
        }
    }

    fn read(kind: CK_ATTRIBUTE_TYPE, from: &mut Reader<'_>, depth: u8) -> Result<Self, Malformed> {
        Ok(match class::form(kind) {
            Form::Flag => Self::Flag(from.bool().ok_or(Malformed("no flag"))?),
            Form::Number => Self::Number(from.uint()?),
            Form::Bytes | Form::Date => Self::Bytes(from.bytes()?.to_vec()),
            Form::Mechanisms => {
                let len = from.array()?;
                Self::Mechanisms((0..len).map(|_| from.uint()).collect::<Result<_, _>>()?)
            }
            Form::Nested => {
                let depth = depth.checked_sub(1).ok_or(Malformed("nested too deep"))?;
                Self::Nested(Attributes::read(from, depth)?)
            }
        })
    }
}

/// A `CK_ULONG` in machine order.
pub(super) fn number(bytes: &[u8]) -> Result<CK_ULONG> {
    let bytes = bytes.try_into().map_err(|_| Code::AttributeValueInvalid)?;
    Ok(CK_ULONG::from_ne_bytes(bytes))
}

fn numbers(bytes: &[u8]) -> Result<Vec<CK_ULONG>> {
    bytes.chunks(size_of::<CK_ULONG>()).map(number).collect()
}

/// `CK_DATE`: YYYYMMDD in digits, a day of the calendar.
fn is_date(bytes: &[u8]) -> bool {
    let number = |digits: &[u8]| {
        let digit = |n: u16, d: &u8| n * 10 + u16::from(d - b'0');
        digits.iter().fold(0, digit)
    };
    let [y1, y2, y3, y4, m1, m2, d1, d2] = *bytes else {
        return false;
    };
    let day = |two: [u8; 2]| u8::try_from(number(&two)).ok();
    bytes.iter().all(u8::is_ascii_digit)
        && day([m1, m2])
            .zip(day([d1, d2]))
            .and_then(|(month, day)| Date::new(i32::from(number(&[y1, y2, y3, y4])), month, day))
            .is_some()
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(..)")
    }
}

/// Values may be a private object's: types only.
impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(kind, _)| kind))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(depth: u32) -> BoxedStrategy<(CK_ATTRIBUTE_TYPE, Value)> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(|flag| (CKA_TOKEN, Value::Flag(flag))),
            any::<u64>().prop_map(|number| (CKA_KEY_TYPE, Value::Number(number))),
            any::<Vec<u8>>().prop_map(|bytes| (CKA_LABEL, Value::Bytes(bytes))),
            (0x8000_0000_u64..i64::MAX.cast_unsigned(), any::<Vec<u8>>())
                .prop_filter("ours have a form", |(kind, _)| kind >> 8 != 0x80_005A)
                .prop_map(|(kind, bytes)| (kind, Value::Bytes(bytes))),
            any::<Vec<u64>>().prop_map(|list| (CKA_ALLOWED_MECHANISMS, Value::Mechanisms(list))),
        ];
        if depth == 0 {
            return leaf.boxed();
        }
        let nested = prop::collection::vec(value(depth - 1), 0..4)
            .prop_map(|all| (CKA_WRAP_TEMPLATE, Value::Nested(all.into_iter().collect())));
        prop_oneof![leaf, nested].boxed()
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(all in prop::collection::vec(value(1), 0..12)) {
            let attributes: Attributes = all.into_iter().collect();
            let bytes = attributes.encode();
            prop_assert!(Attributes::decode(&bytes) == Some(attributes));
        }

        #[test]
        fn what_decodes_is_the_only_encoding_of_it(bytes in any::<Vec<u8>>()) {
            if let Some(attributes) = Attributes::decode(&bytes) {
                prop_assert_eq!(attributes.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_flag_is_one_byte_of_zero_or_one() {
        assert!(Value::from_c(Form::Flag, &[2]).is_err());
        assert!(Value::from_c(Form::Flag, &[1, 0]).is_err());
        assert!(Value::from_c(Form::Flag, &[1]).is_ok_and(|v| v == Value::Flag(true)));
    }

    #[test]
    fn a_date_is_empty_or_a_day() {
        for (bytes, fine) in [
            (&b""[..], true),
            (b"20261124", true),
            (b"20261324", false),
            (b"20260231", false),
            (b"2026112", false),
            (b"2026-1-1", false),
        ] {
            assert_eq!(Value::from_c(Form::Date, bytes).is_ok(), fine, "{bytes:?}");
        }
    }
}
