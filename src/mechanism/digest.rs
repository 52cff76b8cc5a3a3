//! `CKM_SHA_1`, `CKM_SHA*`, `CKM_SHA3_*` (PKCS#11 3.2, 6.20 to 6.27).
#![forbid(unsafe_code)]

use crate::error::Result;
use crate::lc::digest::Hasher;
use crate::mechanism::{Digest, Hash, Mechanism, Params};

/// A hash function as a mechanism.
pub(super) struct Digesting(pub(super) Hash);

impl Mechanism for Digesting {
    fn digest(&self, _params: &Params) -> Result<Box<dyn Digest>> {
        Ok(Box::new(Hasher::new(self.0)?))
    }
}

impl Digest for Hasher {
    fn len(&self) -> usize {
        self.hash().len()
    }

    fn update(&mut self, data: &[u8]) -> Result<()> {
        Self::update(self, data)
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        Self::finish(self, out)
    }
}
