//! C_GetMechanismList and C_GetMechanismInfo.

use cryptoki_sys::*;

use crate::compare::{both, same};

#[test]
fn an_unknown_mechanism_or_slot_has_no_info() {
    same(|run| {
        let module = run.module();
        let slot = run.slot();
        run.note(
            "unknown",
            module.mechanism_info(slot, 0x7777_7777).map(|i| i.flags),
        );
        run.note(
            "no such slot",
            module
                .mechanism_info(0x7fff_fff0, CKM_SHA256)
                .map(|i| i.flags),
        );
        run.note("list, no such slot", module.mechanisms(0x7fff_fff0));
    });
}

type Sizes = (CK_ULONG, CK_ULONG);

/// Bytes of a key.
const AES: Sizes = (16, 32);
const NONE: Sizes = (0, 0);
/// Bits of a modulus; below 2048 for keys that are imported.
const RSA: Sizes = (1024, 8192);
/// Bits of a field.
const EC: Sizes = (256, 521);

/// What both offer, and the sizes that ours tells.
const SHARED: &[(&str, CK_MECHANISM_TYPE, Sizes)] = &[
    ("AES_KEY_GEN", CKM_AES_KEY_GEN, AES),
    ("AES_ECB", CKM_AES_ECB, AES),
    ("AES_CBC", CKM_AES_CBC, AES),
    ("AES_CBC_PAD", CKM_AES_CBC_PAD, AES),
    ("AES_CTR", CKM_AES_CTR, AES),
    ("AES_GCM", CKM_AES_GCM, AES),
    ("AES_CMAC", CKM_AES_CMAC, AES),
    ("AES_KEY_WRAP", CKM_AES_KEY_WRAP, AES),
    ("AES_KEY_WRAP_PAD", CKM_AES_KEY_WRAP_PAD, AES),
    ("SHA_1", CKM_SHA_1, NONE),
    ("SHA256", CKM_SHA256, NONE),
    ("SHA512", CKM_SHA512, NONE),
    ("SHA256_HMAC", CKM_SHA256_HMAC, (1, 1 << 20)),
    (
        "GENERIC_SECRET_KEY_GEN",
        CKM_GENERIC_SECRET_KEY_GEN,
        (1, 1 << 20),
    ),
    (
        "RSA_PKCS_KEY_PAIR_GEN",
        CKM_RSA_PKCS_KEY_PAIR_GEN,
        (2048, 8192),
    ),
    ("RSA_PKCS", CKM_RSA_PKCS, RSA),
    ("RSA_PKCS_OAEP", CKM_RSA_PKCS_OAEP, RSA),
    ("RSA_PKCS_PSS", CKM_RSA_PKCS_PSS, RSA),
    ("SHA256_RSA_PKCS", CKM_SHA256_RSA_PKCS, RSA),
    ("SHA256_RSA_PKCS_PSS", CKM_SHA256_RSA_PKCS_PSS, RSA),
    ("EC_KEY_PAIR_GEN", CKM_EC_KEY_PAIR_GEN, EC),
    ("ECDSA", CKM_ECDSA, EC),
    ("ECDH1_DERIVE", CKM_ECDH1_DERIVE, EC),
    ("EDDSA", CKM_EDDSA, (255, 256)),
];

/// Ours does all that SoftHSM does with a mechanism, and tells its own sizes.
#[test]
fn mechanisms_tell_their_sizes_and_what_they_do() {
    both(|soft, ours| {
        let list = ours.module().mechanisms(ours.slot()).unwrap();
        for (name, kind, sizes) in SHARED {
            assert!(list.contains(kind), "{name} is not listed");
            let theirs = soft.module().mechanism_info(soft.slot(), *kind).unwrap();
            let own = ours.module().mechanism_info(ours.slot(), *kind).unwrap();
            assert_eq!(own.flags & theirs.flags, theirs.flags, "{name}");
            let told = (own.ulMinKeySize, own.ulMaxKeySize);
            assert_eq!(told, *sizes, "{name}");
        }
    });
}

#[test]
fn every_listed_mechanism_has_its_info() {
    same(|run| {
        let module = run.module();
        let list = module.mechanisms(run.slot()).unwrap();
        let lacking: Vec<_> = list
            .iter()
            .filter(|kind| module.mechanism_info(run.slot(), **kind).is_err())
            .collect();
        run.note("without", lacking);
    });
}
