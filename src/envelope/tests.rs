//! Sealing and opening together, through Soft.
#![forbid(unsafe_code)]

use cryptoki_sys::*;
use proptest::prelude::*;

use super::header::Header;
use super::payload;
use super::payload::Value;
use super::window::tests::windows;
use super::{Error, Kind, Request, Window, len_bound, open, seal};
use crate::clock::{Gate, Phase, TICK_NS, tick, tick_begin};
use crate::secret::Secret;
use crate::tether;
use crate::tether::Quorum;

const NOW: i64 = 1_700_000_000_000_000_000;

fn quorum() -> Quorum {
    tether::fresh_soft("soft", [5; 16]).unwrap()
}

fn request(payload: &[u8]) -> Request<'_> {
    Request {
        kind: Kind::Data,
        window: Window::default(),
        payload,
        aad: &[],
        unix_ns: NOW,
        verify: true,
    }
}

fn opened(quorum: &Quorum, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    open(quorum, bytes, Kind::Data, &[], NOW).map(|opened| opened.payload.expose().to_vec())
}

#[test]
fn what_was_sealed_opens_and_its_error_was_measured() {
    let quorum = quorum();
    let sealed = seal(&quorum, &request(b"payload")).unwrap();
    assert_eq!(sealed.error_pct, Some(0.0));
    assert_eq!(opened(&quorum, &sealed.bytes).unwrap(), b"payload");
    let Header { created, kind, .. } = super::inspect(&sealed.bytes).unwrap();
    assert_eq!(
        (created.tick, created.ns, kind),
        (2_187_902_187, 701_000_000, Kind::Data)
    );
}

#[test]
fn every_changed_byte_is_refused_and_every_cut_and_extension() {
    let quorum = quorum();
    let window = Window {
        closes: Some(3_000_000_000),
        gate: Gate::new(0, 10_000),
        ..Window::default()
    };
    let bytes = seal(
        &quorum,
        &Request {
            window,
            ..request(b"payload")
        },
    )
    .unwrap()
    .bytes;
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert!(opened(&quorum, &changed).is_err(), "byte {at} bit {bit}");
        }
        assert!(opened(&quorum, &bytes[..at]).is_err(), "cut to {at}");
    }
    assert!(opened(&quorum, &[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn kinds_never_mix() {
    let quorum = quorum();
    for kind in [Kind::Key, Kind::Data, Kind::Token] {
        let bytes = seal(
            &quorum,
            &Request {
                kind,
                ..request(b"payload")
            },
        )
        .unwrap()
        .bytes;
        for asked in [Kind::Key, Kind::Data, Kind::Token] {
            match open(&quorum, &bytes, asked, &[], NOW) {
                Ok(_) => assert_eq!(asked, kind),
                Err(why) => assert!(asked != kind && matches!(why, Error::WrongKind), "{why}"),
            }
        }
    }
}

#[test]
fn associated_data_must_be_the_same() {
    let quorum = quorum();
    let bound = seal(
        &quorum,
        &Request {
            aad: b"context",
            ..request(b"payload")
        },
    )
    .unwrap()
    .bytes;
    let free = seal(&quorum, &request(b"payload")).unwrap().bytes;
    let with = |bytes: &[u8], aad: &[u8]| open(&quorum, bytes, Kind::Data, aad, NOW).map(drop);
    assert!(with(&bound, b"context").is_ok() && with(&free, b"").is_ok());
    for (bytes, aad) in [
        (&bound, &b""[..]),
        (&bound, b"Context"),
        (&free, b"context"),
    ] {
        assert!(matches!(with(bytes, aad), Err(Error::Context)));
    }
}

#[test]
fn a_window_that_is_over_or_backward_is_not_sealed_into() {
    let past = Window {
        closes: Some(tick(NOW) - 1),
        ..Window::default()
    };
    let backward = Window {
        opens: Some(9),
        closes: Some(8),
        gate: None,
    };
    for window in [past, backward] {
        let refused = seal(
            &quorum(),
            &Request {
                window,
                ..request(b"")
            },
        );
        assert!(matches!(refused, Err(Error::BadWindow)));
    }
}

#[test]
fn it_opens_in_its_window_and_nowhere_else() {
    let quorum = quorum();
    let (opens, closes) = (tick(NOW) + 10, tick(NOW) + 20);
    let window = Window {
        opens: Some(opens),
        closes: Some(closes),
        gate: None,
    };
    let bytes = seal(
        &quorum,
        &Request {
            window,
            ..request(b"x")
        },
    )
    .unwrap()
    .bytes;
    let at = |tick, ns| open(&quorum, &bytes, Kind::Data, &[], tick_begin(tick) + ns).map(drop);
    assert!(matches!(at(opens, -1), Err(Error::NotOpenYet)));
    assert!(at(opens, 0).is_ok() && at(closes, TICK_NS - 1).is_ok());
    assert!(matches!(at(closes, TICK_NS), Err(Error::Closed)));
}

#[test]
fn another_sibling_a_locked_one_and_a_renamed_one_are_told_apart() {
    let ours = quorum();
    let bytes = seal(&ours, &request(b"x")).unwrap().bytes;
    assert!(matches!(
        opened(&quorum(), &bytes),
        Err(Error::OtherSibling)
    ));
    ours.lock();
    let locked = opened(&ours, &bytes);
    assert!(matches!(&locked, Err(Error::Siblings(why)) if why.to_string().contains("locked")));
    assert!(matches!(
        seal(&ours, &request(b"x")),
        Err(Error::Siblings(_))
    ));
}

#[test]
fn the_same_master_key_opens_under_another_id() {
    let cheap = tether::Cost {
        memory: 8,
        passes: 1,
        lanes: 1,
    };
    let ours = quorum();
    let bytes = seal(&ours, &request(b"x")).unwrap().bytes;
    let record = ours.rewrap(b"1234", tether::Role::User, cheap).unwrap();
    let renamed = tether::soft("renamed");
    renamed
        .unlock(b"1234", &[5; 16], tether::Role::User, &record)
        .unwrap();
    assert_eq!(opened(&renamed, &bytes).unwrap(), b"x");
}

#[test]
fn an_aes_256_key_with_label_and_id_takes_at_most_512_bytes() {
    let id = "soft-20-characters-x";
    let soft = tether::fresh_soft(id, [5; 16]).unwrap();
    let flags = [
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
    ];
    let flags = flags
        .iter()
        .zip(0..)
        .map(|(kind, n)| (*kind, Value::Bool(n % 2 == 0)));
    let rest = [
        (CKA_CLASS, Value::Uint(CKO_SECRET_KEY)),
        (CKA_KEY_TYPE, Value::Uint(CKK_AES)),
        (CKA_VALUE, Value::Secret(Secret::random(32).unwrap())),
        (CKA_LABEL, Value::Bytes(vec![b'l'; 16])),
        (CKA_ID, Value::Bytes(vec![1; 16])),
    ];
    let key: payload::Attributes = flags.chain(rest).collect();
    let payload = payload::encode(&key).unwrap();
    let window = Window {
        opens: Some(tick(NOW)),
        closes: Some(tick(NOW) + 9_999_999),
        gate: Gate::new(9500, 500),
    };
    let request = Request {
        kind: Kind::Key,
        window,
        ..request(payload.expose())
    };
    let sealed = seal(&soft, &request).unwrap();
    let len = sealed.bytes.len();
    assert!(len <= 512, "{len} bytes"); // 364 measured
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_bound_holds_and_is_close(
        len in 0..3000usize, window in windows(), aad: bool, id in "[a-z0-9-]{1,40}",
    ) {
        let soft = tether::fresh_soft(&id, [5; 16]).unwrap();
        let payload = vec![7; len];
        let aad: &[u8] = if aad { b"context" } else { b"" };
        let now = tick_begin(window.closes.or(window.opens).unwrap_or(2_187_902_187));
        let request = Request { window, aad, unix_ns: now, ..request(&payload) };
        let sealed = seal(&soft, &request).unwrap().bytes.len();
        soft.lock();
        let bound = len_bound(&soft, window, len, !aad.is_empty());
        prop_assert!((sealed..=sealed + 64).contains(&bound), "{sealed} {bound}");
    }

    #[test]
    fn any_payload_in_any_window_comes_back(
        payload in prop::collection::vec(any::<u8>(), 0..300),
        window in windows(),
        aad in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let soft = quorum();
        let mut now = tick_begin(window.opens.unwrap_or(2_000_000_000));
        now += window.gate.map_or(0, |gate| i64::try_from(gate.wait_ns(Phase::at(now))).unwrap());
        let request = Request { window, aad: &aad, unix_ns: now, ..request(&payload) };
        let sealed = seal(&soft, &request).unwrap();
        let back = open(&soft, &sealed.bytes, Kind::Data, &aad, now).unwrap();
        prop_assert_eq!(back.payload.expose(), &payload[..]);
        prop_assert_eq!(back.header, sealed.header);
    }
}
