//! A PIN record: a root under Argon2id of one PIN (formats.md §4.2). The head says how; a check tells
//! a wrong PIN from a damaged record; the box holds the root.
#![forbid(unsafe_code)]

use argon2::{Algorithm, Argon2, Params, Version};

use super::Error;
use crate::cbor::{Item, Malformed, Reader};
use crate::error::Code;
use crate::lc;
use crate::os::Scratch;
use crate::secret::Secret;

/// Whose PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    So,
    User,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::So => "so",
            Self::User => "user",
        }
    }
}

/// What a try of a PIN costs (RFC 9106).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    /// KiB.
    pub(crate) memory: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Cost {
    /// 19 MiB, 2 passes, 1 lane.
    pub(crate) const DEFAULT: Self = Self {
        memory: 19_456,
        passes: 2,
        lanes: 1,
    };

    /// More than this in a record is damage, for it would stop the host.
    const MOST: Self = Self {
        memory: 1_048_576,
        passes: 16,
        lanes: 8,
    };

    fn is_bounded(self) -> bool {
        let Self {
            memory,
            passes,
            lanes,
        } = self;
        memory <= Self::MOST.memory && passes <= Self::MOST.passes && lanes <= Self::MOST.lanes
    }
}

/// A record as it is kept, part by part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) head: Vec<u8>,
    pub(crate) check: Vec<u8>,
    pub(crate) sealed_root: Vec<u8>,
}

/// Seals `root` under a PIN and a fresh salt.
pub(super) fn seal(
    root: &Secret,
    pin: &[u8],
    token: &[u8; 16],
    role: Role,
    cost: Cost,
) -> Result<Record, Error> {
    let mut salt = [0; 16];
    lc::random::fill(&mut salt);
    seal_from(
        root,
        pin,
        &Head {
            token: *token,
            role,
            cost,
            salt,
        },
    )
}

fn seal_from(root: &Secret, pin: &[u8], head: &Head) -> Result<Record, Error> {
    let stretched = head.stretch(pin)?;
    let head = head.encode();
    Ok(Record {
        check: check(&stretched, &head)?.expose().to_vec(),
        sealed_root: wrapping(&stretched, &head)?.seal_once(&head, root.expose())?,
        head,
    })
}

/// Opens a record of this token and role.
///
/// # Errors
/// [`Error::PinIncorrect`] by the check alone; [`Error::Damaged`] for all else that is wrong.
pub(super) fn open(
    record: &Record,
    pin: &[u8],
    token: &[u8; 16],
    role: Role,
) -> Result<Secret, Error> {
    let Record {
        head,
        check: wanted,
        sealed_root,
    } = record;
    let parsed = Head::decode(head).map_err(|_| Error::Damaged)?;
    if parsed.token != *token || parsed.role != role || !parsed.cost.is_bounded() {
        return Err(Error::Damaged);
    }
    let stretched = parsed.stretch(pin)?;
    match check(&stretched, head)?.is(wanted) {
        true => root(wrapping(&stretched, head)?.open_once(head, sealed_root)),
        false => Err(Error::PinIncorrect),
    }
}

fn root(opened: crate::error::Result<Secret>) -> Result<Secret, Error> {
    match opened {
        Ok(root) if root.len() == 32 => Ok(root),
        Err(e) if e.code == Code::HostMemory => Err(Error::Memory),
        _ => Err(Error::Damaged),
    }
}

fn check(stretched: &Secret, head: &[u8]) -> Result<Secret, Error> {
    derive(stretched, "zeq-byok/1 pin check", head)
}

fn wrapping(stretched: &Secret, head: &[u8]) -> Result<Secret, Error> {
    derive(stretched, "zeq-byok/1 pin wrap", head)
}

fn derive(stretched: &Secret, purpose: &str, head: &[u8]) -> Result<Secret, Error> {
    let digest = lc::digest::sha256(&[head]);
    let info = [Item::Text(purpose), Item::Bytes(&digest)];
    Ok(stretched.derive(&[], Item::Array(&info))?)
}

/// The part of a record that says how it was made.
struct Head {
    token: [u8; 16],
    role: Role,
    cost: Cost,
    salt: [u8; 16],
}

impl Head {
    fn encode(&self) -> Vec<u8> {
        let Self {
            token,
            role,
            cost,
            salt,
        } = self;
        Item::Array(&[
            Item::Text("zeq-byok/1 root"),
            Item::Uint(1),
            Item::Bytes(token),
            Item::Text(role.name()),
            Item::Uint(cost.memory.into()),
            Item::Uint(cost.passes.into()),
            Item::Uint(cost.lanes.into()),
            Item::Bytes(salt),
            Item::Null, // a pepper's id, later
        ])
        .to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.array_len(9)?;
        if (reader.text()?, reader.uint()?) != ("zeq-byok/1 root", 1) {
            return Err(Malformed("no PIN record of version 1"));
        }
        let head = Self::fields(&mut reader)?;
        match reader.null() {
            true => reader.end().map(|()| head),
            false => Err(Malformed("a pepper, which this version does not know")),
        }
    }

    fn fields(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            token: reader.array_of()?,
            role: match reader.text()? {
                "so" => Role::So,
                "user" => Role::User,
                _ => return Err(Malformed("no role")),
            },
            cost: Cost {
                memory: number(reader)?,
                passes: number(reader)?,
                lanes: number(reader)?,
            },
            salt: reader.array_of()?,
        })
    }

    /// Argon2id version 1.3 of the PIN.
    fn stretch(&self, pin: &[u8]) -> Result<Secret, Error> {
        let Cost {
            memory,
            passes,
            lanes,
        } = self.cost;
        let params = Params::new(memory, passes, lanes, Some(32)).map_err(|_| Error::Damaged)?;
        let scratch = Scratch::new(params.block_count()).ok_or(Error::Memory)?;
        let mut out = Secret::zeroed(32)?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(pin, &self.salt, out.expose_mut(), scratch)
            .map_err(|_| Error::Internal("Argon2id refused its input"))?;
        Ok(out)
    }
}

fn number(reader: &mut Reader<'_>) -> Result<u32, Malformed> {
    u32::try_from(reader.uint()?).map_err(|_| Malformed("a cost out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory: 8,
        passes: 1,
        lanes: 1,
    };
    const TOKEN: [u8; 16] = [7; 16];

    fn record() -> (Secret, Record) {
        let root = Secret::copy(&[3; 32]).unwrap();
        let record = seal(&root, b"1234", &TOKEN, Role::User, CHEAP).unwrap();
        (root, record)
    }

    #[test]
    fn the_right_pin_opens_the_root() {
        let (root, record) = record();
        let opened = open(&record, b"1234", &TOKEN, Role::User).unwrap();
        assert!(opened.is(root.expose()));
    }

    #[test]
    fn a_wrong_pin_is_told_from_damage() {
        let (_, good) = record();
        let refusal = |record: &Record, pin: &[u8], token, role| {
            open(record, pin, token, role).err().unwrap()
        };
        assert!(matches!(
            refusal(&good, b"1235", &TOKEN, Role::User),
            Error::PinIncorrect
        ));
        assert!(matches!(
            refusal(&good, b"1234", &TOKEN, Role::So),
            Error::Damaged
        ));
        assert!(matches!(
            refusal(&good, b"1234", &[8; 16], Role::User),
            Error::Damaged
        ));
        let mut bad = good.clone();
        bad.sealed_root[5] ^= 1;
        assert!(matches!(
            refusal(&bad, b"1234", &TOKEN, Role::User),
            Error::Damaged
        ));
        assert!(matches!(
            refusal(&bad, b"1235", &TOKEN, Role::User),
            Error::PinIncorrect
        ));
        let cut = Record {
            head: good.head[..20].to_vec(),
            ..good
        };
        assert!(matches!(
            refusal(&cut, b"1234", &TOKEN, Role::User),
            Error::Damaged
        ));
    }

    #[test]
    fn a_record_that_asks_for_too_much_is_damaged_and_costs_nothing() {
        for cost in [
            Cost {
                memory: 1_048_577,
                ..CHEAP
            },
            Cost {
                passes: 17,
                ..CHEAP
            },
            Cost {
                lanes: 9,
                memory: 72,
                ..CHEAP
            },
            Cost { passes: 0, ..CHEAP },
            Cost { memory: 1, ..CHEAP },
        ] {
            let head = Head {
                token: TOKEN,
                role: Role::So,
                cost,
                salt: [0; 16],
            };
            let record = Record {
                head: head.encode(),
                check: vec![0; 32],
                sealed_root: vec![0; 48],
            };
            let refused = open(&record, b"1234", &TOKEN, Role::So).err().unwrap();
            assert!(matches!(refused, Error::Damaged), "{cost:?}: {refused}");
        }
    }

    #[test]
    fn a_new_record_has_a_new_salt() {
        assert_ne!(record().1.head, record().1.head);
    }

    /// The published vectors of docs/envelope.md, 9: made by argon2-cffi and OpenSSL.
    #[test]
    fn every_published_record_opens_or_fails_as_it_says() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/soft");
        let files = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut count = 0;
        for path in files {
            published(
                &std::fs::read_to_string(&path).unwrap(),
                &path.display().to_string(),
            );
            count += 1;
        }
        assert_eq!(count, 15);
    }

    fn published(text: &str, name: &str) {
        let case: serde_json::Value = serde_json::from_str(text).unwrap();
        let bytes = |part: &str| hex(case[part].as_str().unwrap());
        let token = bytes("instance").try_into().unwrap();
        let role = match case["role"].as_str().unwrap() {
            "so" => Role::So,
            _ => Role::User,
        };
        let record = Record {
            head: bytes("head"),
            check: bytes("check"),
            sealed_root: bytes("box"),
        };
        let opened = open(&record, &bytes("pin"), &token, role);
        match case["fails"].as_str() {
            Some("pin") => assert!(matches!(opened, Err(Error::PinIncorrect)), "{name}"),
            Some(_) => assert!(matches!(opened, Err(Error::Damaged)), "{name}"),
            None => {
                let root = opened.unwrap();
                assert!(root.is(&bytes("root")), "{name}");
                let number = |part: &str| u32::try_from(case[part].as_u64().unwrap()).unwrap();
                let cost = Cost {
                    memory: number("memory"),
                    passes: number("passes"),
                    lanes: number("lanes"),
                };
                let salt = bytes("salt").try_into().unwrap();
                let head = Head {
                    token,
                    role,
                    cost,
                    salt,
                };
                let made = seal_from(&root, &bytes("pin"), &head).unwrap();
                assert_eq!(made, record, "{name}");
            }
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2);
        let byte = |two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap();
        digits.map(byte).collect()
    }
}
