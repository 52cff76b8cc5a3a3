//! What only the operating system can do: locked memory, the fork word, clocks, file checks.
//! One of the three homes of `unsafe`.

/// Bytes in locked, undumped pages that are wiped on fork and on free.
pub(crate) struct Locked(zeroize::Zeroizing<Vec<u8>>);

impl Locked {
    pub(crate) fn new(len: usize) -> Option<Self> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).ok()?;
        bytes.resize(len, 0);
        Some(Self(zeroize::Zeroizing::new(bytes)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
