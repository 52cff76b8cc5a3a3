//! CKO_CERTIFICATE, X.509 (PKCS#11 3.2, 4.6).
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::{CHANGES, NEEDED, Rule, SO_ONLY, Silent, rule};
use crate::object::attribute::Form;

pub(super) const CERTIFICATE: &[Rule] = &[
    rule(CKA_CERTIFICATE_TYPE, Form::Number, NEEDED, Silent::Absent),
    rule(
        CKA_TRUSTED,
        Form::Flag,
        CHANGES | SO_ONLY,
        Silent::Flag(false),
    ),
    rule(CKA_CERTIFICATE_CATEGORY, Form::Number, 0, Silent::Number(0)),
    rule(CKA_CHECK_VALUE, Form::Bytes, 0, Silent::Absent),
    rule(CKA_START_DATE, Form::Date, CHANGES, Silent::Empty),
    rule(CKA_END_DATE, Form::Date, CHANGES, Silent::Empty),
    rule(CKA_PUBLIC_KEY_INFO, Form::Bytes, 0, Silent::Empty),
    rule(CKA_SUBJECT, Form::Bytes, NEEDED, Silent::Absent),
    rule(CKA_ID, Form::Bytes, CHANGES, Silent::Empty),
    rule(CKA_ISSUER, Form::Bytes, CHANGES, Silent::Empty),
    rule(CKA_SERIAL_NUMBER, Form::Bytes, CHANGES, Silent::Empty),
    rule(CKA_VALUE, Form::Bytes, 0, Silent::Empty),
    rule(CKA_URL, Form::Bytes, 0, Silent::Empty),
    rule(
        CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
        Form::Bytes,
        0,
        Silent::Empty,
    ),
    rule(CKA_HASH_OF_ISSUER_PUBLIC_KEY, Form::Bytes, 0, Silent::Empty),
    rule(
        CKA_JAVA_MIDP_SECURITY_DOMAIN,
        Form::Number,
        0,
        Silent::Number(0),
    ),
    rule(CKA_NAME_HASH_ALGORITHM, Form::Number, 0, Silent::Absent),
];
