//! CKO_PUBLIC_KEY (PKCS#11 3.2, 4.8).
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::{CHANGES, NEEDED, NOT_CREATED, NOT_MADE, Rule, SO_ONLY, Silent, USAGE, rule};
use crate::object::attribute::Form;

pub(super) const PUBLIC: &[Rule] = &[
    rule(CKA_SUBJECT, Form::Bytes, CHANGES, Silent::Empty),
    rule(CKA_ENCRYPT, Form::Flag, CHANGES | USAGE, Silent::Flag(true)),
    rule(CKA_VERIFY, Form::Flag, CHANGES | USAGE, Silent::Flag(true)),
    rule(
        CKA_VERIFY_RECOVER,
        Form::Flag,
        CHANGES | USAGE,
        Silent::Flag(true),
    ),
    rule(CKA_WRAP, Form::Flag, CHANGES | USAGE, Silent::Flag(true)),
    rule(
        CKA_ENCAPSULATE,
        Form::Flag,
        CHANGES | USAGE,
        Silent::Flag(false),
    ),
    rule(
        CKA_TRUSTED,
        Form::Flag,
        CHANGES | SO_ONLY,
        Silent::Flag(false),
    ),
    rule(CKA_WRAP_TEMPLATE, Form::Nested, 0, Silent::Absent),
    rule(CKA_ENCAPSULATE_TEMPLATE, Form::Nested, 0, Silent::Absent),
    rule(CKA_PUBLIC_KEY_INFO, Form::Bytes, 0, Silent::Empty),
];

pub(super) const RSA: &[Rule] = &[
    rule(CKA_MODULUS, Form::Bytes, NEEDED | NOT_MADE, Silent::Absent),
    rule(CKA_MODULUS_BITS, Form::Number, NOT_CREATED, Silent::Absent),
    rule(CKA_PUBLIC_EXPONENT, Form::Bytes, NEEDED, Silent::Absent),
];

pub(super) const EC: &[Rule] = &[
    rule(CKA_EC_PARAMS, Form::Bytes, NEEDED, Silent::Absent),
    rule(CKA_EC_POINT, Form::Bytes, NEEDED | NOT_MADE, Silent::Absent),
];
