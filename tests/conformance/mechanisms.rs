//! C_GetMechanismList and C_GetMechanismInfo.

use cryptoki_sys::*;

use crate::compare::differs;

#[test]
fn an_unknown_mechanism_or_slot_has_no_info() {
    differs(&[], |run| {
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

/// What both offer: the key sizes in their unit, and what the mechanism does.
const SHARED: &[(&str, CK_MECHANISM_TYPE)] = &[
    ("AES_KEY_GEN", CKM_AES_KEY_GEN),
    ("AES_ECB", CKM_AES_ECB),
    ("AES_CBC", CKM_AES_CBC),
    ("AES_CBC_PAD", CKM_AES_CBC_PAD),
    ("AES_CTR", CKM_AES_CTR),
    ("AES_GCM", CKM_AES_GCM),
    ("AES_CMAC", CKM_AES_CMAC),
    ("AES_KEY_WRAP", CKM_AES_KEY_WRAP),
    ("AES_KEY_WRAP_PAD", CKM_AES_KEY_WRAP_PAD),
    ("SHA_1", CKM_SHA_1),
    ("SHA256", CKM_SHA256),
    ("SHA512", CKM_SHA512),
    ("SHA256_HMAC", CKM_SHA256_HMAC),
    ("GENERIC_SECRET_KEY_GEN", CKM_GENERIC_SECRET_KEY_GEN),
    ("RSA_PKCS_KEY_PAIR_GEN", CKM_RSA_PKCS_KEY_PAIR_GEN),
    ("RSA_PKCS", CKM_RSA_PKCS),
    ("RSA_PKCS_OAEP", CKM_RSA_PKCS_OAEP),
    ("RSA_PKCS_PSS", CKM_RSA_PKCS_PSS),
    ("SHA256_RSA_PKCS", CKM_SHA256_RSA_PKCS),
    ("SHA256_RSA_PKCS_PSS", CKM_SHA256_RSA_PKCS_PSS),
    ("EC_KEY_PAIR_GEN", CKM_EC_KEY_PAIR_GEN),
    ("ECDSA", CKM_ECDSA),
    ("ECDH1_DERIVE", CKM_ECDH1_DERIVE),
    ("EDDSA", CKM_EDDSA),
];

#[test]
fn mechanisms_tell_their_sizes_and_what_they_do() {
    differs(&[], |run| {
        let module = run.module();
        let list = module.mechanisms(run.slot()).unwrap();
        for (name, kind) in SHARED {
            run.note(&format!("{name} listed"), list.contains(kind));
            let info = module.mechanism_info(run.slot(), *kind).unwrap();
            run.note(
                &format!("{name} sizes"),
                (info.ulMinKeySize, info.ulMaxKeySize),
            );
            run.note(
                &format!("{name} flags"),
                format!("{:#x}", info.flags & !CKF_HW),
            );
        }
    });
}

#[test]
fn every_listed_mechanism_has_its_info() {
    differs(&[], |run| {
        let module = run.module();
        let list = module.mechanisms(run.slot()).unwrap();
        let lacking: Vec<_> = list
            .iter()
            .filter(|kind| module.mechanism_info(run.slot(), **kind).is_err())
            .collect();
        run.note("without", lacking);
    });
}
