//! Sealing, in the order of docs/envelope.md, 4, and the check that what was sealed comes back.
#![forbid(unsafe_code)]

use super::format::{self, Recipient};
use super::header::{Created, Header};
use super::keys;
use super::member::{Member, Strength, Unknown};
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
