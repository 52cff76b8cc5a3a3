//! Sealing, in the order of docs/envelope.md, 4, and the check that what was sealed comes back.
#![forbid(unsafe_code)]

use super::format::{self, Recipient};
use super::header::{Created, Header, Member, Strength, Unknown};
use super::keys;
use super::open;
use super::{Error, Kind, Window};
use crate::clock::{Phase, tick};
use crate::lc;
use crate::secret::Secret;
use crate::tether;
use crate::tether::{Binding, Quorum, Wrap, Wrapped};

/// What is to be sealed.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) kind: Kind,
    pub(crate) window: Window,
    pub(crate) payload: &'a [u8],
    /// Empty: none.
    pub(crate) aad: &'a [u8],
    pub(crate) unix_ns: i64,
    /// Open it again before it is given out; off only where a provider lets us encrypt alone.
    pub(crate) verify: bool,
}

/// An envelope that was made.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) header: Header,
    /// The Hamming distance between the content key and what came back, in percent: 0, or the call
    /// had failed; `None` where it was not verified.
    pub(crate) error_pct: Option<f64>,
}

/// Seals to every member of a quorum.
///
/// # Errors
/// [`Error::BadWindow`]; [`Error::Siblings`]; [`Error::Unverified`].
pub(crate) fn seal(quorum: &Quorum, request: &Request<'_>) -> Result<Sealed, Error> {
    let mut id = [0; 16];
    lc::random::fill(&mut id);
    seal_from(quorum, request, id, &Secret::random(32)?)
}

/// The same from an id and a content key, both random and used once.
pub(super) fn seal_from(
    quorum: &Quorum,
    request: &Request<'_>,
    id: [u8; 16],
    cek: &Secret,
) -> Result<Sealed, Error> {
    request.window.seals(request.unix_ns)?;
    let shares = tether::split(cek, quorum.k(), quorum.members().len())?;
    let header = header(quorum, request, id, cek, &shares)?;
    let protected = header.encode();
    let digest = lc::digest::sha256(&[&protected]);
    let bindings: Vec<Binding> = (1..=u8::MAX)
        .zip(&shares)
        .map(|(index, _)| open::binding(&header, &digest, index))
        .collect();
    let recipients = recipients(quorum.wrap_all(&shares, &bindings)?);
    let key = keys::content_key(&id, cek, &digest)?;
    let content = key.seal_once(&keys::enc_structure(&protected), request.payload)?;
    let bytes = format::encode(&protected, &content, &recipients);
    let error_pct = request
        .verify
        .then(|| verify(quorum, request, &bytes, cek))
        .transpose()?;
    Ok(Sealed {
        bytes,
        header,
        error_pct,
    })
}

fn header(
    quorum: &Quorum,
    request: &Request<'_>,
    id: [u8; 16],
    cek: &Secret,
    shares: &[Secret],
) -> Result<Header, Error> {
    Ok(Header {
        id,
        kind: request.kind,
        created: created(request.unix_ns),
        window: request.window,
        k: quorum.k(),
        commitment: keys::cek_commitment(&id, cek)?,
        members: members(quorum, id, shares)?,
        aad_tag: match request.aad {
            [] => None,
            aad => Some(keys::aad_tag(&id, cek, aad)?),
        },
        unknown: Unknown::new(),
    })
}

fn created(unix_ns: i64) -> Created {
    Created {
        tick: tick(unix_ns),
        ns: Phase::at(unix_ns).into_ns(),
    }
}

fn members(quorum: &Quorum, id: [u8; 16], shares: &[Secret]) -> Result<Vec<Member>, Error> {
    let places = quorum.members().iter().zip(shares).zip(1..=u8::MAX);
    let member = |((sibling, share), index): ((&std::sync::Arc<dyn tether::Sibling>, _), _)| {
        let master = sibling.master().ok_or_else(|| quorum.locked())?;
        let commitment = keys::share_commitment(&id, index, share)?;
        Ok(named(
            sibling.id(),
            master.fingerprint,
            commitment,
            master.wrap,
        ))
    };
    places.map(member).collect()
}

fn named(id: &str, fingerprint: [u8; 8], commitment: [u8; 16], wrap: Wrap) -> Member {
    Member {
        fingerprint,
        commitment,
        wrap,
        sibling: Some(id.to_string()),
        strength: Strength::Module,
        end: None,
        attester: None,
        unknown: Unknown::new(),
    }
}

fn recipients(wrapped: Vec<Wrapped>) -> Vec<Recipient> {
    let each = wrapped.into_iter();
    each.map(|wrapped| Recipient {
        wrapped: Some(wrapped),
        attestation: None,
    })
    .collect()
}

/// Opens the encoded envelope through every sibling, its window aside, and compares bit for bit.
fn verify(
    quorum: &Quorum,
    request: &Request<'_>,
    bytes: &[u8],
    cek: &Secret,
) -> Result<f64, Error> {
    let envelope = format::decode(bytes)?;
    let digest = lc::digest::sha256(&[envelope.protected]);
    let back = open::content_key(quorum, &envelope, &digest, quorum.members().len())?;
    let error_pct = keys::distance_pct(cek.expose(), back.expose());
    let payload = open::content(&envelope, &digest, &back, request.aad)?;
    match error_pct == 0.0 && payload.is(request.payload) {
        true => Ok(error_pct),
        false => Err(Error::Unverified { error_pct }),
    }
}

/// An upper bound of what [`seal`] gives, at most 64 bytes over for a lone sibling; asks nobody and
/// needs no login.
pub(crate) fn len_bound(
    quorum: &Quorum,
    window: Window,
    payload_len: usize,
    has_aad: bool,
) -> usize {
    let members = quorum.siblings().map(|sibling| {
        let master = sibling.master();
        let wrap = master.map_or(Wrap::Soft, |master| master.wrap); // all of one length
        named(sibling.id(), [0; 8], [0; 16], wrap)
    });
    let header = Header {
        id: [0; 16],
        kind: Kind::Key, // all of one length
        created: Created {
            tick: u64::MAX,
            ns: u32::MAX,
        },
        window,
        k: quorum.k(),
        commitment: [0; 32],
        members: members.collect(),
        aad_tag: has_aad.then_some([0; 32]),
        unknown: Unknown::new(),
    };
    let recipients = recipients(quorum.siblings().map(widest).collect());
    format::len(
        header.encode().len(),
        payload_len.saturating_add(lc::aead::TAG),
        &recipients,
    )
}

fn widest(sibling: &dyn tether::Sibling) -> Wrapped {
    Wrapped {
        bytes: vec![0; sibling.wrapped_len()],
        version: Some(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use cryptoki_sys::*;
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{Gate, TICK_NS, tick_begin};
    use crate::envelope::open;
    use crate::envelope::payload;
    use crate::envelope::payload::Value;
    use crate::envelope::window::tests::windows;

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
        let Header { created, kind, .. } = crate::envelope::inspect(&sealed.bytes).unwrap();
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
}
