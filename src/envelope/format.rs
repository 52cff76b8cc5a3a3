//! The frame: a COSE_Encrypt message (RFC 9052, 5) of a protected header, the content, and a
//! recipient for each member (docs/envelope.md, 2).
#![forbid(unsafe_code)]

use super::header::Header;
use crate::cbor::{Item, Malformed, Reader};
use crate::tether::Wrapped;

/// COSE_Encrypt.
const TAG: u64 = 96;
/// The longest wrapped share.
const MOST_WRAPPED: usize = 2048;
/// A recipient's key version; as -1 - n.
const KEY_VERSION: u64 = 65_601;
/// A recipient's attestation; as -1 - n.
const ATTESTATION: u64 = 65_602;

/// An envelope that was read: what it is made of, and what its header says.
#[derive(Debug)]
pub(crate) struct Decoded<'a> {
    /// Contents of the protected byte string, as received.
    pub(crate) protected: &'a [u8],
    pub(crate) header: Header,
    /// Ciphertext and tag.
    pub(crate) content: &'a [u8],
    /// In the order of the members.
    pub(crate) recipients: Vec<Recipient>,
}

/// A member's part, which is not authenticated.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recipient {
    /// `None`: missing, to be filled in later.
    pub(crate) wrapped: Option<Wrapped>,
    pub(crate) attestation: Option<Vec<u8>>,
}

/// Writes an envelope.
pub(crate) fn encode(protected: &[u8], content: &[u8], recipients: &[Recipient]) -> Vec<u8> {
    let recipients: Vec<Vec<u8>> = recipients.iter().map(Recipient::encode).collect();
    let recipients: Vec<Item<'_>> = recipients.iter().map(|one| Item::Raw(one)).collect();
    let parts = [
        Item::Bytes(protected),
        Item::Map(&[]),
        Item::Bytes(content),
        Item::Array(&recipients),
    ];
    Item::Tag(TAG, &Item::Array(&parts)).to_vec()
}

/// The length of an envelope of parts of these lengths.
pub(crate) fn len(protected: usize, content: usize, recipients: &[Recipient]) -> usize {
    let heads = |len: usize| Item::Uint(len as u64).len() - Item::Uint(0).len();
    let grown = heads(protected).saturating_add(protected) + heads(content);
    encode(&[], &[], recipients)
        .len()
        .saturating_add(grown)
        .saturating_add(content)
}

/// Reads an envelope: the one encoding of it, whole, and nothing after it.
pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    reader.tag(TAG)?;
    reader.array_len(4)?;
    let protected = reader.bytes()?;
    reader.map(|_, _| Err(Malformed("a parameter that is not protected")))?;
    let content = reader.bytes()?;
    let header = Header::decode(protected)?;
    let recipients = recipients(&mut reader, &header)?;
    reader.end()?;
    Ok(Decoded {
        protected,
        header,
        content,
        recipients,
    })
}

fn recipients(reader: &mut Reader<'_>, header: &Header) -> Result<Vec<Recipient>, Malformed> {
    reader.array_len(header.members.len() as u64)?;
    let members = header.members.iter();
    members
        .map(|member| Recipient::decode(reader)?.announced(member.attester.is_some()))
        .collect()
}

impl Recipient {
    fn encode(&self) -> Vec<u8> {
        let Self {
            wrapped,
            attestation,
        } = self;
        let version = wrapped.as_ref().and_then(|wrapped| wrapped.version);
        let version = version.map(|version| (Item::Negative(KEY_VERSION), Item::Uint(version)));
        let attestation = attestation.as_ref();
        let attestation =
            attestation.map(|bytes| (Item::Negative(ATTESTATION), Item::Bytes(bytes)));
        let pairs: Vec<_> = version.into_iter().chain(attestation).collect();
        Item::Array(&[
            Item::Bytes(&[]),
            Item::Map(&pairs),
            wrapped
                .as_ref()
                .map_or(Item::Null, |wrapped| Item::Bytes(&wrapped.bytes)),
        ])
        .to_vec()
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut version, mut attestation) = (None, None);
        reader.array_len(3)?;
        reader.array_of::<0>()?;
        reader.map::<Malformed>(|key, value| {
            match key {
                VERSION_KEY => version = Some(value.uint()?),
                ATTESTATION_KEY => attestation = Some(value.bytes()?.to_vec()),
                _ => return Err(Malformed("a recipient's parameter that does not belong")),
            }
            Ok(())
        })?;
        let wrapped = wrapped(reader, version)?;
        Ok(Self {
            wrapped,
            attestation,
        })
    }

    /// An attestation stands where the header announces one and the share is there, and nowhere else.
    fn announced(self, attested: bool) -> Result<Self, Malformed> {
        match (attested, &self.wrapped, &self.attestation) {
            (true, Some(_), None) => Err(Malformed("an attestation missing")),
            (false, _, Some(_)) => Err(Malformed(
                "an attestation that the header does not announce",
            )),
            _ => Ok(self),
        }
    }
}

const VERSION_KEY: i64 = -1 - KEY_VERSION.cast_signed();
const ATTESTATION_KEY: i64 = -1 - ATTESTATION.cast_signed();

fn wrapped(reader: &mut Reader<'_>, version: Option<u64>) -> Result<Option<Wrapped>, Malformed> {
    if reader.null() {
        return match version {
            None => Ok(None),
            Some(_) => Err(Malformed("a key version of a missing share")),
        };
    }
    match reader.bytes()? {
        bytes if (1..=MOST_WRAPPED).contains(&bytes.len()) => Ok(Some(Wrapped {
            bytes: bytes.to_vec(),
            version,
        })),
        _ => Err(Malformed("a wrapped share of another length")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::envelope::Kind;
    use crate::envelope::header::Created;
    use crate::envelope::member::{End, Member, Strength, Unknown};
    use crate::envelope::window::tests::windows;
    use crate::tether::Wrap;

    fn unknown() -> impl Strategy<Value = Unknown> {
        let values = prop::sample::select(vec![
            vec![0x00],
            vec![0xf6],
            vec![0x41, 0x07],
            vec![0x82, 0x01, 0x20],
            vec![0xa1, 0x01, 0xf5],
        ]);
        prop::collection::btree_map(24..u64::from(u32::MAX), values, 0..3)
            .prop_map(|entries| entries.into_iter().collect())
    }

    fn members() -> impl Strategy<Value = Member> {
        let wraps = prop::sample::select(vec![
            Wrap::AssociatedData,
            Wrap::Oaep,
            Wrap::Ecdh,
            Wrap::Kwp,
            Wrap::MlKem,
            Wrap::Hybrid,
            Wrap::Soft,
        ]);
        let strengths =
            prop::sample::select(vec![Strength::Module, Strength::Provider, Strength::Erased]);
        let ends = prop_oneof![
            any::<u64>().prop_map(End::Number),
            prop::collection::vec(any::<u8>(), 1..=32).prop_map(End::Bytes),
        ];
        let fixed = (any::<[u8; 8]>(), any::<[u8; 16]>(), wraps);
        let chosen = (
            prop::option::of(".{0,30}"),
            strengths,
            prop::option::of(ends),
            any::<Option<[u8; 8]>>(),
        );
        (fixed, chosen, unknown()).prop_map(
            |((fingerprint, commitment, wrap), (sibling, strength, end, attester), unknown)| {
                Member {
                    fingerprint,
                    commitment,
                    wrap,
                    sibling,
                    strength,
                    end,
                    attester,
                    unknown,
                }
            },
        )
    }

    fn headers() -> impl Strategy<Value = Header> {
        let kinds = prop::sample::select(vec![Kind::Key, Kind::Data, Kind::Token]);
        let members = prop::collection::vec(members(), 1..=16);
        let fixed = (
            any::<[u8; 16]>(),
            kinds,
            any::<u64>(),
            0..777_000_000u32,
            windows(),
        );
        (
            fixed,
            any::<[u8; 32]>(),
            any::<u8>(),
            members,
            any::<Option<[u8; 32]>>(),
            unknown(),
        )
            .prop_map(
                |((id, kind, tick, ns, window), commitment, k, members, aad_tag, unknown)| Header {
                    id,
                    kind,
                    created: Created { tick, ns },
                    window,
                    k: 1 + k % u8::try_from(members.len()).unwrap(),
                    commitment,
                    members,
                    aad_tag,
                    unknown,
                },
            )
    }

    fn recipients(header: &Header) -> Vec<Recipient> {
        let one = |(place, member): (usize, &Member)| Recipient {
            wrapped: (place % 3 != 2).then(|| Wrapped {
                bytes: vec![7; 1 + place * 100],
                version: (place % 2 == 0).then_some(place as u64),
            }),
            attestation: member.attester.map(|_| vec![9; place]),
        };
        header.members.iter().enumerate().map(one).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn an_envelope_reads_as_it_was_written(header in headers(), content: Vec<u8>) {
            let protected = header.encode();
            let bytes = encode(&protected, &content, &recipients(&header));
            prop_assert_eq!(bytes.len(), len(protected.len(), content.len(), &recipients(&header)));
            let back = decode(&bytes).unwrap();
            prop_assert_eq!(&back.header, &header);
            prop_assert_eq!((back.protected, back.content), (&protected[..], &content[..]));
            prop_assert_eq!(encode(back.protected, back.content, &back.recipients), bytes);
        }

        #[test]
        fn what_is_read_after_any_change_is_written_the_same(
            header in headers(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut: prop::sample::Index, more in prop::collection::vec(any::<u8>(), 0..4),
        ) {
            let mut bytes = encode(&header.encode(), &[1; 20], &recipients(&header));
            if changes.len() == 1 {
                bytes.truncate(cut.index(bytes.len()) + 1);
                bytes.extend(more);
            }
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Ok(back) = decode(&bytes) {
                prop_assert_eq!(&back.header.encode()[..], back.protected);
                prop_assert_eq!(encode(back.protected, back.content, &back.recipients), bytes);
            }
        }

        #[test]
        fn no_bytes_are_too_strange(bytes: Vec<u8>) {
            let _any = decode(&bytes);
            let _any = Header::decode(&bytes);
        }
    }
}
