//! A place for a value that lives for good. What a forked child finds there is its parent's: it is
//! replaced, never freed or locked.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A place for a leaked box.
pub(crate) struct Leaked<T: 'static>(AtomicPtr<T>);

impl<T: Send + Sync> Leaked<T> {
    pub(crate) const fn none() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    pub(crate) fn get(&self) -> Option<&'static T> {
        let value = self.0.load(Ordering::Acquire);
        // SAFETY: null, or a box that `put` leaked and nobody frees.
        unsafe { value.cast_const().as_ref() }
    }

    /// Puts `new` in the place of `seen`. `false`: somebody else was first; `new` is dropped.
    pub(crate) fn put(&self, seen: Option<&'static T>, new: Box<T>) -> bool {
        let seen = seen.map_or(ptr::null_mut(), |old| ptr::from_ref(old).cast_mut());
        let new = Box::into_raw(new);
        let placed = self
            .0
            .compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire);
        if placed.is_err() {
            // SAFETY: made from a box above, and seen by nobody.
            drop(unsafe { Box::from_raw(new) });
        }
        placed.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_to_come_stays_until_it_is_named() {
        let place = Leaked::none();
        assert!(place.put(None, Box::new(1)));
        assert!(!place.put(None, Box::new(2)), "not empty any more");
        assert_eq!(place.get(), Some(&1));
        assert!(place.put(place.get(), Box::new(3)));
        assert_eq!(place.get(), Some(&3));
    }
}
