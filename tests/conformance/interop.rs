//! What one module makes, the other takes: signatures, ciphertexts, wrapped keys, shared secrets.

use cryptoki_sys::*;

use crate::compare::{Run, both};
use crate::support::answer::Answer;
use crate::support::mech::{Mech, SHA1, SHA224, SHA256, SHA384, SHA512};
use crate::support::session::Session;
use crate::support::template::{Template, of_class, open_aes, secret, usages};

const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const P384: &[u8] = b"\x06\x05\x2b\x81\x04\x00\x22";
const P521: &[u8] = b"\x06\x05\x2b\x81\x04\x00\x23";
const ED25519: &[u8] = b"\x13\x0cedwards25519";
const TEXT: &[u8] = b"the text that is signed";

/// A key pair in one module, and its public half in the other.
struct Shared<'s> {
    here: &'s Session<'s>,
    private: CK_OBJECT_HANDLE,
    there: &'s Session<'s>,
    public: CK_OBJECT_HANDLE,
}

impl Shared<'_> {
    fn sign_and_verify(&self, sign: &Mech, verify: &Mech, data: &[u8]) {
        let told = format!("{:#x}", sign.kind);
        let signature = self.here.sign(sign, self.private, data).expect(&told);
        let verified = self.there.verify(verify, self.public, data, &signature);
        assert_eq!(verified, Ok(()), "{told}");
        let mut other = data.to_vec();
        other[0] ^= 1;
        let verified = self.there.verify(verify, self.public, &other, &signature);
        assert!(verified.is_err(), "{told}: another text verified");
    }
}

fn public_half(
    (here, key): (&Session<'_>, CK_OBJECT_HANDLE),
    there: &Session<'_>,
    kinds: &[CK_ATTRIBUTE_TYPE],
) -> CK_OBJECT_HANDLE {
    let key_type = here.get_number(key, CKA_KEY_TYPE).unwrap();
    let template = of_class(CKO_PUBLIC_KEY)
        .number(CKA_KEY_TYPE, key_type)
        .yes(CKA_VERIFY)
        .yes(CKA_ENCRYPT)
        .yes(CKA_WRAP);
    let copied = |template: Template, kind: &CK_ATTRIBUTE_TYPE| {
        let mut value = here.get(key, *kind).unwrap();
        // Ours gives an Edwards point raw, as the standard has it; SoftHSM takes it no other way than
        // as an OCTET STRING, which ours takes too.
        if *kind == CKA_EC_POINT && value.len() == 32 {
            value = [&[4, 32][..], &value].concat();
        }
        template.bytes(*kind, &value)
    };
    there.create(kinds.iter().fold(template, copied)).unwrap()
}

/// Runs `work` with a pair of each module.
fn with_pairs(
    (soft, ours): (&Run, &Run),
    make: impl Fn(&Session<'_>) -> Answer<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)>,
    kinds: &[CK_ATTRIBUTE_TYPE],
    work: impl Fn(&Shared<'_>),
) {
    let (soft, ours) = (soft.user(), ours.user());
    for (here, there) in [(&soft, &ours), (&ours, &soft)] {
        let (public, private) = make(here).unwrap();
        let public = public_half((here, public), there, kinds);
        work(&Shared {
            here,
            private,
            there,
            public,
        });
    }
}

fn rsa(session: &Session<'_>) -> Answer<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
    let public = Template::default()
        .number(CKA_MODULUS_BITS, 2048)
        .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
    let how = Mech::plain(CKM_RSA_PKCS_KEY_PAIR_GEN);
    session.generate_pair(&how, public, Template::default())
}

fn curve(session: &Session<'_>, params: &[u8]) -> Answer<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
    let public = Template::default().bytes(CKA_EC_PARAMS, params);
    let how = Mech::plain(CKM_EC_KEY_PAIR_GEN);
    session.generate_pair(&how, public, Template::default().yes(CKA_DERIVE))
}

const RSA_PUBLIC: &[CK_ATTRIBUTE_TYPE] = &[CKA_MODULUS, CKA_PUBLIC_EXPONENT];
const EC_PUBLIC: &[CK_ATTRIBUTE_TYPE] = &[CKA_EC_PARAMS, CKA_EC_POINT];

#[test]
fn rsa_signatures_of_one_verify_in_the_other() {
    both(|soft, ours| {
        with_pairs((soft, ours), rsa, RSA_PUBLIC, |pair| {
            for kind in [
                CKM_RSA_PKCS,
                CKM_SHA224_RSA_PKCS,
                CKM_SHA256_RSA_PKCS,
                CKM_SHA384_RSA_PKCS,
                CKM_SHA512_RSA_PKCS,
            ] {
                pair.sign_and_verify(&Mech::plain(kind), &Mech::plain(kind), TEXT);
            }
        });
    });
}

#[test]
fn pss_signatures_of_one_verify_in_the_other() {
    both(|soft, ours| {
        with_pairs((soft, ours), rsa, RSA_PUBLIC, |pair| {
            for (kind, hash, salt) in [
                (CKM_SHA224_RSA_PKCS_PSS, SHA224, 28),
                (CKM_SHA256_RSA_PKCS_PSS, SHA256, 32),
                (CKM_SHA256_RSA_PKCS_PSS, SHA256, 0),
                (CKM_SHA384_RSA_PKCS_PSS, SHA384, 48),
                (CKM_SHA512_RSA_PKCS_PSS, SHA512, 64),
            ] {
                let how = Mech::pss(kind, hash, hash, salt);
                pair.sign_and_verify(&how, &how, TEXT);
            }
            let how = Mech::pss(CKM_RSA_PKCS_PSS, SHA256, SHA256, 32);
            pair.sign_and_verify(&how, &how, &[7; 32]);
        });
    });
}

#[test]
fn ecdsa_signatures_of_one_verify_in_the_other() {
    both(|soft, ours| {
        for params in [P256, P384, P521] {
            let make = |session: &Session<'_>| curve(session, params);
            with_pairs((soft, ours), make, EC_PUBLIC, |pair| {
                let raw = Mech::plain(CKM_ECDSA);
                for len in [20, 32, 48, 64] {
                    pair.sign_and_verify(&raw, &raw, &vec![9; len]);
                }
            });
        }
    });
}

#[test]
fn eddsa_signatures_of_one_verify_in_the_other() {
    both(|soft, ours| {
        let make = |session: &Session<'_>| {
            let public = Template::default().bytes(CKA_EC_PARAMS, ED25519);
            let how = Mech::plain(CKM_EC_EDWARDS_KEY_PAIR_GEN);
            session.generate_pair(&how, public, Template::default())
        };
        with_pairs((soft, ours), make, EC_PUBLIC, |pair| {
            pair.sign_and_verify(&Mech::plain(CKM_EDDSA), &Mech::plain(CKM_EDDSA), TEXT);
        });
    });
}

#[test]
fn rsa_ciphertexts_of_one_open_in_the_other() {
    both(|soft, ours| {
        with_pairs((soft, ours), rsa, RSA_PUBLIC, |pair| {
            for how in [Mech::plain(CKM_RSA_PKCS), Mech::oaep(SHA1, SHA1, b"")] {
                let sealed = pair.there.encrypt(&how, pair.public, TEXT).unwrap();
                let opened = pair.here.decrypt(&how, pair.private, &sealed);
                assert_eq!(opened.as_deref(), Ok(TEXT), "{:#x}", how.kind);
            }
        });
    });
}

#[test]
fn deterministic_signatures_are_equal() {
    both(|soft, ours| {
        let (soft, ours) = (soft.user(), ours.user());
        let open = Template::default().no(CKA_SENSITIVE).yes(CKA_EXTRACTABLE);
        let public = Template::default()
            .number(CKA_MODULUS_BITS, 2048)
            .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
        let how = Mech::plain(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (_, key) = soft.generate_pair(&how, public, open).unwrap();
        let numbers = [
            CKA_MODULUS,
            CKA_PUBLIC_EXPONENT,
            CKA_PRIVATE_EXPONENT,
            CKA_PRIME_1,
            CKA_PRIME_2,
            CKA_EXPONENT_1,
            CKA_EXPONENT_2,
            CKA_COEFFICIENT,
        ];
        let template = of_class(CKO_PRIVATE_KEY).number(CKA_KEY_TYPE, CKK_RSA);
        let template = numbers.iter().fold(template, |template, kind| {
            template.bytes(*kind, &soft.get(key, *kind).unwrap())
        });
        let same = ours.create(template).unwrap();
        for kind in [CKM_SHA256_RSA_PKCS, CKM_SHA512_RSA_PKCS] {
            let how = Mech::plain(kind);
            assert_eq!(ours.sign(&how, same, TEXT), soft.sign(&how, key, TEXT));
        }
    });
}

fn generic(len: usize) -> Template {
    let value: Vec<u8> = (0..len).map(|i| i as u8 ^ 0x5a).collect();
    usages(secret(CKK_GENERIC_SECRET))
        .no(CKA_SENSITIVE)
        .yes(CKA_EXTRACTABLE)
        .bytes(CKA_VALUE, &value)
}

#[test]
fn aes_wraps_are_equal_and_open_in_the_other() {
    both(|soft, ours| {
        let (soft, ours) = (soft.user(), ours.user());
        let kek = || open_aes().bytes(CKA_VALUE, &[0x11; 32]);
        let (their_kek, our_kek) = (soft.create(kek()).unwrap(), ours.create(kek()).unwrap());
        for kind in [CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PAD] {
            let how = Mech::plain(kind);
            for len in [16, 24, 32, 64] {
                let (theirs, own) = (soft.create(generic(len)), ours.create(generic(len)));
                let wrapped = ours.wrap(&how, our_kek, own.unwrap()).unwrap();
                let reference = soft.wrap(&how, their_kek, theirs.unwrap());
                assert_eq!(Ok(&wrapped), reference.as_ref(), "{kind:#x}, {len}");
                for (session, kek) in [(&soft, their_kek), (&ours, our_kek)] {
                    let template = generic(0).without(CKA_VALUE);
                    let key = session.unwrap(&how, kek, &wrapped, template).unwrap();
                    let value = session.get(key, CKA_VALUE).unwrap();
                    assert_eq!(value.len(), len);
                    assert_eq!(session.wrap(&how, kek, key).unwrap(), wrapped);
                }
            }
        }
    });
}

#[test]
fn private_keys_wrapped_by_one_open_in_the_other() {
    both(|soft, ours| {
        let sessions = (soft.user(), ours.user());
        let kek = || open_aes().bytes(CKA_VALUE, &[0x22; 32]);
        for (here, there) in [(&sessions.0, &sessions.1), (&sessions.1, &sessions.0)] {
            let (from, to) = (here.create(kek()).unwrap(), there.create(kek()).unwrap());
            let how = Mech::plain(CKM_AES_KEY_WRAP_PAD);
            for (key_type, params) in [(CKK_RSA, P256), (CKK_EC, P256), (CKK_EC, P521)] {
                let (public, private) = wrapped_pair(here, key_type, params);
                let wrapped = here.wrap(&how, from, private).unwrap();
                let template = of_class(CKO_PRIVATE_KEY)
                    .number(CKA_KEY_TYPE, key_type)
                    .yes(CKA_SIGN);
                let moved = there.unwrap(&how, to, &wrapped, template).unwrap();
                let (sign, text) = match key_type {
                    CKK_RSA => (Mech::plain(CKM_SHA256_RSA_PKCS), TEXT),
                    _ => (Mech::plain(CKM_ECDSA), &TEXT[..20]),
                };
                let signature = there.sign(&sign, moved, text).unwrap();
                assert_eq!(here.verify(&sign, public, text, &signature), Ok(()));
            }
        }
    });
}

fn wrapped_pair(
    session: &Session<'_>,
    key_type: CK_KEY_TYPE,
    params: &[u8],
) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let private = Template::default().yes(CKA_EXTRACTABLE);
    let (how, public) = match key_type {
        CKK_RSA => (
            Mech::plain(CKM_RSA_PKCS_KEY_PAIR_GEN),
            Template::default()
                .number(CKA_MODULUS_BITS, 2048)
                .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]),
        ),
        _ => (
            Mech::plain(CKM_EC_KEY_PAIR_GEN),
            Template::default().bytes(CKA_EC_PARAMS, params),
        ),
    };
    session.generate_pair(&how, public, private).unwrap()
}

#[test]
fn keys_wrapped_by_rsa_in_one_open_in_the_other() {
    both(|soft, ours| {
        with_pairs((soft, ours), rsa, RSA_PUBLIC, |pair| {
            let hows = [Mech::plain(CKM_RSA_PKCS), Mech::oaep(SHA1, SHA1, b"")];
            for how in hows {
                let key = pair.there.create(generic(32)).unwrap();
                let wrapped = pair.there.wrap(&how, pair.public, key).unwrap();
                let template = generic(0).without(CKA_VALUE);
                let opened = pair.here.unwrap(&how, pair.private, &wrapped, template);
                let value = pair.here.get(opened.unwrap(), CKA_VALUE);
                assert_eq!(value, pair.there.get(key, CKA_VALUE), "{:#x}", how.kind);
            }
        });
    });
}

#[test]
fn both_sides_of_ecdh_agree() {
    both(|soft, ours| {
        let (soft, ours) = (soft.user(), ours.user());
        for (params, len) in [(P256, 32), (P384, 48), (P521, 66)] {
            let theirs = curve(&soft, params).unwrap();
            let own = curve(&ours, params).unwrap();
            let secret_of = |session: &Session<'_>, private, point: &[u8]| {
                let template = secret(CKK_GENERIC_SECRET)
                    .no(CKA_SENSITIVE)
                    .yes(CKA_EXTRACTABLE)
                    .number(CKA_VALUE_LEN, len);
                let how = Mech::ecdh(CKD_NULL, b"", point);
                let key = session.derive(&how, private, template).unwrap();
                session.get(key, CKA_VALUE).unwrap()
            };
            let their_point = soft.get(theirs.0, CKA_EC_POINT).unwrap();
            let our_point = ours.get(own.0, CKA_EC_POINT).unwrap();
            let one = secret_of(&soft, theirs.1, &our_point);
            let other = secret_of(&ours, own.1, &their_point);
            assert_eq!(one, other, "{len} bytes");
        }
    });
}
