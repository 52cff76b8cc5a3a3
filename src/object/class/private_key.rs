//! CKO_PRIVATE_KEY (PKCS#11 3.2, 4.9).
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::{CHANGES, NEEDED, NOT_MADE, Rule, SECRET, Silent, TRUE_STAYS, USAGE, rule};
use crate::object::attribute::Form;

pub(super) const PRIVATE: &[Rule] = &[
    rule(CKA_SUBJECT, Form::Bytes, CHANGES, Silent::Empty),
    rule(
        CKA_SIGN_RECOVER,
        Form::Flag,
        CHANGES | USAGE,
        Silent::Flag(true),
    ),
    rule(
        CKA_DECAPSULATE,
        Form::Flag,
        CHANGES | USAGE,
        Silent::Flag(false),
    ),
    rule(CKA_DECAPSULATE_TEMPLATE, Form::Nested, 0, Silent::Absent),
    rule(
        CKA_ALWAYS_AUTHENTICATE,
        Form::Flag,
        TRUE_STAYS,
        Silent::Flag(false),
    ),
    rule(CKA_PUBLIC_KEY_INFO, Form::Bytes, 0, Silent::Empty),
];

pub(super) const RSA: &[Rule] = &[
    rule(CKA_MODULUS, Form::Bytes, NEEDED | NOT_MADE, Silent::Absent),
    rule(CKA_PUBLIC_EXPONENT, Form::Bytes, NOT_MADE, Silent::Absent),
    rule(
        CKA_PRIVATE_EXPONENT,
        Form::Bytes,
        NEEDED | NOT_MADE | SECRET,
        Silent::Absent,
    ),
    rule(CKA_PRIME_1, Form::Bytes, NOT_MADE | SECRET, Silent::Absent),
    rule(CKA_PRIME_2, Form::Bytes, NOT_MADE | SECRET, Silent::Absent),
    rule(
        CKA_EXPONENT_1,
        Form::Bytes,
        NOT_MADE | SECRET,
        Silent::Absent,
    ),
    rule(
        CKA_EXPONENT_2,
        Form::Bytes,
        NOT_MADE | SECRET,
        Silent::Absent,
    ),
    rule(
        CKA_COEFFICIENT,
        Form::Bytes,
        NOT_MADE | SECRET,
        Silent::Absent,
    ),
];

/// Hosts that copy the public half's template send EC_POINT too; it is kept.
pub(super) const EC: &[Rule] = &[
    rule(
        CKA_EC_PARAMS,
        Form::Bytes,
        NEEDED | NOT_MADE,
        Silent::Absent,
    ),
    rule(CKA_EC_POINT, Form::Bytes, NOT_MADE, Silent::Absent),
    rule(
        CKA_VALUE,
        Form::Bytes,
        NEEDED | NOT_MADE | SECRET,
        Silent::Absent,
    ),
];
