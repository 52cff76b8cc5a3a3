//! CKO_SECRET_KEY (PKCS#11 3.2, 4.10).
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::{CHANGES, NEEDED, NOT_CREATED, NOT_MADE, Rule, SECRET, SO_ONLY, Silent, USAGE, rule};
use crate::object::attribute::Form;

/// The key types that are kept.
pub(super) const KNOWN: &[CK_KEY_TYPE] = &[
    CKK_AES,
    CKK_GENERIC_SECRET,
    CKK_HKDF,
    CKK_SHA_1_HMAC,
    CKK_SHA224_HMAC,
    CKK_SHA256_HMAC,
    CKK_SHA384_HMAC,
    CKK_SHA512_HMAC,
    CKK_SHA512_224_HMAC,
    CKK_SHA512_256_HMAC,
    CKK_SHA3_224_HMAC,
    CKK_SHA3_256_HMAC,
    CKK_SHA3_384_HMAC,
    CKK_SHA3_512_HMAC,
];

/// CKA_CHECK_VALUE is computed from the opened key, and rests nowhere.
pub(super) const SECRET_KEY: &[Rule] = &[
    rule(CKA_ENCRYPT, Form::Flag, CHANGES | USAGE, Silent::Flag(true)),
    rule(CKA_VERIFY, Form::Flag, CHANGES | USAGE, Silent::Flag(true)),
    rule(CKA_WRAP, Form::Flag, CHANGES | USAGE, Silent::Flag(true)),
    rule(
        CKA_TRUSTED,
        Form::Flag,
        CHANGES | SO_ONLY,
        Silent::Flag(false),
    ),
    rule(CKA_WRAP_TEMPLATE, Form::Nested, 0, Silent::Absent),
    rule(CKA_CHECK_VALUE, Form::Bytes, 0, Silent::Absent),
    rule(CKA_VALUE_LEN, Form::Number, NOT_CREATED, Silent::Absent),
    rule(
        CKA_VALUE,
        Form::Bytes,
        NEEDED | NOT_MADE | SECRET,
        Silent::Absent,
    ),
];
