//! One sibling's entry in the header, and what later versions may add to an entry.
#![forbid(unsafe_code)]

use crate::cbor::{Item, Malformed, Reader};
use crate::tether::Wrap;

/// One of the siblings that it was sealed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Of its master key: what it is found by.
    pub(crate) fingerprint: [u8; 8],
    /// To its share.
    pub(crate) commitment: [u8; 16],
    pub(crate) wrap: Wrap,
    /// Its id when this was sealed, for people.
    pub(crate) sibling: Option<String>,
    pub(crate) strength: Strength,
    pub(crate) end: Option<End>,
    /// Fingerprint of the key that attests.
    pub(crate) attester: Option<[u8; 8]>,
    pub(crate) unknown: Unknown,
}

/// Entries under keys from 24 on, which this version authenticates and ignores: key, encoded value.
pub(crate) type Unknown = Vec<(u64, Vec<u8>)>;

/// Who makes the window close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// This module refuses.
    #[default]
    Module,
    /// The provider refuses.
    Provider,
    /// The key that could open it no longer exists.
    Erased,
}

/// What a strength of 2 or 3 hangs on: an epoch or a closing day, or the key of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Member {
    pub(super) fn encode(&self) -> Vec<u8> {
        let Self {
            fingerprint,
            commitment,
            wrap,
            sibling,
            strength,
            end,
            attester,
            unknown,
        } = self;
        let mut pairs = vec![
            (1, Item::Bytes(fingerprint)),
            (2, Item::Bytes(commitment)),
            (3, Item::Uint(*wrap as u64)),
        ];
        pairs.extend(sibling.iter().map(|id| (4, Item::Text(id))));
        pairs.extend(match strength {
            Strength::Module => None,
            Strength::Provider => Some((5, Item::Uint(2))),
            Strength::Erased => Some((5, Item::Uint(3))),
        });
        pairs.extend(end.iter().map(|end| match end {
            End::Number(number) => (6, Item::Uint(*number)),
            End::Bytes(bytes) => (6, Item::Bytes(bytes)),
        }));
        pairs.extend(attester.iter().map(|key| (7, Item::Bytes(key))));
        map(pairs, unknown)
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut fingerprint, mut commitment, mut how) = (None, None, None);
        let (mut sibling, mut attester) = (None, None);
        let (mut strength, mut end, mut rest) = (Strength::Module, None, Unknown::new());
        reader.map::<Malformed>(|key, value| {
            match key {
                1 => fingerprint = Some(value.array_of()?),
                2 => commitment = Some(value.array_of()?),
                3 => how = Some(wrap(value)?),
                4 => sibling = Some(value.text()?.to_string()),
                5 => strength = stated(value)?,
                6 => end = Some(end_of(value)?),
                7 => attester = Some(value.array_of()?),
                _ => rest.push(unknown(key, value)?),
            }
            Ok(())
        })?;
        let required = fingerprint.zip(commitment).zip(how);
        let ((fingerprint, commitment), wrap) =
            required.ok_or(Malformed("member fields missing"))?;
        Ok(Self {
            fingerprint,
            commitment,
            wrap,
            sibling,
            strength,
            end,
            attester,
            unknown: rest,
        })
    }
}

fn wrap(reader: &mut Reader<'_>) -> Result<Wrap, Malformed> {
    match reader.uint()? {
        0 => Ok(Wrap::AssociatedData),
        1 => Ok(Wrap::Oaep),
        2 => Ok(Wrap::Ecdh),
        3 => Ok(Wrap::Kwp),
        4 => Ok(Wrap::MlKem),
        5 => Ok(Wrap::Hybrid),
        6 => Ok(Wrap::Soft),
        _ => Err(Malformed("a share wrapped in an unknown way")),
    }
}

fn stated(reader: &mut Reader<'_>) -> Result<Strength, Malformed> {
    match reader.uint()? {
        2 => Ok(Strength::Provider),
        3 => Ok(Strength::Erased),
        _ => Err(Malformed("an unknown strength")),
    }
}

fn end_of(reader: &mut Reader<'_>) -> Result<End, Malformed> {
    if reader.peek() == Some(0) {
        return reader.uint().map(End::Number);
    }
    match reader.bytes()? {
        bytes if (1..=32).contains(&bytes.len()) => Ok(End::Bytes(bytes.to_vec())),
        _ => Err(Malformed("an epoch key of another length")),
    }
}

/// An entry that a later version may have put there.
pub(super) fn unknown(key: i64, value: &mut Reader<'_>) -> Result<(u64, Vec<u8>), Malformed> {
    match u64::try_from(key) {
        Ok(key) if key >= 24 => Ok((key, value.any()?.to_vec())),
        _ => Err(Malformed("an unknown field that must be known")),
    }
}

/// A map of known entries, then unknown ones.
pub(super) fn map(known: Vec<(u64, Item<'_>)>, unknown: &Unknown) -> Vec<u8> {
    let rest = unknown.iter().map(|(key, value)| (*key, Item::Raw(value)));
    let pairs: Vec<_> = known
        .into_iter()
        .chain(rest)
        .map(|(key, value)| (Item::Uint(key), value))
        .collect();
    Item::Map(&pairs).to_vec()
}
