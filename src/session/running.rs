//! How many calls are inside the library, counted so that threads do not fight over one word.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A count in stripes; a thread uses one of them.
#[derive(Default)]
pub(super) struct Running([Stripe; STRIPES]);

/// One cache line, and its neighbour, which processors fetch together.
#[derive(Default)]
#[repr(align(128))]
struct Stripe(AtomicUsize);

/// One call inside, until it is dropped.
pub(super) struct Inside<'a>(&'a AtomicUsize);

const STRIPES: usize = 16;

impl Running {
    /// Sequentially consistent: who enters and then sees the library up is seen by who takes it
    /// down and then counts.
    pub(super) fn enter(&self) -> Inside<'_> {
        #[expect(clippy::indexing_slicing, reason = "`mine` is in bounds")]
        let stripe = &self.0[mine()].0;
        stripe.fetch_add(1, Ordering::SeqCst);
        Inside(stripe)
    }

    pub(super) fn none(&self) -> bool {
        let count = |stripe: &Stripe| stripe.0.load(Ordering::SeqCst);
        self.0.iter().all(|stripe| count(stripe) == 0)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// This thread's stripe.
fn mine() -> usize {
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    MINE.with(|mine| {
        if mine.get() == usize::MAX {
            mine.set(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
        }
        mine.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_until_it_is_dropped() {
        let running = Running::default();
        assert!(running.none());
        let (one, two) = (running.enter(), running.enter());
        drop(one);
        assert!(!running.none());
        drop(two);
        assert!(running.none());
    }
}
