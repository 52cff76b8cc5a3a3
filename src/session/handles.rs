//! Handles to shared values, looked up without a lock that all share.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cryptoki_sys::CK_ULONG;
use parking_lot::RwLock;

/// Values by handle. A handle is 31 bits (RPC modules between us and a host cut longer ones), never
/// 0, and comes again only after 2^31 others.
pub(super) struct Handles<T> {
    shards: [RwLock<Shard<T>>; SHARDS],
    next: AtomicU64,
}

type Shard<T> = HashMap<CK_ULONG, Arc<T>, BuildHasherDefault<AsItIs>>;

const SHARDS: usize = 16;
const BITS: u64 = (1 << 31) - 1;
/// Odd, so that multiplying is one to one; large, so that neighbours look unlike each other.
const STEP: u64 = 0x5bd1_e995;

impl<T> Handles<T> {
    pub(super) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| RwLock::default()),
            next: AtomicU64::new(RandomState::new().build_hasher().finish()),
        }
    }

    /// Makes a value that knows its handle.
    pub(super) fn insert(&self, make: impl FnOnce(CK_ULONG) -> T) -> Arc<T> {
        let handle = self.unused();
        let value = Arc::new(make(handle));
        let old = self
            .shard(handle)
            .write()
            .insert(handle, Arc::clone(&value));
        drop(old);
        value
    }

    pub(super) fn get(&self, handle: CK_ULONG) -> Option<Arc<T>> {
        self.shard(handle).read().get(&handle).map(Arc::clone)
    }

    pub(super) fn remove(&self, handle: CK_ULONG) -> Option<Arc<T>> {
        self.shard(handle).write().remove(&handle)
    }

    /// The values that are wanted, in no order.
    pub(super) fn select(&self, wanted: impl Fn(&T) -> bool) -> Vec<Arc<T>> {
        let of = |shard: &RwLock<Shard<T>>| -> Vec<Arc<T>> {
            let shard = shard.read();
            shard
                .values()
                .filter(|v| wanted(v))
                .map(Arc::clone)
                .collect()
        };
        self.shards.iter().flat_map(of).collect()
    }

    fn unused(&self) -> CK_ULONG {
        loop {
            let handle = self.next.fetch_add(1, Ordering::Relaxed).wrapping_mul(STEP) & BITS;
            if handle != 0 && self.get(handle).is_none() {
                return handle;
            }
        }
    }

    fn shard(&self, handle: CK_ULONG) -> &RwLock<Shard<T>> {
        // A power of two: the low bits of a handle are as good as any.
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
        #[expect(clippy::indexing_slicing, reason = "masked to the length")]
        &self.shards[handle as usize & (SHARDS - 1)]
    }
}

/// Handles are scattered already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        // The table takes its tag from the top bits, and its place from the low ones.
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, handle: u64) {
        self.0 = handle;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_handle_is_never_given_twice_and_never_0() {
        let handles = Handles::new();
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let value = handles.insert(|handle| handle);
            assert!(*value != 0 && *value < 1 << 31);
            assert!(seen.insert(*value));
            assert!(handles.remove(*value).is_some());
        }
    }

    #[test]
    fn what_was_removed_is_not_found() {
        let handles = Handles::new();
        let (one, two) = (handles.insert(|h| h), handles.insert(|h| h));
        assert_eq!(handles.get(*one).as_deref(), Some(&*one));
        assert!(handles.remove(*one).is_some());
        assert!(handles.get(*one).is_none() && handles.remove(*one).is_none());
        assert_eq!(handles.select(|_| true), [two]);
    }
}
