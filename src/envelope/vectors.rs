//! The published vectors of docs/envelope.md, 9, through both implementations: each file of
//! `tests/vectors/envelope` is sealed to its bytes, or opens, or is refused at the step that it says.
#![forbid(unsafe_code)]

use std::fs;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::seal::seal_from;
use super::second;
use super::window::tests::windows;
use super::{Damage, Error, Kind, Request, Window, inspect, open, payload, seal};
use crate::clock::{Gate, Phase, tick_begin};
use crate::secret::Secret;
use crate::tether::{Fixed, Quorum};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/envelope");

/// One file.
struct Case {
    name: String,
    json: Json,
}

fn cases() -> Vec<Case> {
    let files = fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = files
        .map(|path| Case {
            name: path.file_stem().unwrap().to_str().unwrap().to_string(),
            json: serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap(),
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(cases.len() > 100, "the vectors are not there");
    cases
}

fn hex(text: &Json) -> Vec<u8> {
    let digits = text.as_str().unwrap().as_bytes().chunks(2);
    digits
        .map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

fn fixed<const N: usize>(text: &Json) -> [u8; N] {
    hex(text).try_into().unwrap()
}

fn kind(name: &Json) -> Kind {
    match name.as_str().unwrap() {
        "key" => Kind::Key,
        "data" => Kind::Data,
        "token" => Kind::Token,
        other => panic!("no kind: {other}"),
    }
}

impl Case {
    fn envelope(&self) -> Vec<u8> {
        hex(&self.json["envelope"])
    }

    /// The payload, or the step that must refuse.
    fn wanted(&self) -> Result<Vec<u8>, String> {
        match self.json["fails"].as_str() {
            Some(step) => Err(step.to_string()),
            None => Ok(hex(&self.json["payload"])),
        }
    }

    fn ours(&self, salt: [u8; 32]) -> Quorum {
        let soft = &self.json["soft"];
        let id = soft["id"].as_str().unwrap();
        Quorum::lone(Arc::new(Fixed::new(
            id,
            fixed(&soft["instance"]),
            &hex(&soft["root"]),
            salt,
        )))
    }

    fn theirs(&self) -> second::Soft {
        let soft = &self.json["soft"];
        second::Soft {
            id: soft["id"].as_str().unwrap().to_string(),
            instance: hex(&soft["instance"]),
            root: hex(&soft["root"]),
        }
    }

    fn opened_by_ours(&self) -> Result<Vec<u8>, String> {
        let ask = &self.json["open"];
        let (aad, at) = (hex(&ask["aad"]), ask["at"].as_i64().unwrap());
        open(
            &self.ours([0; 32]),
            &self.envelope(),
            kind(&ask["kind"]),
            &aad,
            at,
        )
        .map(|opened| opened.payload.expose().to_vec())
        .map_err(|why| step(&why).to_string())
    }

    fn opened_by_theirs(&self) -> Result<Vec<u8>, String> {
        let ask = &self.json["open"];
        let (aad, at) = (hex(&ask["aad"]), ask["at"].as_i64().unwrap());
        second::open(
            &self.theirs(),
            &self.envelope(),
            kind(&ask["kind"]) as u64,
            &aad,
            at,
        )
        .map_err(str::to_string)
    }

    fn sealed_by_ours(&self) -> Vec<u8> {
        let Seal {
            random: (id, cek, salt),
            window,
            aad,
            payload,
            created,
            kind,
        } = self.seal();
        let request = Request {
            kind,
            window,
            payload: &payload,
            aad: &aad,
            unix_ns: created,
            verify: true,
        };
        let cek = Secret::copy(&cek).unwrap();
        let sealed = seal_from(&self.ours(salt), &request, id, &cek).unwrap();
        assert_eq!(sealed.error_pct, Some(0.0), "{}", self.name);
        sealed.bytes
    }

    fn sealed_by_theirs(&self) -> Vec<u8> {
        let Seal {
            random: (id, cek, salt),
            window,
            aad,
            payload,
            created,
            kind,
        } = self.seal();
        let seal = second::Seal {
            id: id.to_vec(),
            cek: cek.to_vec(),
            salt: salt.to_vec(),
            kind: kind as u64,
            created,
            opens: window.opens,
            closes: window.closes,
            gate: window.gate.map(|gate| (gate.low.into(), gate.high.into())),
            aad,
            payload,
        };
        second::seal(&self.theirs(), &seal)
    }

    fn seal(&self) -> Seal {
        let seal = &self.json["seal"];
        let part = |place: usize| seal["gate"][place].as_u64();
        Seal {
            random: (
                fixed(&seal["id"]),
                fixed(&seal["cek"]),
                fixed(&seal["salt"]),
            ),
            window: Window {
                opens: seal["opens"].as_u64(),
                closes: seal["closes"].as_u64(),
                gate: part(0)
                    .zip(part(1))
                    .map(|(low, high)| Gate::new(low, high).unwrap()),
            },
            aad: hex(&seal["aad"]),
            payload: hex(&self.json["payload"]),
            created: seal["created"].as_i64().unwrap(),
            kind: kind(&seal["kind"]),
        }
    }
}

/// What a case with `seal` is sealed from.
struct Seal {
    /// Id, CEK, salt.
    random: ([u8; 16], [u8; 32], [u8; 32]),
    window: Window,
    aad: Vec<u8>,
    payload: Vec<u8>,
    created: i64,
    kind: Kind,
}

/// The step of docs/envelope.md, 5, that an error stands for.
fn step(why: &Error) -> &'static str {
    match why {
        Error::Malformed(_) => "decode",
        Error::WrongKind => "kind",
        Error::Closed | Error::NotOpenYet | Error::OutsideGate { .. } => "window",
        Error::OtherSibling => "member",
        Error::Damaged(Damage::Share) | Error::Siblings(_) => "share",
        Error::Damaged(Damage::Key) => "key",
        Error::Context => "context",
        Error::Damaged(Damage::Content) => "content",
        Error::BadWindow | Error::Unverified { .. } => "sealing",
        Error::Memory | Error::Internal(_) => "none",
    }
}

#[test]
fn every_published_envelope_opens_or_fails_where_it_says() {
    for case in cases() {
        assert_eq!(case.opened_by_ours(), case.wanted(), "ours: {}", case.name);
        assert_eq!(
            case.opened_by_theirs(),
            case.wanted(),
            "theirs: {}",
            case.name
        );
    }
}

#[test]
fn every_published_envelope_is_sealed_to_the_same_bytes() {
    let sealed: Vec<_> = cases()
        .into_iter()
        .filter(|case| case.json["seal"].is_object())
        .collect();
    assert!(sealed.len() >= 10, "{}", sealed.len());
    for case in sealed {
        assert_eq!(
            case.sealed_by_ours(),
            case.envelope(),
            "ours: {}",
            case.name
        );
        assert_eq!(
            case.sealed_by_theirs(),
            case.envelope(),
            "theirs: {}",
            case.name
        );
    }
}

#[test]
fn published_payloads_are_those_of_their_kind() {
    let opening = cases()
        .into_iter()
        .filter(|case| case.json["fails"].is_null());
    for case in opening {
        let bytes = hex(&case.json["payload"]);
        let again = match kind(&case.json["open"]["kind"]) {
            Kind::Data => continue,
            Kind::Key => payload::encode(&payload::decode(&bytes, |kind| kind == 0x11).unwrap()),
            Kind::Token => payload::Token::decode(&bytes).unwrap().encode(),
        };
        assert_eq!(again.unwrap().expose(), bytes, "{}", case.name);
    }
}

#[test]
fn the_page_shows_the_vectors_that_the_files_hold() {
    let page = include_str!("../../docs/envelope.md");
    let page: String = page.split_whitespace().collect();
    let first = cases()
        .into_iter()
        .find(|case| case.name == "ok-data")
        .unwrap();
    assert!(page.contains(first.json["envelope"].as_str().unwrap()));
    let count = format!("has{}envelopes", cases().len());
    assert!(page.contains(&count), "{count}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_opens_what_the_other_sealed(
        payload in prop::collection::vec(any::<u8>(), 0..100),
        window in windows(),
        aad in prop::collection::vec(any::<u8>(), 0..9),
        root: [u8; 32], instance: [u8; 16], id: [u8; 16], cek: [u8; 32], salt: [u8; 32],
    ) {
        let ours = Quorum::lone(Arc::new(Fixed::new("soft", instance, &root, salt)));
        let theirs = second::Soft { id: "soft".to_string(), instance: instance.to_vec(), root: root.to_vec() };
        let mut now = tick_begin(window.opens.unwrap_or(2_000_000_000));
        now += window.gate.map_or(0, |gate| i64::try_from(gate.wait_ns(Phase::at(now))).unwrap());
        let request = Request { kind: Kind::Data, window, payload: &payload, aad: &aad, unix_ns: now, verify: true };

        let sealed = seal(&ours, &request).unwrap().bytes;
        prop_assert_eq!(second::open(&theirs, &sealed, 1, &aad, now), Ok(payload.clone()));

        let gate = window.gate.map(|gate| (gate.low.into(), gate.high.into()));
        let given = second::Seal {
            id: id.to_vec(), cek: cek.to_vec(), salt: salt.to_vec(), kind: 1, created: now,
            opens: window.opens, closes: window.closes, gate, aad: aad.clone(), payload: payload.clone(),
        };
        let sealed = second::seal(&theirs, &given);
        let opened = open(&ours, &sealed, Kind::Data, &aad, now).unwrap();
        prop_assert_eq!(opened.payload.expose(), &payload[..]);
    }

    /// The published envelopes with a few bytes changed: both take it or both leave it.
    #[test]
    fn both_decode_the_same(pick: prop::sample::Index, at: prop::sample::Index, byte: u8, more in any::<bool>()) {
        let cases = cases();
        let mut bytes = pick.get(&cases).envelope();
        if bytes.is_empty() {
            return Ok(());
        }
        let at = at.index(bytes.len());
        match more {
            true => bytes.insert(at, byte),
            false => bytes[at] = byte,
        }
        prop_assert_eq!(inspect(&bytes).is_ok(), second::decodes(&bytes), "{:02x?}", bytes);
    }
}
