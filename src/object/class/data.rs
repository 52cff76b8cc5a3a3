//! CKO_DATA (PKCS#11 3.2, 4.5).
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::{CHANGES, Rule, Silent, rule};
use crate::object::attribute::Form;

/// A private object's value rests sealed, a public one's in the clear.
pub(super) const DATA: &[Rule] = &[
    rule(CKA_APPLICATION, Form::Bytes, CHANGES, Silent::Empty),
    rule(CKA_OBJECT_ID, Form::Bytes, CHANGES, Silent::Empty),
    rule(CKA_VALUE, Form::Bytes, CHANGES, Silent::Empty),
];
