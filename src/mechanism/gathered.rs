//! Input of many parts that can be worked on only when it is whole; wiped when it goes.
#![forbid(unsafe_code)]

use zeroize::Zeroize;

use crate::error::{Code, Result};

/// The parts so far.
#[derive(Default)]
pub(super) struct Gathered(Vec<u8>);

impl Gathered {
    /// Adds a part. Growing moves into a new buffer and wipes the old one.
    ///
    /// # Errors
    /// `CKR_HOST_MEMORY`.
    pub(super) fn push(&mut self, part: &[u8]) -> Result<()> {
        let needed = self.0.len().checked_add(part.len());
        let needed = needed.ok_or(Code::HostMemory)?;
        if needed > self.0.capacity() {
            self.grow(needed.max(2 * self.0.capacity()))?;
        }
        self.0.extend_from_slice(part);
        Ok(())
    }

    fn grow(&mut self, capacity: usize) -> Result<()> {
        let mut larger = Vec::new();
        let room = larger.try_reserve_exact(capacity);
        room.map_err(|_| Code::HostMemory)?;
        larger.extend_from_slice(&self.0);
        std::mem::swap(&mut self.0, &mut larger);
        larger.zeroize();
        Ok(())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        // Most operations have one part, and zeroize takes its time with an empty Vec.
        if !self.0.is_empty() {
            self.0.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_come_out_in_a_row() {
        let mut gathered = Gathered::default();
        let parts: Vec<Vec<u8>> = (0..50).map(|n| vec![n; usize::from(n) * 3]).collect();
        for part in &parts {
            gathered.push(part).unwrap();
        }
        assert_eq!(gathered.bytes(), parts.concat());
        assert_eq!(gathered.len(), parts.concat().len());
    }
}
