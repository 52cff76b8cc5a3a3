//! What comes of a content key (CEK): commitments, the tag of the caller's associated data, and the
//! one key that seals the content (docs/envelope.md, 3).
#![forbid(unsafe_code)]

use crate::cbor::Item;
use crate::error::Result;
use crate::lc;
use crate::secret::Secret;

/// To a share, with its index from 1.
pub(crate) fn share_commitment(id: &[u8; 16], index: u8, share: &Secret) -> Result<[u8; 16]> {
    let whole = commitment(&[
        Item::Text("zeq-byok/1 share"),
        Item::Bytes(id),
        Item::Uint(index.into()),
        Item::Bytes(share.expose()),
    ])?;
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = whole;
    Ok([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}

/// To the content key.
pub(crate) fn cek_commitment(id: &[u8; 16], cek: &Secret) -> Result<[u8; 32]> {
    commitment(&[
        Item::Text("zeq-byok/1 cek"),
        Item::Bytes(id),
        Item::Bytes(cek.expose()),
    ])
}

fn commitment(parts: &[Item<'_>]) -> Result<[u8; 32]> {
    let encoded = Item::Array(parts).to_secret()?;
    Ok(lc::digest::sha256(&[encoded.expose()]))
}

/// Of the caller's associated data.
pub(crate) fn aad_tag(id: &[u8; 16], cek: &Secret, aad: &[u8]) -> Result<[u8; 32]> {
    let key = cek.derive(id, Item::Array(&[Item::Text("zeq-byok/1 aad")]))?;
    lc::mac::hmac_sha256(key.expose(), &[aad])
}

/// The key of one content under one header.
pub(crate) fn content_key(id: &[u8; 16], cek: &Secret, digest: &[u8; 32]) -> Result<Secret> {
    let info = [Item::Text("zeq-byok/1 content"), Item::Bytes(digest)];
    cek.derive(id, Item::Array(&info))
}

/// `Enc_structure` (RFC 9052, 5.3): the content's associated data.
pub(crate) fn enc_structure(protected: &[u8]) -> Vec<u8> {
    Item::Array(&[
        Item::Text("Encrypt"),
        Item::Bytes(protected),
        Item::Bytes(&[]),
    ])
    .to_vec()
}

/// Bits in which two keys differ, in percent; a missing byte differs in all of its bits.
pub(crate) fn distance_pct(one: &[u8], other: &[u8]) -> f64 {
    let longer = one.len().max(other.len());
    let bits = longer.max(1) * 8;
    let missing = 8 * (longer - one.len().min(other.len()));
    let differ = one
        .iter()
        .zip(other)
        .map(|(a, b)| (a ^ b).count_ones() as usize);
    let differ = u32::try_from(differ.sum::<usize>() + missing).unwrap_or(u32::MAX);
    100.0 * f64::from(differ) / f64::from(u32::try_from(bits).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_that_of_the_bits() {
        for (one, other, pct) in [
            (&[0u8; 32][..], &[0u8; 32][..], 0.0),
            (&[0xff; 32], &[0; 32], 100.0),
            (&[1, 0, 0, 0], &[0, 0, 0, 0], 3.125),
            (&[0, 0], &[0], 50.0),
            (&[], &[], 0.0),
        ] {
            assert!(
                (distance_pct(one, other) - pct).abs() < 1e-9,
                "{one:?} {other:?}"
            );
        }
    }
}
