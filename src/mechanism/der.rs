//! DER (X.690), as far as keys need it: definite lengths in their shortest form, tags of one byte.
//! What is written may hold a key, so every buffer has its final length from the start and is wiped.
#![forbid(unsafe_code)]

use zeroize::Zeroizing;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_ID: u8 = 0x06;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const SEQUENCE: u8 = 0x30;

/// Written DER.
pub(crate) type Der = Zeroizing<Vec<u8>>;

/// One element with the parts in a row as its content.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Der {
    let len = parts.iter().map(|part| part.len()).sum();
    let header = header(tag, len);
    let mut out = Zeroizing::new(Vec::with_capacity(header.len() + len));
    out.extend_from_slice(&header);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A non-negative INTEGER from big-endian bytes.
pub(crate) fn integer(bytes: &[u8]) -> Der {
    let bytes = without_zeroes(bytes);
    match bytes.first() {
        Some(byte) if *byte < 0x80 => element(INTEGER, &[bytes]),
        _ => element(INTEGER, &[&[0], bytes]),
    }
}

/// A BIT STRING of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Der {
    element(BIT_STRING, &[&[0], bytes])
}

fn header(tag: u8, len: usize) -> Vec<u8> {
    let bytes = len.to_be_bytes();
    let bytes = without_zeroes(&bytes);
    match u8::try_from(len) {
        Ok(short) if short < 0x80 => vec![tag, short],
        _ => {
            let count = u8::try_from(bytes.len()).unwrap_or_default();
            [&[tag, 0x80 | count], bytes].concat()
        }
    }
}

/// A big-endian number without its leading zeroes.
pub(crate) fn without_zeroes(bytes: &[u8]) -> &[u8] {
    let zeroes = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeroes..).unwrap_or_default()
}

/// The content of the one element that `der` is.
pub(crate) fn only(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(der);
    let content = reader.take(tag)?;
    reader.end().then_some(content)
}

/// Elements in a row. `None` is malformed DER or another element than asked for.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next element's content.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let rest = self.0.strip_prefix(&[tag])?;
        let (len, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(content)
    }

    /// The next element's content if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
        match self.0.first() == Some(&tag) {
            true => self.take(tag).map(Some),
            false => Some(None),
        }
    }

    /// A SEQUENCE's elements.
    pub(crate) fn sequence(&mut self) -> Option<Self> {
        self.take(SEQUENCE).map(Self)
    }

    /// A non-negative INTEGER, big-endian without leading zeroes.
    pub(crate) fn integer(&mut self) -> Option<&'a [u8]> {
        match self.take(INTEGER)? {
            [0] => Some(&[]),
            [0, rest @ ..] if rest.first() >= Some(&0x80) => Some(rest),
            bytes @ [1..=0x7f, ..] => Some(bytes),
            _ => None,
        }
    }

    /// A BIT STRING of whole bytes.
    pub(crate) fn bit_string(&mut self) -> Option<&'a [u8]> {
        self.take(BIT_STRING)?.strip_prefix(&[0])
    }

    pub(crate) fn end(&self) -> bool {
        self.0.is_empty()
    }
}

/// A length in its shortest form, and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..=0x7f => Some((usize::from(*first), rest)),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            let len = digits
                .iter()
                .fold(0_usize, |len, digit| (len << 8) | usize::from(*digit));
            let shortest = digits.first() != Some(&0) && len >= 0x80;
            shortest.then_some((len, rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_have_their_shortest_form_only() {
        assert_eq!(only(4, &[4, 1, 9]), Some(&[9][..]));
        for bad in [
            &[4, 0x81, 1, 9][..],
            &[4, 0x80, 9, 0, 0],
            &[4, 0x82, 0, 1, 9],
            &[4, 2, 9],
            &[4, 1, 9, 9],
            &[4],
            &[],
            &[4, 0x85, 0, 0, 0, 0, 1, 9],
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff, 9],
        ] {
            assert_eq!(only(4, bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_integer_is_not_negative_and_has_no_needless_zero() {
        let read = |der: &[u8]| Reader(der).integer().map(<[u8]>::to_vec);
        assert_eq!(read(&[2, 1, 0x7f]), Some(vec![0x7f]));
        assert_eq!(read(&[2, 2, 0, 0x80]), Some(vec![0x80]));
        assert_eq!(read(&[2, 1, 0]), Some(vec![]));
        for bad in [&[2, 0][..], &[2, 1, 0x80], &[2, 2, 0, 0x7f], &[2, 2, 0, 0]] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(bytes in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let written = element(OCTET_STRING, &[&bytes]);
            prop_assert_eq!(only(OCTET_STRING, &written), Some(&bytes[..]));
            let number = integer(&bytes);
            prop_assert_eq!(Reader(&number).integer(), Some(without_zeroes(&bytes)));
        }

        #[test]
        fn what_reads_writes_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut reader = Reader(&bytes);
            if let Some(content) = reader.take(OCTET_STRING) {
                let used = bytes.len() - reader.0.len();
                let written = element(OCTET_STRING, &[content]);
                prop_assert_eq!(&written[..], &bytes[..used]);
            }
        }
    }
}
