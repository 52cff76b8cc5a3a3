//! CKO_PROFILE (PKCS#11 3.2, 4.13): made by the token alone.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::{READ_ONLY, Rule, Silent, rule};
use crate::object::attribute::Form;

pub(super) const PROFILE: &[Rule] = &[rule(
    CKA_PROFILE_ID,
    Form::Number,
    READ_ONLY,
    Silent::Absent,
)];
