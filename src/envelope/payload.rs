//! What is inside: a key with its attributes, or a token's key (docs/envelope.md, 6). A data
//! envelope holds its bytes as they are.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::Error;
use crate::cbor::{Item, Malformed, Reader};
use crate::secret::Secret;

/// An attribute's value, by shape.
#[derive(Debug)]
pub(crate) enum Value {
    Bool(bool),
    Uint(u64),
    Bytes(Vec<u8>),
    /// Bytes that are key material.
    Secret(Secret),
    /// `CKA_ALLOWED_MECHANISMS`.
    Uints(Vec<u64>),
    /// A template.
    Map(Attributes),
}

/// Attribute types and their values; in order of type when decoded.
pub(crate) type Attributes = Vec<(u64, Value)>;

/// The flags that go into bit sets, by place. A public list: added to, never changed.
const FLAGS: [CK_ATTRIBUTE_TYPE; 22] = [
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_SENSITIVE,
    CKA_EXTRACTABLE,
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_WRAP,
    CKA_UNWRAP,
    CKA_SIGN,
    CKA_VERIFY,
    CKA_DERIVE,
    CKA_MODIFIABLE,
    CKA_COPYABLE,
    CKA_DESTROYABLE,
    CKA_WRAP_WITH_TRUSTED,
    CKA_ALWAYS_AUTHENTICATE,
    CKA_SIGN_RECOVER,
    CKA_VERIFY_RECOVER,
    CKA_TRUSTED,
    CKA_ENCAPSULATE,
    CKA_DECAPSULATE,
    CKA_LOCAL,
];

/// The key of the set of flags that are TRUE, and of those that are FALSE; as -1 - n.
const TRUE: u64 = 0;
const FALSE: u64 = 1;

/// How deep templates nest.
const DEPTH: u8 = 3;

/// Writes a `key` payload. Each type once, in any order.
///
/// # Errors
/// [`Error::Memory`].
pub(crate) fn encode(attributes: &[(u64, Value)]) -> Result<Secret, Error> {
    let (mut flags, mut nested) = ([0; 2], Vec::new());
    for (kind, value) in attributes {
        match (value, flag(*kind)) {
            (Value::Bool(true), Some(bit)) => flags[0] |= bit,
            (Value::Bool(false), Some(bit)) => flags[1] |= bit,
            (Value::Map(inner), _) => nested.push((*kind, encode(inner)?)),
            (Value::Uints(numbers), _) => nested.push((*kind, encode_numbers(numbers)?)),
            _ => {}
        }
    }
    let sets = [
        (Item::Negative(TRUE), flags[0]),
        (Item::Negative(FALSE), flags[1]),
    ];
    let sets = sets.into_iter().filter(|(_, set)| *set != 0);
    let sets = sets.map(|(key, set)| (key, Item::Uint(set)));
    let nested = nested
        .iter()
        .map(|(kind, item)| (Item::Uint(*kind), Item::Raw(item.expose())));
    let plain = attributes
        .iter()
        .filter_map(|(kind, value)| plain(*kind, value));
    let pairs: Vec<_> = plain.chain(nested).chain(sets).collect();
    Ok(Item::Map(&pairs).to_secret()?)
}

fn encode_numbers(numbers: &[u64]) -> Result<Secret, Error> {
    let items: Vec<_> = numbers.iter().copied().map(Item::Uint).collect();
    Ok(Item::Array(&items).to_secret()?)
}

/// What is neither a flag nor nested.
fn plain(kind: u64, value: &Value) -> Option<(Item<'_>, Item<'_>)> {
    let item = match value {
        Value::Bool(value) if flag(kind).is_none() => Item::Bool(*value),
        Value::Uint(number) => Item::Uint(*number),
        Value::Bytes(bytes) => Item::Bytes(bytes),
        Value::Secret(secret) => Item::Bytes(secret.expose()),
        Value::Bool(_) | Value::Uints(_) | Value::Map(_) => return None,
    };
    Some((Item::Uint(kind), item))
}

fn flag(kind: u64) -> Option<u64> {
    let place = FLAGS.iter().position(|flag| *flag == kind)?;
    Some(1 << place)
}

/// Reads a `key` payload; bytes of the types that `is_secret` names become [`Value::Secret`].
///
/// # Errors
/// [`Error::Malformed`], [`Error::Memory`].
pub(crate) fn decode(bytes: &[u8], is_secret: impl Fn(u64) -> bool) -> Result<Attributes, Error> {
    let mut reader = Reader::new(bytes);
    let attributes = attributes(&mut reader, &is_secret, DEPTH)?;
    reader.end()?;
    Ok(attributes)
}

fn attributes(
    reader: &mut Reader<'_>,
    is_secret: &dyn Fn(u64) -> bool,
    depth: u8,
) -> Result<Attributes, Error> {
    let (mut found, mut sets) = (Attributes::new(), [0; 2]);
    reader.map::<Error>(|key, item| {
        match u64::try_from(key) {
            Ok(kind) => found.push((kind, value(item, kind, is_secret, depth)?)),
            Err(_) => set(item, key, &mut sets)?,
        }
        Ok(())
    })?;
    let [on, off] = sets;
    if (on | off) >> FLAGS.len() != 0 || on & off != 0 {
        return Err(Malformed("flags that are unknown, or both TRUE and FALSE").into());
    }
    let flags = FLAGS.iter().filter_map(|kind| Some((*kind, flag(*kind)?)));
    let flags = flags.filter(|(_, bit)| (on | off) & bit != 0);
    found.extend(flags.map(|(kind, bit)| (kind, Value::Bool(on & bit != 0))));
    found.sort_by_key(|(kind, _)| *kind);
    Ok(found)
}

fn set(item: &mut Reader<'_>, key: i64, [on, off]: &mut [u64; 2]) -> Result<(), Malformed> {
    let place = match key {
        -1 => on,
        -2 => off,
        _ => return Err(Malformed("an unknown set of flags")),
    };
    *place = item.uint()?;
    match *place {
        0 => Err(Malformed("a set without flags")),
        _ => Ok(()),
    }
}

fn value(
    item: &mut Reader<'_>,
    kind: u64,
    is_secret: &dyn Fn(u64) -> bool,
    depth: u8,
) -> Result<Value, Error> {
    Ok(match item.peek() {
        Some(0) => Value::Uint(item.uint()?),
        Some(2) if is_secret(kind) => Value::Secret(Secret::copy(item.bytes()?)?),
        Some(2) => Value::Bytes(item.bytes()?.to_vec()),
        Some(4) => Value::Uints(numbers(item)?),
        Some(5) if depth > 0 => Value::Map(attributes(item, is_secret, depth - 1)?),
        Some(7) if flag(kind).is_none() => Value::Bool(boolean(item)?),
        _ => return Err(Malformed("a value of a shape that does not belong").into()),
    })
}

fn boolean(item: &mut Reader<'_>) -> Result<bool, Malformed> {
    item.bool().ok_or(Malformed("no boolean"))
}

fn numbers(item: &mut Reader<'_>) -> Result<Vec<u64>, Malformed> {
    (0..item.array()?).map(|_| item.uint()).collect()
}

/// A `token` payload: the key that a token's secrets rest under (formats.md §4.6).
#[derive(Debug)]
pub(crate) struct Token {
    /// What it belongs to; must be the token that it was found in.
    pub(crate) id: [u8; 16],
    /// From 1; must be that of the token's row.
    pub(crate) generation: u64,
    /// 32 bytes.
    pub(crate) key: Secret,
}

impl Token {
    pub(crate) fn encode(&self) -> Result<Secret, Error> {
        let Self {
            id,
            generation,
            key,
        } = self;
        let parts = [
            Item::Bytes(id),
            Item::Uint(*generation),
            Item::Bytes(key.expose()),
        ];
        Ok(Item::Array(&parts).to_secret()?)
    }

    /// # Errors
    /// [`Error::Malformed`], [`Error::Memory`].
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        reader.array_len(3)?;
        let (id, generation, key) = (reader.array_of()?, reader.uint()?, reader.bytes()?);
        reader.end()?;
        match key.len() == 32 && generation > 0 {
            true => Ok(Self {
                id,
                generation,
                key: Secret::copy(key)?,
            }),
            false => Err(Malformed("no token key").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_value(kind: u64) -> bool {
        kind == CKA_VALUE
    }

    fn shown(attributes: &Attributes) -> String {
        let one = |(kind, value): &(u64, Value)| match value {
            Value::Secret(secret) => format!("{kind:x}={:02x?};", secret.expose()),
            Value::Map(inner) => format!("{kind:x}={{{}}};", shown(inner)),
            Value::Bool(_) | Value::Uint(_) | Value::Bytes(_) | Value::Uints(_) => {
                format!("{kind:x}={value:?};")
            }
        };
        attributes.iter().map(one).collect()
    }

    #[test]
    fn a_key_comes_back_with_every_attribute() {
        let template = vec![
            (CKA_KEY_TYPE, Value::Uint(31)),
            (CKA_SENSITIVE, Value::Bool(true)),
        ];
        let key = vec![
            (CKA_CLASS, Value::Uint(CKO_SECRET_KEY)),
            (CKA_PRIVATE, Value::Bool(true)),
            (CKA_VALUE, Value::Secret(Secret::copy(&[9; 32]).unwrap())),
            (CKA_ID, Value::Bytes(vec![1, 2])),
            (CKA_SENSITIVE, Value::Bool(false)),
            (
                CKA_ALLOWED_MECHANISMS,
                Value::Uints(vec![CKM_AES_GCM, CKM_AES_CBC]),
            ),
            (CKA_UNWRAP_TEMPLATE, Value::Map(template)),
            (0x8000_1234, Value::Bool(true)),
        ];
        let encoded = encode(&key).unwrap();
        let mut back = decode(encoded.expose(), is_value).unwrap();
        assert!(matches!(
            back.iter().find(|(kind, _)| *kind == CKA_VALUE),
            Some((_, Value::Secret(_)))
        ));
        back.sort_by_key(|(kind, _)| *kind);
        let mut key = key;
        key.sort_by_key(|(kind, _)| *kind);
        assert_eq!(shown(&back), shown(&key));
    }

    #[test]
    fn flags_take_two_numbers_however_many_there_are() {
        let key: Attributes = FLAGS
            .iter()
            .map(|kind| (*kind, Value::Bool(*kind & 1 == 0)))
            .collect();
        assert!(encode(&key).unwrap().len() <= 1 + 2 * 6);
    }

    #[test]
    fn what_is_not_a_key_payload_is_refused() {
        for bad in [
            &[0xa1, 0x20, 0x00][..],            // an empty set
            &[0xa2, 0x20, 0x01, 0x21, 0x01],    // CKA_TOKEN both TRUE and FALSE
            &[0xa1, 0x20, 0x1a, 0, 0x40, 0, 0], // a flag that is on no list
            &[0xa1, 0x22, 0x01],                // a third set
            &[0xa1, 0x01, 0xf5],                // a flag outside its set
            &[0xa1, 0x18, 0x24, 0x60],          // text
            &[0xa1, 0x18, 0x24, 0x81, 0x40],    // an array of bytes
            &[0xa0, 0x00],                      // bytes after the end
            &[
                0xa1, 0x18, 0x24, 0xa1, 0x18, 0x24, 0xa1, 0x18, 0x24, 0xa1, 0x18, 0x24, 0xa0,
            ], // deep
        ] {
            assert!(decode(bad, is_value).is_err(), "{bad:02x?}");
        }
    }

    #[test]
    fn a_token_key_comes_back_with_its_token() {
        let token = Token {
            id: [3; 16],
            generation: 2,
            key: Secret::copy(&[4; 32]).unwrap(),
        };
        let encoded = token.encode().unwrap();
        let back = Token::decode(encoded.expose()).unwrap();
        assert!(back.id == [3; 16] && back.generation == 2 && back.key.is(&[4; 32]));
        for cut in 0..encoded.len() {
            assert!(Token::decode(&encoded.expose()[..cut]).is_err());
        }
        let none = Token {
            generation: 0,
            ..back
        };
        assert!(Token::decode(none.encode().unwrap().expose()).is_err());
    }

    fn values(depth: u32) -> BoxedStrategy<Value> {
        let leaf = prop_oneof![
            any::<u64>().prop_map(Value::Uint),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
            prop::collection::vec(any::<u64>(), 0..4).prop_map(Value::Uints),
        ];
        match depth {
            0 => leaf.boxed(),
            _ => prop_oneof![leaf, keys(depth - 1).prop_map(Value::Map)].boxed(),
        }
    }

    fn keys(depth: u32) -> BoxedStrategy<Attributes> {
        let flags =
            prop::collection::btree_map(prop::sample::select(&FLAGS[..]), any::<bool>(), 0..9);
        let others = prop::collection::btree_map(0x1_0000..0x9000_0000u64, values(depth), 0..5);
        (flags, others)
            .prop_map(|(flags, others)| {
                let flags = flags
                    .into_iter()
                    .map(|(kind, value)| (kind, Value::Bool(value)));
                flags.chain(others).collect()
            })
            .boxed()
    }

    proptest! {
        #[test]
        fn any_key_comes_back(key in keys(2)) {
            let encoded = encode(&key).unwrap();
            prop_assert_eq!(shown(&decode(encoded.expose(), is_value).unwrap()), shown(&key));
        }

        #[test]
        fn what_is_read_is_written_the_same(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(key) = decode(&bytes, is_value) {
                let encoded = encode(&key).unwrap();
                prop_assert_eq!(encoded.expose(), &bytes[..]);
            }
        }
    }
}
