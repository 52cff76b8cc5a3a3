//! A template as a host gave it, copied deep.
#![forbid(unsafe_code)]

use std::fmt;

use cryptoki_sys::CK_ATTRIBUTE_TYPE;

use crate::secret::Secret;

/// Attributes in the host's order, values in C's form (a `CK_ULONG` is 8 bytes in machine order, a
/// `CK_BBOOL` one).
#[derive(Default, Debug)]
pub(crate) struct Template(pub(crate) Vec<(CK_ATTRIBUTE_TYPE, Value)>);

/// One value.
pub(crate) enum Value {
    Bytes(Vec<u8>),
    /// What may be a key's bytes; see [`Template::is_secret`].
    Secret(Secret),
    /// An array of attributes (`CKF_ARRAY_ATTRIBUTE`, not `CKA_ALLOWED_MECHANISMS`).
    Nested(Template),
}

impl Template {
    /// Whether values of this type are copied into secret memory: `CKA_VALUE` and the private parts
    /// of RSA keys.
    pub(crate) fn is_secret(kind: CK_ATTRIBUTE_TYPE) -> bool {
        use cryptoki_sys::*;
        matches!(
            kind,
            CKA_VALUE
                | CKA_PRIVATE_EXPONENT
                | CKA_PRIME_1
                | CKA_PRIME_2
                | CKA_EXPONENT_1
                | CKA_EXPONENT_2
                | CKA_COEFFICIENT
                | CKA_SEED
        )
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(..)")
    }
}
