//! The large, short-lived memory of Argon2id: mapped, kept out of core dumps, wiped and unmapped
//! when dropped. It is too large to lock.

use std::ptr::NonNull;
use std::slice;

use argon2::Block;

use super::map;

/// Blocks of 1 KiB for one run of Argon2.
pub(crate) struct Scratch {
    address: NonNull<u8>,
    blocks: usize,
}

impl Scratch {
    /// Room for `blocks` zeroed blocks; `None`: no memory, or none asked for.
    pub(crate) fn new(blocks: usize) -> Option<Self> {
        let len = blocks.checked_mul(Block::SIZE)?;
        let address = map::map(len)?;
        let scratch = Self { address, blocks };
        // Both are best effort: without them the memory is only easier to find, or slower.
        map::advise(address, len, libc::MADV_DONTDUMP);
        map::advise(address, len, libc::MADV_WIPEONFORK);
        map::advise(address, len, libc::MADV_HUGEPAGE);
        Some(scratch)
    }

    fn len(&self) -> usize {
        self.blocks * Block::SIZE
    }
}

/// What `Argon2::hash_password_into_with_memory` takes.
impl AsMut<[Block]> for Scratch {
    fn as_mut(&mut self) -> &mut [Block] {
        // SAFETY: ours alone, page-aligned, `blocks` long; any bytes are a valid `Block`.
        unsafe { slice::from_raw_parts_mut(self.address.as_ptr().cast::<Block>(), self.blocks) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: ours alone, and `len` long.
        let bytes = unsafe { slice::from_raw_parts_mut(self.address.as_ptr(), self.len()) };
        map::wipe(bytes);
        // SAFETY: the mapping made in `new`; nothing refers to it after this.
        unsafe { map::unmap(self.address, self.len()) };
    }
}

// SAFETY: it owns its memory as a `Box` does.
unsafe impl Send for Scratch {}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{Algorithm, Argon2, Params, Version};

    #[test]
    fn argon2_gives_the_same_in_it_as_in_its_own_memory() {
        let argon2 = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(64, 2, 1, None).unwrap(),
        );
        let (mut ours, mut theirs) = ([0; 32], [0; 32]);
        argon2
            .hash_password_into_with_memory(
                b"1234",
                b"saltsalt",
                &mut ours,
                Scratch::new(64).unwrap(),
            )
            .unwrap();
        argon2
            .hash_password_into(b"1234", b"saltsalt", &mut theirs)
            .unwrap();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn more_than_there_is_is_refused_not_fatal() {
        assert!(Scratch::new(usize::MAX / 2048).is_none());
        assert!(Scratch::new(usize::MAX).is_none());
        assert!(Scratch::new(0).is_none());
    }
}
