//! Opening, in the order of docs/envelope.md, 5: each step stands on those before it.
#![forbid(unsafe_code)]

use super::format::{self, Decoded, Recipient};
use super::header::Header;
use super::keys;
use super::member::Member;
use super::{Damage, Error, Kind};
use crate::error::Code;
use crate::lc;
use crate::secret::Secret;
use crate::tether;
use crate::tether::{Binding, Given, Quorum, Sibling};

/// What an envelope held.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) payload: Secret,
    pub(crate) header: Header,
    /// SHA-256 of the protected header: what a cache of opened envelopes goes by (formats.md §5).
    #[expect(dead_code, reason = "tethers cache opened envelopes by it")]
    pub(crate) digest: [u8; 32],
}

/// Opens an envelope of this kind, sealed with these associated data (none: empty), at this moment.
///
/// # Errors
/// Kind, then window, then members, then what was changed.
pub(crate) fn open(
    quorum: &Quorum,
    bytes: &[u8],
    kind: Kind,
    aad: &[u8],
    unix_ns: i64,
) -> Result<Opened, Error> {
    let envelope = format::decode(bytes)?;
    match envelope.header.kind == kind {
        true => envelope.header.window.opens(unix_ns)?,
        false => return Err(Error::WrongKind),
    }
    let digest = lc::digest::sha256(&[envelope.protected]);
    let cek = content_key(quorum, &envelope, &digest, envelope.header.k.into())?;
    let payload = content(&envelope, &digest, &cek, aad)?;
    Ok(Opened {
        payload,
        header: envelope.header,
        digest,
    })
}

/// Asks the siblings for `want` shares, at least k, and makes the content key of them.
pub(super) fn content_key(
    quorum: &Quorum,
    envelope: &Decoded<'_>,
    digest: &[u8; 32],
    want: usize,
) -> Result<Secret, Error> {
    let header = &envelope.header;
    let given = given(quorum, envelope, digest)?;
    let fits = |index: u8, share: &Secret| committed(header, index, share);
    let shares = quorum.unwrap_any(&given, want, fits).map_err(blame)?;
    let (cek, all) = tether::combine(&shares, header.k, header.members.len())?;
    let indices = 1..=u8::MAX;
    let whole = all
        .iter()
        .zip(indices)
        .all(|(share, index)| committed(header, index, share));
    match whole && cek_committed(header, &cek)? {
        true => Ok(cek),
        false => Err(Error::Damaged(Damage::Key)),
    }
}

/// Checks the associated data, then opens the content.
pub(super) fn content(
    envelope: &Decoded<'_>,
    digest: &[u8; 32],
    cek: &Secret,
    aad: &[u8],
) -> Result<Secret, Error> {
    let Header { id, aad_tag, .. } = &envelope.header;
    let known = match (aad_tag, aad) {
        (None, []) => true,
        (None, _) | (Some(_), []) => false,
        (Some(tag), aad) => lc::equal(tag, &keys::aad_tag(id, cek, aad)?),
    };
    if !known {
        return Err(Error::Context);
    }
    let key = keys::content_key(id, cek, digest)?;
    let opened = key.open_once(&keys::enc_structure(envelope.protected), envelope.content);
    opened.map_err(|e| match e.code == Code::EncryptedDataInvalid {
        true => Error::Damaged(Damage::Content),
        false => e.into(),
    })
}

/// Every wrapped share whose member is ours. All members must be: what is sealed to others too was
/// not sealed to this quorum.
fn given<'a>(
    quorum: &'a Quorum,
    envelope: &Decoded<'_>,
    digest: &[u8; 32],
) -> Result<Vec<Given<'a>>, Error> {
    let Decoded {
        header, recipients, ..
    } = envelope;
    if header.k < quorum.k() {
        return Err(Error::OtherSibling);
    }
    let places = header.members.iter().zip(recipients).zip(1..=u8::MAX);
    let given = places.map(|((member, recipient), index)| {
        let sibling = find(quorum, member)?;
        Ok(wrapped(recipient).map(|wrapped| Given {
            member: sibling,
            binding: binding(header, digest, index),
            wrapped,
        }))
    });
    given.filter_map(Result::transpose).collect()
}

fn wrapped(recipient: &Recipient) -> Option<tether::Wrapped> {
    recipient.wrapped.clone()
}

/// By fingerprint, never by id. One that is locked has none yet.
fn find<'a>(quorum: &'a Quorum, member: &Member) -> Result<&'a dyn Sibling, Error> {
    let is_it = |sibling: &&dyn Sibling| {
        let master = sibling.master();
        master.is_some_and(|m| m.fingerprint == member.fingerprint && m.wrap == member.wrap)
    };
    quorum
        .siblings()
        .find(is_it)
        .ok_or_else(|| match quorum.is_locked() {
            true => quorum.locked().into(),
            false => Error::OtherSibling,
        })
}

/// What the share of this index is tied to.
pub(super) fn binding(header: &Header, digest: &[u8; 32], index: u8) -> Binding {
    Binding {
        envelope: header.id,
        header: *digest,
        index,
        opens: header.window.opens,
        closes: header.window.closes,
    }
}

/// In constant time. Without memory to tell, it does not fit.
fn committed(header: &Header, index: u8, share: &Secret) -> bool {
    let wanted = usize::from(index)
        .checked_sub(1)
        .and_then(|place| header.members.get(place));
    let found = keys::share_commitment(&header.id, index, share).ok();
    let both = wanted.zip(found);
    both.is_some_and(|(member, found)| lc::equal(&member.commitment, &found))
}

fn cek_committed(header: &Header, cek: &Secret) -> Result<bool, Error> {
    let found = keys::cek_commitment(&header.id, cek)?;
    Ok(lc::equal(&header.commitment, &found))
}

/// Where no sibling failed but all say that these are not the bytes that they wrapped, the envelope
/// was changed.
fn blame(why: tether::Error) -> Error {
    match why.is_mismatch() {
        true => Error::Damaged(Damage::Share),
        false => why.into(),
    }
}
