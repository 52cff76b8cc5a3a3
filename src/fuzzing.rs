//! Entry points for the fuzz targets of `fuzz/` and for the test that replays their corpora. Built
//! with the feature `fuzzing` alone, so that no release has them.
#![forbid(unsafe_code)]

use cryptoki_sys::CK_FUNCTION_LIST_3_2;

use crate::abi;
use crate::envelope;
use crate::object::Attributes;

/// Any bytes as an envelope and as what lies in one.
///
/// # Panics
/// Where what was read is written differently.
pub fn envelope(bytes: &[u8]) {
    assert!(envelope::reads_as_written(bytes), "another encoding");
}

/// Any bytes as a stored row's attributes, and as a recipe for a C template.
///
/// # Panics
/// Where what was read is written differently.
pub fn template(bytes: &[u8]) {
    if let Some(attributes) = Attributes::decode(bytes) {
        assert_eq!(attributes.encode(), bytes, "another encoding");
    }
    let Ok(template) = abi::fuzzed::template(bytes) else {
        return;
    };
    if let Ok(loose) = template.loose() {
        assert_written(&loose);
    }
    if let Ok(given) = template.created() {
        assert_written(&given);
    }
}

fn assert_written(attributes: &Attributes) {
    let back = Attributes::decode(&attributes.encode());
    assert!(back.as_ref() == Some(attributes), "not what was encoded");
}

/// The newest function list, as a host gets it.
#[must_use]
pub fn functions() -> &'static CK_FUNCTION_LIST_3_2 {
    abi::fuzzed::functions()
}
