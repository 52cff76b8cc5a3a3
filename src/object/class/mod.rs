//! What each class of object has: its attributes, their forms, who may set them and when, and what a
//! silent template means (PKCS#11 3.2, 4; defaults are rule 20's). A class is one file.
#![forbid(unsafe_code)]

mod certificate;
mod data;
mod private_key;
mod profile;
mod public_key;
mod secret_key;

use cryptoki_sys::*;

use super::attribute::{Form, Value};
use crate::ck;
use crate::error::{Code, Result};

/// One attribute of a class.
pub(crate) struct Rule {
    pub(crate) kind: CK_ATTRIBUTE_TYPE,
    pub(crate) form: Form,
    /// A sum of the marks below: the footnotes of the standard's tables.
    pub(crate) marks: u32,
    pub(crate) silent: Silent,
}

/// What stands where a template is silent.
#[derive(Clone, Copy)]
pub(crate) enum Silent {
    Absent,
    Flag(bool),
    Number(CK_ULONG),
    Empty,
}

/// Must be in a `C_CreateObject` template.
pub(crate) const NEEDED: u32 = 1;
/// Never in a `C_CreateObject` template.
pub(crate) const NOT_CREATED: u32 = 1 << 1;
/// Never in a template of a generation, a derivation or an unwrapping.
pub(crate) const NOT_MADE: u32 = 1 << 2;
/// May be changed by `C_SetAttributeValue`.
pub(crate) const CHANGES: u32 = 1 << 3;
/// May be changed by `C_CopyObject` alone.
pub(crate) const CHANGES_IN_COPY: u32 = 1 << 4;
/// Only the SO sets it to TRUE.
pub(crate) const SO_ONLY: u32 = 1 << 5;
/// TRUE stays TRUE.
pub(crate) const TRUE_STAYS: u32 = 1 << 6;
/// FALSE stays FALSE.
pub(crate) const FALSE_STAYS: u32 = 1 << 7;
/// A key's secret bytes: kept apart from what is visible.
pub(crate) const SECRET: u32 = 1 << 8;
/// Set by the token alone.
pub(crate) const READ_ONLY: u32 = 1 << 9;
/// What a key may be used for: of an unwrapped key it never grows (rule 28).
pub(crate) const USAGE: u32 = 1 << 10;

/// A line of a class's table.
const fn rule(kind: CK_ATTRIBUTE_TYPE, form: Form, marks: u32, silent: Silent) -> Rule {
    Rule {
        kind,
        form,
        marks,
        silent,
    }
}

/// What every object has (PKCS#11 3.2, 4.4).
const STORAGE: &[Rule] = &[
    rule(CKA_CLASS, Form::Number, NEEDED, Silent::Absent),
    rule(CKA_TOKEN, Form::Flag, CHANGES_IN_COPY, Silent::Flag(false)),
    rule(
        CKA_PRIVATE,
        Form::Flag,
        CHANGES_IN_COPY | TRUE_STAYS,
        Silent::Absent,
    ),
    rule(
        CKA_MODIFIABLE,
        Form::Flag,
        CHANGES_IN_COPY | FALSE_STAYS,
        Silent::Flag(true),
    ),
    rule(CKA_LABEL, Form::Bytes, CHANGES, Silent::Empty),
    rule(
        CKA_COPYABLE,
        Form::Flag,
        CHANGES | FALSE_STAYS,
        Silent::Flag(true),
    ),
    rule(
        CKA_DESTROYABLE,
        Form::Flag,
        CHANGES_IN_COPY | FALSE_STAYS,
        Silent::Flag(true),
    ),
    rule(CKA_UNIQUE_ID, Form::Bytes, READ_ONLY, Silent::Absent),
];

/// What every key has (4.7).
const KEY: &[Rule] = &[
    rule(CKA_KEY_TYPE, Form::Number, NEEDED, Silent::Absent),
    rule(CKA_ID, Form::Bytes, CHANGES, Silent::Empty),
    rule(CKA_START_DATE, Form::Date, CHANGES, Silent::Empty),
    rule(CKA_END_DATE, Form::Date, CHANGES, Silent::Empty),
    rule(CKA_DERIVE, Form::Flag, CHANGES | USAGE, Silent::Flag(false)),
    rule(CKA_LOCAL, Form::Flag, READ_ONLY, Silent::Absent),
    rule(
        CKA_KEY_GEN_MECHANISM,
        Form::Number,
        READ_ONLY,
        Silent::Absent,
    ),
    rule(CKA_ALLOWED_MECHANISMS, Form::Mechanisms, 0, Silent::Absent),
    rule(ck::CKA_ZEQ_OPENS, Form::Bytes, READ_ONLY, Silent::Absent),
    rule(ck::CKA_ZEQ_CLOSES, Form::Bytes, READ_ONLY, Silent::Absent),
    rule(ck::CKA_ZEQ_GATE, Form::Bytes, READ_ONLY, Silent::Absent),
    rule(
        ck::CKA_ZEQ_ENVELOPE_ID,
        Form::Bytes,
        READ_ONLY,
        Silent::Absent,
    ),
    rule(ck::CKA_ZEQ_SIBLING, Form::Bytes, READ_ONLY, Silent::Absent),
    rule(
        ck::CKA_ZEQ_STRENGTH,
        Form::Number,
        READ_ONLY,
        Silent::Absent,
    ),
    rule(ck::CKA_ZEQ_KIND, Form::Number, READ_ONLY, Silent::Absent),
    rule(ck::CKA_ZEQ_CONTEXT, Form::Bytes, READ_ONLY, Silent::Absent),
    rule(ck::CKA_ZEQ_WINDOW, Form::Bytes, 0, Silent::Absent),
];

/// What private and secret keys share (4.9, 4.10).
const SENSITIVE: &[Rule] = &[
    rule(
        CKA_SENSITIVE,
        Form::Flag,
        CHANGES | TRUE_STAYS,
        Silent::Flag(false),
    ),
    rule(
        CKA_EXTRACTABLE,
        Form::Flag,
        CHANGES | FALSE_STAYS,
        Silent::Flag(false),
    ),
    rule(CKA_ALWAYS_SENSITIVE, Form::Flag, READ_ONLY, Silent::Absent),
    rule(CKA_NEVER_EXTRACTABLE, Form::Flag, READ_ONLY, Silent::Absent),
    rule(
        CKA_WRAP_WITH_TRUSTED,
        Form::Flag,
        CHANGES | TRUE_STAYS,
        Silent::Flag(false),
    ),
    rule(CKA_DECRYPT, Form::Flag, CHANGES | USAGE, Silent::Flag(true)),
    rule(CKA_SIGN, Form::Flag, CHANGES | USAGE, Silent::Flag(true)),
    rule(CKA_UNWRAP, Form::Flag, CHANGES | USAGE, Silent::Flag(true)),
    rule(CKA_UNWRAP_TEMPLATE, Form::Nested, 0, Silent::Absent),
    rule(CKA_DERIVE_TEMPLATE, Form::Nested, 0, Silent::Absent),
];

/// Every table, for the form of a type whatever its class.
const EVERY: &[&[Rule]] = &[
    STORAGE,
    KEY,
    SENSITIVE,
    data::DATA,
    certificate::CERTIFICATE,
    public_key::PUBLIC,
    public_key::RSA,
    public_key::EC,
    private_key::PRIVATE,
    private_key::RSA,
    private_key::EC,
    secret_key::SECRET_KEY,
    profile::PROFILE,
];

/// The tables that make up one class.
pub(crate) struct Class(&'static [&'static [Rule]]);

impl Class {
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for a class or key type that this token does not keep.
    pub(crate) fn of(class: CK_OBJECT_CLASS, key_type: Option<CK_KEY_TYPE>) -> Result<Self> {
        let tables: &[&[Rule]] = match (class, key_type) {
            (CKO_DATA, None) => &[STORAGE, data::DATA],
            (CKO_CERTIFICATE, None) => &[STORAGE, certificate::CERTIFICATE],
            (CKO_PROFILE, None) => &[STORAGE, profile::PROFILE],
            (CKO_PUBLIC_KEY, Some(CKK_RSA)) => &[STORAGE, KEY, public_key::PUBLIC, public_key::RSA],
            (CKO_PUBLIC_KEY, Some(CKK_EC | CKK_EC_EDWARDS)) => {
                &[STORAGE, KEY, public_key::PUBLIC, public_key::EC]
            }
            (CKO_PRIVATE_KEY, Some(CKK_RSA)) => &[
                STORAGE,
                KEY,
                SENSITIVE,
                private_key::PRIVATE,
                private_key::RSA,
            ],
            (CKO_PRIVATE_KEY, Some(CKK_EC | CKK_EC_EDWARDS)) => &[
                STORAGE,
                KEY,
                SENSITIVE,
                private_key::PRIVATE,
                private_key::EC,
            ],
            (CKO_SECRET_KEY, Some(key_type)) if secret_key::KNOWN.contains(&key_type) => {
                &[STORAGE, KEY, SENSITIVE, secret_key::SECRET_KEY]
            }
            (CKO_PUBLIC_KEY | CKO_PRIVATE_KEY | CKO_SECRET_KEY, None) => {
                return Err(Code::TemplateIncomplete.into());
            }
            _ => return Err(Code::AttributeValueInvalid.into()),
        };
        Ok(Self(tables))
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        self.0.iter().flat_map(|table| table.iter())
    }

    pub(crate) fn rule(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&'static Rule> {
        self.rules().find(|rule| rule.kind == kind)
    }
}

impl Rule {
    pub(crate) fn is(&self, mark: u32) -> bool {
        self.marks & mark != 0
    }
}

impl Silent {
    pub(crate) fn value(self) -> Option<Value> {
        match self {
            Self::Absent => None,
            Self::Flag(flag) => Some(Value::Flag(flag)),
            Self::Number(number) => Some(Value::Number(number)),
            Self::Empty => Some(Value::Bytes(Vec::new())),
        }
    }
}

/// The rule of a type in any class; a type that no class here has is kept as bytes (rule 22).
pub(crate) fn known(kind: CK_ATTRIBUTE_TYPE) -> Option<&'static Rule> {
    EVERY
        .iter()
        .flat_map(|table| table.iter())
        .find(|rule| rule.kind == kind)
}

/// How a type's value looks.
pub(crate) fn form(kind: CK_ATTRIBUTE_TYPE) -> Form {
    known(kind).map_or(Form::Bytes, |rule| rule.form)
}

/// Whether the standard has a number (PKCS#11 3.2's header); what it does not have is kept as bytes.
pub(crate) fn is_standard(kind: CK_ATTRIBUTE_TYPE) -> bool {
    HEADER.iter().any(|range| range.contains(&kind)) || known(kind).is_some()
}

static HEADER: &[std::ops::RangeInclusive<CK_ATTRIBUTE_TYPE>] = &[
    CKA_CLASS..=CKA_UNIQUE_ID,
    CKA_APPLICATION..=CKA_OBJECT_ID,
    CKA_CERTIFICATE_TYPE..=CKA_NAME_HASH_ALGORITHM,
    CKA_CHECK_VALUE..=CKA_CHECK_VALUE,
    CKA_KEY_TYPE..=CKA_DERIVE,
    CKA_START_DATE..=CKA_END_DATE,
    CKA_MODULUS..=CKA_PUBLIC_KEY_INFO,
    CKA_PRIME..=CKA_SUBPRIME_BITS,
    CKA_VALUE_BITS..=CKA_KEY_GEN_MECHANISM,
    CKA_MODIFIABLE..=CKA_DESTROYABLE,
    CKA_EC_PARAMS..=CKA_EC_POINT,
    CKA_SECONDARY_AUTH..=CKA_ALWAYS_AUTHENTICATE,
    CKA_WRAP_WITH_TRUSTED..=CKA_WRAP_WITH_TRUSTED,
    CKA_OTP_FORMAT..=CKA_OTP_TIME,
    CKA_GOSTR3410_PARAMS..=CKA_GOST28147_PARAMS,
    CKA_HW_FEATURE_TYPE..=CKA_HAS_RESET,
    CKA_PIXEL_X..=CKA_BITS_PER_PIXEL,
    CKA_CHAR_SETS..=CKA_MIME_TYPES,
    CKA_MECHANISM_TYPE..=CKA_SUPPORTED_CMS_ATTRIBUTES,
    CKA_PROFILE_ID..=CKA_SEED,
];
