//! Asymmetric keys: what is generated and what a host may bring, how they come back from their parts
//! and from PKCS#8, and what is refused.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::mechanism::asymmetric_tests::{
    ED25519, P256, P384, P521, code, ec, ed, generate, generate_rsa, import, on_curve, rsa,
};
use crate::mechanism::der;
use crate::mechanism::{NewKey, Wanted, complete, from_pkcs8, from_public_key_info};

/// The attributes of an object, as the store gives them back.
fn again(class: CK_OBJECT_CLASS, key: &NewKey) -> NewKey {
    complete(class, key.key_type, &|kind| {
        let public = key.public.iter().find(|(each, _)| *each == kind);
        let secret = key.secret.iter().find(|(each, _)| *each == kind);
        let public = public.map(|(_, value)| &value[..]);
        public.or_else(|| secret.map(|(_, value)| value.expose()))
    })
    .unwrap()
}

fn same(one: &NewKey, other: &NewKey) {
    assert_eq!(one.key_type, other.key_type);
    assert_eq!(one.public, other.public);
    assert_eq!(one.secret.len(), other.secret.len());
    for ((kind, value), (other_kind, other_value)) in one.secret.iter().zip(&other.secret) {
        assert_eq!(kind, other_kind);
        assert!(value.is(other_value.expose()));
    }
}

#[test]
fn keys_come_back_from_their_parts_from_pkcs8_and_from_their_public_key_info() {
    for pair in [rsa(), &ec(P256), &ec(P384), &ec(P521), &ed()] {
        same(&pair.public, &again(CKO_PUBLIC_KEY, &pair.public));
        same(&pair.private, &again(CKO_PRIVATE_KEY, &pair.private));
        let pkcs8 = pair.private().to_pkcs8().unwrap();
        same(&pair.private, &from_pkcs8(pkcs8.expose()).unwrap());
        let info = pair.public().public_key_info().unwrap();
        assert_eq!(pair.private().public_key_info().unwrap(), info);
        same(&pair.public, &from_public_key_info(&info).unwrap());
    }
}

#[test]
fn damaged_pkcs8_is_refused_or_another_key_but_never_accepted_as_the_same() {
    for pair in [rsa(), &ec(P384), &ed()] {
        let pkcs8 = pair.private().to_pkcs8().unwrap();
        let whole = pkcs8.expose();
        for len in 0..whole.len() {
            assert_eq!(code(from_pkcs8(&whole[..len])), Code::WrappedKeyInvalid);
        }
        // Seven zero bytes are another module's filling of its last block; more or others are not.
        assert!(from_pkcs8(&[whole, &[0; 7]].concat()).is_ok());
        for longer in [[whole, &[1]].concat(), [whole, &[0; 8]].concat()] {
            assert_eq!(code(from_pkcs8(&longer)), Code::WrappedKeyInvalid);
        }
        for at in 0..whole.len() {
            let mut damaged = whole.to_vec();
            damaged[at] ^= 0x10;
            match from_pkcs8(&damaged) {
                Ok(other) => assert!(!other.key.unwrap().to_pkcs8().unwrap().is(whole)),
                Err(error) => assert_eq!(error.code, Code::WrappedKeyInvalid),
            }
        }
    }
}

/// The parts of a private RSA key but those left out, and with one replaced.
fn rsa_import(leave_out: &[CK_ATTRIBUTE_TYPE], replace: CK_ATTRIBUTE_TYPE) -> Result<NewKey> {
    let key = &rsa().private;
    complete(CKO_PRIVATE_KEY, CKK_RSA, &|kind| {
        if leave_out.contains(&kind) {
            return None;
        }
        if kind == replace {
            return Some(&[3, 5, 7]);
        }
        let public = key.public.iter().find(|(each, _)| *each == kind);
        let secret = key.secret.iter().find(|(each, _)| *each == kind);
        let public = public.map(|(_, value)| &value[..]);
        public.or_else(|| secret.map(|(_, value)| value.expose()))
    })
}

const NOTHING: CK_ATTRIBUTE_TYPE = CK_ATTRIBUTE_TYPE::MAX;

#[test]
fn an_rsa_key_is_completed_from_what_is_there() {
    const CRT: [CK_ATTRIBUTE_TYPE; 3] = [CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT];
    const PRIMES: [CK_ATTRIBUTE_TYPE; 2] = [CKA_PRIME_1, CKA_PRIME_2];
    for left_out in [
        &CRT[..],
        &PRIMES,
        &[CKA_COEFFICIENT],
        &[CKA_PRIME_2],
        &[CKA_PUBLIC_EXPONENT],
        &[&CRT[..], &PRIMES, &[CKA_PUBLIC_EXPONENT]].concat(),
    ] {
        same(&rsa().private, &rsa_import(left_out, NOTHING).unwrap());
    }
    for needed in [CKA_MODULUS, CKA_PRIVATE_EXPONENT] {
        let answer = code(rsa_import(&[needed], NOTHING));
        assert_eq!(answer, Code::TemplateIncomplete);
    }
}

#[test]
fn rsa_parts_that_are_not_one_keys_are_refused() {
    for part in [
        CKA_MODULUS,
        CKA_PUBLIC_EXPONENT,
        CKA_PRIVATE_EXPONENT,
        CKA_PRIME_1,
        CKA_PRIME_2,
        CKA_EXPONENT_1,
        CKA_EXPONENT_2,
        CKA_COEFFICIENT,
    ] {
        let answer = code(rsa_import(&[], part));
        assert_eq!(answer, Code::AttributeValueInvalid, "{part:#x}");
    }
    let bare = [CKA_PRIME_1, CKA_PRIME_2];
    for part in [CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT] {
        let answer = code(rsa_import(&bare, part));
        assert_eq!(answer, Code::AttributeValueInvalid, "{part:#x}");
    }
}

fn public_rsa(modulus: &[u8], exponent: &[u8]) -> Result<NewKey> {
    complete(CKO_PUBLIC_KEY, CKK_RSA, &|kind| match kind {
        CKA_MODULUS => Some(modulus),
        CKA_PUBLIC_EXPONENT => Some(exponent),
        _ => None,
    })
}

#[test]
fn public_rsa_keys_that_cannot_be_are_refused() {
    let modulus = [0xc5; 256];
    assert!(public_rsa(&modulus, &[3]).is_ok());
    let padded = [&[0; 4][..], &modulus].concat();
    let key = public_rsa(&padded, &[0, 3]).unwrap();
    assert_eq!(key.public[0].1, modulus);
    assert_eq!(
        key.public[2],
        (CKA_MODULUS_BITS, 2048_usize.to_ne_bytes().to_vec())
    );
    for (modulus, exponent) in [
        (&[0xc5; 127][..], &[3][..]),
        (&[0xc5; 1025], &[3]),
        (&[0xc4; 256], &[3]),
        (&modulus, &[1]),
        (&modulus, &[2]),
        (&modulus, &[0]),
        (&modulus, &[9, 0, 0, 0, 0, 1]),
    ] {
        let answer = code(public_rsa(modulus, exponent));
        assert_eq!(answer, Code::AttributeValueInvalid);
    }
}

#[test]
fn only_lengths_and_exponents_that_come_out_as_asked_are_generated() {
    for bits in [0, 512, 1024, 1920, 2047, 2050, 2112, 8193, 8320, usize::MAX] {
        assert_eq!(code(generate_rsa(bits, &[3])), Code::KeySizeRange, "{bits}");
    }
    for exponent in [&[][..], &[0], &[1], &[2], &[1, 0, 0, 0, 1], &[1, 0]] {
        let answer = code(generate_rsa(2048, exponent));
        assert_eq!(answer, Code::AttributeValueInvalid, "{exponent:?}");
    }
    let pair = generate_rsa(2176, &[0, 3]).unwrap();
    assert_eq!(pair.public.public[0].1.len(), 272);
    assert_eq!(pair.public.public[1].1, [3]);
    let incomplete = generate(CKM_RSA_PKCS_KEY_PAIR_GEN, &Wanted::default());
    assert_eq!(code(incomplete), Code::TemplateIncomplete);
    let wrong_type = Wanted {
        key_type: Some(CKK_EC),
        modulus_bits: Some(2048),
        ..Wanted::default()
    };
    let answer = code(generate(CKM_RSA_PKCS_KEY_PAIR_GEN, &wrong_type));
    assert_eq!(answer, Code::TemplateInconsistent);
}

#[test]
fn a_curve_may_be_named_in_each_of_its_ways_and_is_given_back_as_it_came() {
    let named = |name: &str| der::element(der::PRINTABLE_STRING, &[name.as_bytes()]).to_vec();
    let ways = |kind, all: Vec<Vec<u8>>| {
        for way in all {
            let pair = on_curve(kind, &way).unwrap();
            for key in [&pair.public, &pair.private] {
                assert_eq!(key.public[0], (CKA_EC_PARAMS, way.clone()));
            }
        }
    };
    let names = ["secp256r1", "prime256v1", "P-256", "secp384r1", "secp521r1"];
    ways(CKM_EC_KEY_PAIR_GEN, names.map(named).to_vec());
    let names = ["edwards25519", "Ed25519", "ED25519", "id-Ed25519"];
    let gnupg = b"\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01";
    let mut all = names.map(named).to_vec();
    all.extend([ED25519.to_vec(), gnupg.to_vec()]);
    ways(CKM_EC_EDWARDS_KEY_PAIR_GEN, all);
}

#[test]
fn curves_that_are_not_ours_are_told_from_what_names_none() {
    let k1 = b"\x06\x05\x2b\x81\x04\x00\x0a";
    let name = der::element(der::PRINTABLE_STRING, &[b"brainpoolP256r1"]);
    let spelled_out = der::element(der::SEQUENCE, &[&[2, 1, 1]]);
    for kind in [CKM_EC_KEY_PAIR_GEN, CKM_EC_EDWARDS_KEY_PAIR_GEN] {
        for params in [&k1[..], &name, &spelled_out] {
            let answer = code(on_curve(kind, params));
            assert_eq!(answer, Code::CurveNotSupported);
        }
        for params in [&[][..], &[6], &[6, 9, 1], b"secp256r1"] {
            let answer = code(on_curve(kind, params));
            assert_eq!(answer, Code::AttributeValueInvalid);
        }
        let none = code(generate(kind, &Wanted::default()));
        assert_eq!(none, Code::TemplateIncomplete);
    }
    let swapped = code(on_curve(CKM_EC_KEY_PAIR_GEN, ED25519));
    assert_eq!(swapped, Code::CurveNotSupported);
}

#[test]
fn points_come_in_raw_or_wrapped_and_go_out_in_their_usual_form() {
    for params in [P256, P384, P521] {
        let usual = &ec(params).public.public[1].1;
        let raw = der::only(der::OCTET_STRING, usual).unwrap();
        let x = &raw[1..=raw.len() / 2];
        let compressed = [&[2 + (raw.last().unwrap() & 1)], x].concat();
        for form in [raw, usual, &compressed] {
            let point = (CKA_EC_POINT, form);
            let key = import(CKO_PUBLIC_KEY, CKK_EC, params, point, None).unwrap();
            assert_eq!(key.public[1].1, *usual);
        }
        let hybrid = [&[6 + (raw.last().unwrap() & 1)], &raw[1..]].concat();
        let mut off = raw.to_vec();
        *off.last_mut().unwrap() ^= 1;
        for bad in [&hybrid[..], &off, &[0], &[], &raw[1..]] {
            let point = (CKA_EC_POINT, bad);
            let answer = import(CKO_PUBLIC_KEY, CKK_EC, params, point, None);
            assert_eq!(code(answer), Code::AttributeValueInvalid);
        }
    }
    let raw = ed().public.public[1].1.clone();
    let wrapped = der::element(der::OCTET_STRING, &[&raw]);
    for form in [&raw[..], &wrapped] {
        let point = (CKA_EC_POINT, form);
        let key = import(CKO_PUBLIC_KEY, CKK_EC_EDWARDS, ED25519, point, None).unwrap();
        assert_eq!(key.public[1].1, raw);
    }
    let point = (CKA_EC_POINT, &raw[1..]);
    let short = import(CKO_PUBLIC_KEY, CKK_EC_EDWARDS, ED25519, point, None);
    assert_eq!(code(short), Code::AttributeValueInvalid);
}

#[test]
fn private_scalars_are_in_range_and_padded() {
    let private = |params, value: &[u8]| {
        let value = (CKA_VALUE, value);
        import(CKO_PRIVATE_KEY, CKK_EC, params, value, None)
    };
    let one = private(P256, &[1]).unwrap();
    assert_eq!(one.secret[0].1.len(), 32);
    assert!(private(P256, &[&[0; 8][..], &[7; 32]].concat()).is_ok());
    for bad in [&[][..], &[0; 32], &[0xff; 32], &[1; 33], &[1; 4000]] {
        let answer = code(private(P256, bad));
        assert_eq!(answer, Code::AttributeValueInvalid);
    }
    for bad in [&[][..], &[1; 31], &[1; 33], &[1; 64]] {
        let value = (CKA_VALUE, bad);
        let answer = import(CKO_PRIVATE_KEY, CKK_EC_EDWARDS, ED25519, value, None);
        assert_eq!(code(answer), Code::AttributeValueInvalid);
    }
}

#[test]
fn a_public_key_info_must_be_the_keys_own() {
    let (mine, other) = (ec(P256), ec(P256));
    let value = (CKA_VALUE, mine.private.secret[0].1.expose());
    let with = |info: &[u8]| import(CKO_PRIVATE_KEY, CKK_EC, P256, value, Some(info));
    assert!(with(&mine.public().public_key_info().unwrap()).is_ok());
    assert!(with(&[]).is_ok());
    let others = with(&other.public().public_key_info().unwrap());
    assert_eq!(code(others), Code::TemplateInconsistent);
    assert_eq!(code(with(&[1, 2, 3])), Code::AttributeValueInvalid);
}
