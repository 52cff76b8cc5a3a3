//! Deterministic CBOR (RFC 8949, 4.2): one encoding for each value, and no other is read. Key bytes
//! pass through here, so nothing is copied into memory that is not wiped.
#![forbid(unsafe_code)]

use std::fmt;
use std::str;

use crate::error;
use crate::secret::Secret;

/// A value to be written; borrowed, so that building one copies no key.
#[derive(Clone, Copy)]
pub(crate) enum Item<'a> {
    Uint(u64),
    /// -1 - n.
    Negative(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(&'a [Self]),
    /// In any order; written in that of the encoded keys.
    Map(&'a [(Self, Self)]),
    Tag(u64, &'a Self),
    Bool(bool),
    Null,
    /// One item that is encoded already.
    Raw(&'a [u8]),
}

/// `nil` where there is none.
pub(crate) fn or_null(value: Option<u64>) -> Item<'static> {
    value.map_or(Item::Null, Item::Uint)
}

impl Item<'_> {
    /// For what is public.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.write(&mut |bytes| out.extend_from_slice(bytes));
        out
    }

    /// For what holds key bytes.
    ///
    /// # Errors
    /// `CKR_HOST_MEMORY`.
    pub(crate) fn to_secret(self) -> error::Result<Secret> {
        let mut secret = Secret::zeroed(self.len())?;
        let mut rest = secret.expose_mut();
        self.write(&mut |bytes| {
            if let Some((here, after)) = std::mem::take(&mut rest).split_at_mut_checked(bytes.len())
            {
                here.copy_from_slice(bytes);
                rest = after;
            }
        });
        Ok(secret)
    }

    /// Encoded length.
    pub(crate) fn len(self) -> usize {
        let mut len = 0;
        self.write(&mut |bytes| len += bytes.len());
        len
    }

    fn write(self, out: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Uint(n) => head(0, n, out),
            Self::Negative(n) => head(1, n, out),
            Self::Bytes(bytes) => string(2, bytes, out),
            Self::Text(text) => string(3, text.as_bytes(), out),
            Self::Array(items) => {
                head(4, items.len() as u64, out);
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(pairs) => write_map(pairs, out),
            Self::Tag(tag, item) => {
                head(6, tag, out);
                item.write(out);
            }
            Self::Bool(value) => out(&[0xf4 + u8::from(value)]),
            Self::Null => out(&[0xf6]),
            Self::Raw(bytes) => out(bytes),
        }
    }
}

fn write_map(pairs: &[(Item<'_>, Item<'_>)], out: &mut dyn FnMut(&[u8])) {
    let mut sorted: Vec<_> = pairs.iter().map(|(k, v)| (k.to_vec(), v)).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    head(5, pairs.len() as u64, out);
    for (key, value) in sorted {
        out(&key);
        value.write(out);
    }
}

fn string(major: u8, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
    head(major, bytes.len() as u64, out);
    out(bytes);
}

/// Major type and argument, in as few bytes as it takes.
fn head(major: u8, n: u64, out: &mut dyn FnMut(&[u8])) {
    let major = major << 5;
    let [.., c, d, e, f, g, h] = n.to_be_bytes();
    match n {
        0..24 => out(&[major | h]),
        24..0x100 => out(&[major | 24, h]),
        0x100..0x1_0000 => out(&[major | 25, g, h]),
        0x1_0000..0x1_0000_0000 => out(&[major | 26, e, f, g, h]),
        _ => {
            let [a, b, ..] = n.to_be_bytes();
            out(&[major | 27, a, b, c, d, e, f, g, h]);
        }
    }
}

/// Why bytes are not what was expected: the words of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// How deep items that nobody here knows may nest.
const DEPTH: u8 = 8;

/// Reads from the front of a slice. No length is believed before the bytes are there, nothing is
/// allocated.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Nothing may follow.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        match self.rest {
            [] => Ok(()),
            _ => Err(Malformed("bytes after the end")),
        }
    }

    pub(crate) fn uint(&mut self) -> Result<u64, Malformed> {
        self.expect(0, "no unsigned integer")
    }

    /// n of the negative integer -1 - n.
    pub(crate) fn negative(&mut self) -> Result<u64, Malformed> {
        self.expect(1, "no negative integer")
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.expect(2, "no byte string")?;
        self.take(len)
    }

    /// A byte string of exactly `N` bytes.
    pub(crate) fn array_of<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.bytes()?;
        bytes
            .try_into()
            .map_err(|_| Malformed("a byte string of another length"))
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        let len = self.expect(3, "no text")?;
        str::from_utf8(self.take(len)?).map_err(|_| Malformed("text that is not UTF-8"))
    }

    pub(crate) fn array(&mut self) -> Result<u64, Malformed> {
        self.expect(4, "no array")
    }

    /// The head of an array of exactly `len` items.
    pub(crate) fn array_len(&mut self, len: u64) -> Result<(), Malformed> {
        match self.array()? {
            found if found == len => Ok(()),
            _ => Err(Malformed("an array of another length")),
        }
    }

    pub(crate) fn tag(&mut self, tag: u64) -> Result<(), Malformed> {
        match self.expect(6, "no tag")? {
            found if found == tag => Ok(()),
            _ => Err(Malformed("another tag")),
        }
    }

    /// Takes a `nil` if one is next.
    pub(crate) fn null(&mut self) -> bool {
        let found = self.rest.split_first().filter(|(byte, _)| **byte == 0xf6);
        if let Some((_, rest)) = found {
            self.rest = rest;
        }
        found.is_some()
    }

    pub(crate) fn uint_or_null(&mut self) -> Result<Option<u64>, Malformed> {
        match self.null() {
            true => Ok(None),
            false => self.uint().map(Some),
        }
    }

    /// Takes a boolean if one is next.
    pub(crate) fn bool(&mut self) -> Option<bool> {
        let (byte, rest) = self.rest.split_first()?;
        let value = match byte {
            0xf4 => false,
            0xf5 => true,
            _ => return None,
        };
        self.rest = rest;
        Some(value)
    }

    /// Reads a map with integer keys: `each` takes the value of the key that it is given. Keys are
    /// in order and no key comes twice.
    pub(crate) fn map<E: From<Malformed>>(
        &mut self,
        mut each: impl FnMut(i64, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut last: &[u8] = &[];
        for _ in 0..self.expect(5, "no map")? {
            let (key, encoded) = self.cut(Self::int)?;
            in_order(&mut last, encoded)?;
            each(key, self)?;
        }
        Ok(())
    }

    fn int(&mut self) -> Result<i64, Malformed> {
        let wide = |n: u64| i64::try_from(n).map_err(|_| Malformed("a key too large"));
        match self.head()? {
            (0, n) => wide(n),
            (1, n) => wide(n).map(|n| -1 - n),
            _ => Err(Malformed("no integer")),
        }
    }

    /// The major type of what comes next.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().map(|byte| byte >> 5)
    }

    /// Skips one item of any kind (docs/envelope.md says which there are) and gives its bytes.
    pub(crate) fn any(&mut self) -> Result<&'a [u8], Malformed> {
        Ok(self.cut(|reader| reader.skip(DEPTH))?.1)
    }

    fn skip(&mut self, depth: u8) -> Result<(), Malformed> {
        let deeper = || depth.checked_sub(1).ok_or(Malformed("nested too deep"));
        match self.peek() {
            Some(0 | 1) => self.head().map(drop),
            Some(2) => self.bytes().map(drop),
            Some(3) => self.text().map(drop),
            Some(4) => {
                let (len, depth) = (self.array()?, deeper()?);
                (0..len).try_for_each(|_| self.skip(depth))
            }
            Some(5) => self.skip_map(deeper()?),
            _ if self.null() || self.bool().is_some() => Ok(()),
            _ => Err(Malformed("an item of another kind")),
        }
    }

    fn skip_map(&mut self, depth: u8) -> Result<(), Malformed> {
        let mut last: &[u8] = &[];
        for _ in 0..self.expect(5, "no map")? {
            let ((), key) = self.cut(|reader| reader.skip(depth))?;
            in_order(&mut last, key)?;
            self.skip(depth)?;
        }
        Ok(())
    }

    /// What `read` gives, and the bytes that it took.
    fn cut<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<(T, &'a [u8]), Malformed> {
        let before = self.rest;
        let value = read(self)?;
        let taken = before.len() - self.rest.len();
        Ok((value, before.get(..taken).unwrap_or_default()))
    }

    fn expect(&mut self, major: u8, or: &'static str) -> Result<u64, Malformed> {
        match self.peek() {
            Some(found) if found == major => Ok(self.head()?.1),
            _ => Err(Malformed(or)),
        }
    }

    fn head(&mut self) -> Result<(u8, u64), Malformed> {
        let first = *self.take(1)?.first().ok_or(CUT)?;
        let (n, least) = match first & 0x1f {
            short @ 0..24 => (u64::from(short), 0),
            24 => (self.number(1)?, 24),
            25 => (self.number(2)?, 0x100),
            26 => (self.number(4)?, 0x1_0000),
            27 => (self.number(8)?, 0x1_0000_0000),
            _ => return Err(Malformed("an indefinite length")),
        };
        match n < least {
            true => Err(Malformed("a number longer than need be")),
            false => Ok((first >> 5, n)),
        }
    }

    fn number(&mut self, len: u64) -> Result<u64, Malformed> {
        let bytes = self.take(len)?.iter();
        Ok(bytes.fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], Malformed> {
        let len = usize::try_from(len).map_err(|_| CUT)?;
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(CUT)?;
        self.rest = rest;
        Ok(taken)
    }
}

const CUT: Malformed = Malformed("cut short");

/// Bytewise order of the encoded keys (RFC 8949, 4.2.1).
fn in_order<'a>(last: &mut &'a [u8], key: &'a [u8]) -> Result<(), Malformed> {
    match *last < key {
        true => {
            *last = key;
            Ok(())
        }
        false => Err(Malformed("map keys out of order")),
    }
}

#[cfg(test)]
mod tests {
    use ciborium::Value;
    use proptest::prelude::*;

    use super::*;

    /// What ciborium makes of the same value, maps sorted.
    fn oracle(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        ciborium::into_writer(value, &mut out).unwrap();
        out
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only these two hold others")]
    fn sorted(value: Value) -> Value {
        match value {
            Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
            Value::Map(pairs) => {
                let mut pairs: Vec<_> = pairs
                    .into_iter()
                    .map(|(k, v)| (sorted(k), sorted(v)))
                    .collect();
                pairs.sort_by_key(|(key, _)| oracle(key));
                pairs.dedup_by_key(|(key, _)| oracle(key));
                Value::Map(pairs)
            }
            other => other,
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
            ".{0,8}".prop_map(Value::from),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::vec((inner.clone(), inner), 0..6).prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_ciborium_writes_in_order_is_one_item(value in values()) {
            let bytes = oracle(&sorted(value));
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.any().unwrap(), &bytes[..]);
            reader.end().unwrap();
        }

        #[test]
        fn what_is_read_is_what_ciborium_would_write(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(item) = reader.any() {
                let value: Value = ciborium::from_reader(item).unwrap();
                prop_assert_eq!(oracle(&value), item);
                prop_assert_eq!(oracle(&sorted(value)), item);
            }
        }

        #[test]
        fn numbers_are_written_as_ciborium_writes_them(n: u64) {
            prop_assert_eq!(Item::Uint(n).to_vec(), oracle(&Value::from(n)));
            prop_assert_eq!(Item::Uint(n).len(), oracle(&Value::from(n)).len());
        }
    }

    #[test]
    fn map_keys_are_written_in_the_order_of_their_bytes() {
        let pairs = [
            (Item::Negative(0), Item::Null),
            (Item::Uint(300), Item::Bool(true)),
            (Item::Uint(2), Item::Text("two")),
        ];
        let wanted = [
            0xa3, 0x02, 0x63, b't', b'w', b'o', 0x19, 0x01, 0x2c, 0xf5, 0x20, 0xf6,
        ];
        assert_eq!(Item::Map(&pairs).to_vec(), wanted);
        assert_eq!(Item::Map(&pairs).to_secret().unwrap().expose(), wanted);
    }

    #[test]
    fn what_is_not_deterministic_is_refused() {
        for bad in [
            &[0x18, 0x17][..],                                       // 23 in two bytes
            &[0x19, 0x00, 0xff],                                     // 255 in three
            &[0x5f, 0x41, 0x00, 0xff],                               // an indefinite length
            &[0xa2, 0x02, 0, 0x01, 0],                               // keys out of order
            &[0xa2, 0x01, 0, 0x01, 0],                               // a key twice
            &[0x58, 0x20, 0x00],                                     // cut
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // an array of 2^64 items
            &[0xf7],                                                 // undefined
            &[0xc1, 0x00],                                           // a tag
            &[0xf9, 0x00, 0x00],                                     // a float
        ] {
            assert!(Reader::new(bad).any().is_err(), "{bad:02x?}");
        }
    }

    #[test]
    fn nesting_ends_at_eight() {
        let nested = |depth: usize| [vec![0x81; depth], vec![0x00]].concat();
        assert!(Reader::new(&nested(8)).any().is_ok());
        assert!(Reader::new(&nested(9)).any().is_err());
    }
}
