//! Random bytes.

/// Fills `out` from aws-lc's generator, which does not fail.
pub(crate) fn fill(out: &mut [u8]) {
    // SAFETY: `out` is writable for its length.
    let done = unsafe { aws_lc_sys::RAND_bytes(out.as_mut_ptr(), out.len()) };
    assert_eq!(done, 1, "RAND_bytes aborts rather than fail");
}
