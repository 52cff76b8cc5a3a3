//! `CKM_SHAxxx_Y` as digest ∘ `CKM_Y`: the data is hashed as it comes, the digest is signed.
#![forbid(unsafe_code)]

use crate::error::{Code, Result};
use crate::lc::digest::{Hash, Hasher, LONGEST};
use crate::mechanism::{Sign, Verify};

/// Signs or verifies the digest of the data with what signs or verifies digests.
pub(crate) struct Digested<S> {
    hasher: Hasher,
    inner: S,
}

impl<S> Digested<S> {
    pub(crate) fn new(hash: Hash, inner: S) -> Result<Self> {
        Hasher::new(hash).map(|hasher| Self { hasher, inner })
    }

    fn digest(&mut self) -> Result<([u8; LONGEST], usize)> {
        let mut digest = [0; LONGEST];
        let len = self.hasher.finish(&mut digest)?;
        Ok((digest, len))
    }
}

impl<S: Sign> Sign for Digested<S> {
    fn len(&self) -> usize {
        self.inner.len()
    }

    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.hasher.update(data)
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let (digest, len) = self.digest()?;
        self.inner
            .whole(digest.get(..len).ok_or(Code::GeneralError)?, out)
    }
}

impl<V: Verify> Verify for Digested<V> {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.hasher.update(data)
    }

    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        let (digest, len) = self.digest()?;
        self.inner
            .whole(digest.get(..len).ok_or(Code::GeneralError)?, signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives back what it was asked to sign; takes that for a signature.
    #[derive(Default)]
    struct Echo(Vec<u8>);

    impl Sign for Echo {
        fn len(&self) -> usize {
            32
        }
        fn update(&mut self, data: &[u8]) -> Result<()> {
            self.0.extend_from_slice(data);
            Ok(())
        }
        fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
            out[..self.0.len()].copy_from_slice(&self.0);
            Ok(self.0.len())
        }
    }

    impl Verify for Echo {
        fn update(&mut self, data: &[u8]) -> Result<()> {
            Sign::update(self, data)
        }
        fn finish(&mut self, signature: &[u8]) -> Result<()> {
            match self.0 == signature {
                true => Ok(()),
                false => Err(Code::SignatureInvalid.into()),
            }
        }
    }

    #[test]
    fn the_digest_of_all_parts_is_what_the_inner_one_signs_and_verifies() {
        let mut sign = Digested::new(Hash::Sha256, Echo::default()).unwrap();
        let mut signature = [0; 40];
        Sign::update(&mut sign, b"a").unwrap();
        let len = Sign::whole(&mut sign, b"bc", &mut signature).unwrap();
        assert_eq!(signature[..len], crate::lc::digest::sha256(&[b"abc"]));

        let mut verify = Digested::new(Hash::Sha256, Echo::default()).unwrap();
        Verify::whole(&mut verify, b"abc", &signature[..len]).unwrap();
        let mut verify = Digested::new(Hash::Sha256, Echo::default()).unwrap();
        assert!(Verify::whole(&mut verify, b"abd", &signature[..len]).is_err());
    }
}
