//! The protected header: what is authenticated, and readable without opening (docs/envelope.md, 2).
#![forbid(unsafe_code)]

use super::member::{Member, Strength, Unknown, map, unknown};
use super::{Kind, Window};
use crate::cbor::{Item, Malformed, Reader, or_null};
use crate::clock::{Gate, TICK_NS};

/// `alg` of RFC 9052, for private use: HKDF-SHA256 of the CEK, A256GCM, zero nonce. As -1 - n.
const ALGORITHM: u64 = 65_599;
/// The header parameter that holds ours, and is critical. As -1 - n.
const ZEQ: u64 = 65_600;
const VERSION: u64 = 1;
/// As many members as a share's index is for.
const MOST: usize = 16;

/// What an envelope says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Random.
    pub(crate) id: [u8; 16],
    pub(crate) kind: Kind,
    pub(crate) created: Created,
    pub(crate) window: Window,
    /// How many of its members open it.
    pub(crate) k: u8,
    /// To the content key.
    pub(crate) commitment: [u8; 32],
    /// In the order of their shares.
    pub(crate) members: Vec<Member>,
    /// Of the caller's associated data, where there were any.
    pub(crate) aad_tag: Option<[u8; 32]>,
    pub(crate) unknown: Unknown,
}

/// When it was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Created {
    pub(crate) tick: u64,
    /// Into the tick.
    pub(crate) ns: u32,
}

impl Header {
    /// That of its weakest member.
    pub(crate) fn strength(&self) -> Strength {
        let all = self.members.iter().map(|member| member.strength);
        all.min().unwrap_or_default()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let zeq = self.encode_zeq();
        Item::Map(&[
            (Item::Uint(1), Item::Negative(ALGORITHM)),
            (Item::Uint(2), Item::Array(&[Item::Negative(ZEQ)])),
            (Item::Negative(ZEQ), Item::Raw(&zeq)),
        ])
        .to_vec()
    }

    fn encode_zeq(&self) -> Vec<u8> {
        let Self {
            id,
            kind,
            created,
            window,
            k,
            commitment,
            members,
            aad_tag,
            unknown,
        } = self;
        let members: Vec<Vec<u8>> = members.iter().map(Member::encode).collect();
        let members: Vec<Item<'_>> = members.iter().map(|member| Item::Raw(member)).collect();
        let created = [Item::Uint(created.tick), Item::Uint(created.ns.into())];
        let window = encode_window(window);
        let mut pairs = vec![
            (1, Item::Uint(VERSION)),
            (2, Item::Bytes(id)),
            (3, Item::Uint(*kind as u64)),
            (4, Item::Array(&created)),
            (5, Item::Raw(&window)),
            (6, Item::Uint((*k).into())),
            (7, Item::Bytes(commitment)),
            (8, Item::Array(&members)),
        ];
        pairs.extend(aad_tag.iter().map(|tag| (9, Item::Bytes(tag))));
        map(pairs, unknown)
    }

    /// Reads the contents of the protected byte string.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (mut reader, mut header, mut seen) = (Reader::new(bytes), None, 0);
        reader.map(|key, value| match key {
            1 => negative(value, ALGORITHM, &mut seen),
            2 => value
                .array_len(1)
                .and_then(|()| negative(value, ZEQ, &mut seen)),
            KEY => Self::decode_zeq(value).map(|zeq| header = Some(zeq)),
            _ => Err(Malformed("a header parameter that does not belong")),
        })?;
        reader.end()?;
        header
            .filter(|_| seen == 2)
            .ok_or(Malformed("header parameters missing"))
    }

    fn decode_zeq(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut parts = Parts::default();
        reader.map(|key, value| parts.take(key, value))?;
        parts.whole()
    }
}

/// [`ZEQ`] as a map's key.
const KEY: i64 = -1 - ZEQ.cast_signed();

/// The one negative integer that may stand here.
fn negative(reader: &mut Reader<'_>, wanted: u64, seen: &mut u8) -> Result<(), Malformed> {
    *seen += 1;
    match reader.negative()? {
        found if found == wanted => Ok(()),
        _ => Err(Malformed(
            "another algorithm, or another critical parameter",
        )),
    }
}

/// A header as far as it has been read.
#[derive(Default)]
struct Parts {
    version: bool,
    id: Option<[u8; 16]>,
    kind: Option<Kind>,
    created: Option<Created>,
    window: Option<Window>,
    k: Option<u8>,
    commitment: Option<[u8; 32]>,
    members: Option<Vec<Member>>,
    aad_tag: Option<[u8; 32]>,
    unknown: Unknown,
}

impl Parts {
    fn take(&mut self, key: i64, value: &mut Reader<'_>) -> Result<(), Malformed> {
        match key {
            1 => self.version = version(value)?,
            2 => self.id = Some(value.array_of()?),
            3 => self.kind = Some(kind(value)?),
            4 => self.created = Some(created(value)?),
            5 => self.window = Some(window(value)?),
            6 => self.k = Some(threshold(value)?),
            7 => self.commitment = Some(value.array_of()?),
            8 => self.members = Some(members(value)?),
            9 => self.aad_tag = Some(value.array_of()?),
            _ => self.unknown.push(unknown(key, value)?),
        }
        Ok(())
    }

    fn whole(self) -> Result<Header, Malformed> {
        let header = self.fields().ok_or(Malformed("header fields missing"))?;
        match usize::from(header.k) <= header.members.len() {
            true => Ok(header),
            false => Err(Malformed("fewer members than open it")),
        }
    }

    fn fields(self) -> Option<Header> {
        Some(Header {
            id: self.id.filter(|_| self.version)?,
            kind: self.kind?,
            created: self.created?,
            window: self.window?,
            k: self.k?,
            commitment: self.commitment?,
            members: self.members?,
            aad_tag: self.aad_tag,
            unknown: self.unknown,
        })
    }
}

fn version(reader: &mut Reader<'_>) -> Result<bool, Malformed> {
    match reader.uint()? {
        VERSION => Ok(true),
        _ => Err(Malformed("an envelope of another version")),
    }
}

fn kind(reader: &mut Reader<'_>) -> Result<Kind, Malformed> {
    match reader.uint()? {
        0 => Ok(Kind::Key),
        1 => Ok(Kind::Data),
        2 => Ok(Kind::Token),
        _ => Err(Malformed("an envelope of an unknown kind")),
    }
}

fn created(reader: &mut Reader<'_>) -> Result<Created, Malformed> {
    reader.array_len(2)?;
    let (tick, ns) = (reader.uint()?, reader.uint()?);
    match u32::try_from(ns) {
        Ok(ns) if i64::from(ns) < TICK_NS => Ok(Created { tick, ns }),
        _ => Err(Malformed("more nanoseconds than a tick has")),
    }
}

fn encode_window(window: &Window) -> Vec<u8> {
    let Window {
        opens,
        closes,
        gate,
    } = *window;
    let gate = gate.map(|Gate { low, high }| [Item::Uint(low.into()), Item::Uint(high.into())]);
    Item::Array(&[
        or_null(opens),
        or_null(closes),
        gate.as_ref().map_or(Item::Null, |gate| Item::Array(gate)),
    ])
    .to_vec()
}

fn window(reader: &mut Reader<'_>) -> Result<Window, Malformed> {
    reader.array_len(3)?;
    let window = Window {
        opens: reader.uint_or_null()?,
        closes: reader.uint_or_null()?,
        gate: gate(reader)?,
    };
    match window.is_backward() {
        true => Err(Malformed("a window that closes before it opens")),
        false => Ok(window),
    }
}

fn gate(reader: &mut Reader<'_>) -> Result<Option<Gate>, Malformed> {
    if reader.null() {
        return Ok(None);
    }
    reader.array_len(2)?;
    let gate = Gate::new(reader.uint()?, reader.uint()?);
    gate.map(Some).ok_or(Malformed("a gate that is none"))
}

fn threshold(reader: &mut Reader<'_>) -> Result<u8, Malformed> {
    let k = u8::try_from(reader.uint()?).ok();
    k.filter(|k| (1..=MOST).contains(&usize::from(*k)))
        .ok_or(Malformed("a threshold out of range"))
}

fn members(reader: &mut Reader<'_>) -> Result<Vec<Member>, Malformed> {
    let count = usize::try_from(reader.array()?).ok();
    match count.filter(|count| (1..=MOST).contains(count)) {
        Some(count) => (0..count).map(|_| Member::decode(reader)).collect(),
        None => Err(Malformed("no members, or too many")),
    }
}
