//! What an X.509 certificate (RFC 5280, 4.1) says of its key: read, never judged.
#![forbid(unsafe_code)]

use crate::mechanism::der::{INTEGER, Reader, SEQUENCE, element};

/// `version`'s tag: [0], constructed.
const VERSION: u8 = 0xa0;

/// The SubjectPublicKeyInfo of a certificate, DER; `None` for what is no certificate.
pub(crate) fn public_key_info(certificate: &[u8]) -> Option<Vec<u8>> {
    let mut signed = Reader(certificate).sequence()?.sequence()?;
    signed.optional(VERSION)?;
    signed.take(INTEGER)?;
    // Signature algorithm, issuer, validity, subject.
    for _ in 0..4 {
        signed.take(SEQUENCE)?;
    }
    let info = signed.take(SEQUENCE)?;
    Some(element(SEQUENCE, &[info]).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_certificate_is_found_and_a_cut_one_has_none() {
        let name = element(SEQUENCE, &[]);
        let key = element(
            SEQUENCE,
            &[b"\x30\x05\x06\x03\x2b\x65\x70", b"\x03\x02\x00\x07"],
        );
        let version = element(VERSION, &[b"\x02\x01\x02"]);
        let fields = [
            &version[..],
            b"\x02\x01\x05",
            &name,
            &name,
            &name,
            &name,
            &key,
        ];
        let certificate = element(
            SEQUENCE,
            &[&element(SEQUENCE, &fields), &name, b"\x03\x01\x00"],
        );
        assert_eq!(public_key_info(&certificate).as_deref(), Some(&key[..]));
        for end in 0..certificate.len() - 1 {
            let cut = certificate.get(..end).unwrap();
            assert_eq!(public_key_info(cut), None, "{end}");
        }
    }
}
