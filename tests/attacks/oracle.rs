//! What fails behind a padding is one code (Bardou and others 2012).

use std::collections::BTreeSet;

use cryptoki_sys::*;

use crate::support::mech::Mech;
use crate::support::session::Session;
use crate::support::template::{Template, of_class, secret};
use crate::{open, user};

#[test]
fn every_failure_of_a_cbc_pad_unwrap_is_one_code() {
    user(|_, session| {
        let with = session.create(open()).unwrap();
        let how = Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]);
        let sealed = session.encrypt(&how, with, &[1; 32]).unwrap();
        let private = of_class(CKO_PRIVATE_KEY).number(CKA_KEY_TYPE, CKK_EC);
        let mut told = BTreeSet::new();
        for n in 0..sealed.len() * 8 {
            let mut wrapped = sealed.clone();
            wrapped[n / 8] ^= 1 << (n % 8);
            for template in [
                secret(CKK_AES),
                secret(CKK_AES).number(CKA_VALUE_LEN, 16),
                private.clone(),
            ] {
                told.extend(code(&session, &how, with, &wrapped, template));
            }
        }
        assert_eq!(told, [CKR_WRAPPED_KEY_INVALID].into());
    });
}

#[test]
fn every_failure_of_an_rsa_pkcs1_unwrap_is_one_code() {
    user(|_, session| {
        let public = Template::default()
            .number(CKA_MODULUS_BITS, 2048)
            .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
        let how = Mech::plain(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (public, private) = session
            .generate_pair(&how, public, Template::default())
            .unwrap();
        let rsa = Mech::plain(CKM_RSA_PKCS);
        let mut told = BTreeSet::new();
        // Right padding around what is no AES key, a wrong padding, none, and other lengths.
        for len in [0, 1, 15, 20, 33, 245] {
            let wrapped = session.encrypt(&rsa, public, &vec![3; len]).unwrap();
            told.extend(code(&session, &rsa, private, &wrapped, secret(CKK_AES)));
        }
        for n in 0..24 {
            let noise = vec![n + 1; 256];
            told.extend(code(&session, &rsa, private, &noise, secret(CKK_AES)));
        }
        let right = session.encrypt(&rsa, public, &[3; 16]).unwrap();
        let long = secret(CKK_AES).number(CKA_VALUE_LEN, 32);
        told.extend(code(&session, &rsa, private, &right, long));
        assert_eq!(told, [CKR_WRAPPED_KEY_INVALID].into());
        session
            .unwrap(&rsa, private, &right, secret(CKK_AES))
            .unwrap();
    });
}

fn code(
    session: &Session<'_>,
    how: &Mech,
    with: CK_OBJECT_HANDLE,
    wrapped: &[u8],
    template: Template,
) -> Option<CK_RV> {
    session
        .unwrap(how, with, wrapped, template)
        .err()
        .map(|rv| rv.0)
}
