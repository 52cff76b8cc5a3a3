//! The little DER that the vectors need: strict, so that what is not DER never reaches the module.

/// OIDs and field lengths of the curves, DER-encoded as CKA_EC_PARAMS wants them.
pub(crate) const P256: (&[u8], usize) = (b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 32);
pub(crate) const P384: (&[u8], usize) = (b"\x06\x05\x2b\x81\x04\x00\x22", 48);
pub(crate) const P521: (&[u8], usize) = (b"\x06\x05\x2b\x81\x04\x00\x23", 66);
/// PrintableString `edwards25519`.
pub(crate) const ED25519: &[u8] = b"\x13\x0cedwards25519";

/// `OCTET STRING`.
pub(crate) fn octets(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x04];
    match bytes.len() {
        len @ 0..=0x7f => out.push(len as u8),
        len @ 0x80..=0xff => out.extend([0x81, len as u8]),
        len => out.extend([0x82, (len >> 8) as u8, len as u8]),
    }
    out.extend(bytes);
    out
}

/// One element of the wanted tag: its contents and what follows it.
pub(crate) fn element(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = match bytes {
        [t, len @ 0..=0x7f, rest @ ..] if *t == tag => (usize::from(*len), rest),
        [t, 0x81, len @ 0x80..=0xff, rest @ ..] if *t == tag => (usize::from(*len), rest),
        _ => return None,
    };
    (rest.len() >= len).then(|| rest.split_at(len))
}

/// A DER signature as r and s of `len` bytes each; `None` where it is not DER or a number is negative
/// or too long for the field.
pub(crate) fn signature(bytes: &[u8], len: usize) -> Option<Vec<u8>> {
    let (body, []) = element(0x30, bytes)? else {
        return None;
    };
    let (r, rest) = element(0x02, body)?;
    let (s, []) = element(0x02, rest)? else {
        return None;
    };
    Some([integer(r, len)?, integer(s, len)?].concat())
}

/// A positive INTEGER of the shortest form, left-padded to `len` bytes.
fn integer(contents: &[u8], len: usize) -> Option<Vec<u8>> {
    let digits = match contents {
        [0, next @ 0x80..=0xff, ..] if *next >= 0x80 => &contents[1..],
        [0] => contents,
        [0x01..=0x7f, ..] => contents,
        _ => return None,
    };
    left_padded(digits, len)
}

/// `None` where it does not fit.
pub(crate) fn left_padded(number: &[u8], len: usize) -> Option<Vec<u8>> {
    let start = number.iter().position(|b| *b != 0).unwrap_or(number.len());
    let digits = &number[start..];
    let missing = len.checked_sub(digits.len())?;
    Some([&vec![0; missing][..], digits].concat())
}

/// The public point of a SubjectPublicKeyInfo that names exactly this curve, and nothing else.
pub(crate) fn point_of_spki<'b>(spki: &'b [u8], curve: &[u8]) -> Option<&'b [u8]> {
    let (body, []) = element(0x30, spki)? else {
        return None;
    };
    let (algorithm, rest) = element(0x30, body)?;
    let id_ec_public_key = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
    if algorithm != [&id_ec_public_key[..], curve].concat() {
        return None;
    }
    let (bits, []) = element(0x03, rest)? else {
        return None;
    };
    bits.strip_prefix(&[0])
}
