//! The content key in shares. A lone sibling's share is the whole key; splitting for more members
//! comes with tethers of more than one.
#![forbid(unsafe_code)]

use super::Error;
use crate::secret::Secret;

/// One share for each of `n` members, any `k` of which give the key back; only 1 of 1 yet.
pub(crate) fn split(cek: &Secret, k: u8, n: usize) -> Result<Vec<Secret>, Error> {
    match (k, n) {
        (1, 1) => Ok(vec![cek.try_clone().map_err(|_| Error::Memory)?]),
        _ => Err(Error::TooFew(Vec::new())),
    }
}

/// The key that `k` shares, each with its index from 1, give; and every one of the `n` shares, to be
/// held against the commitments.
pub(crate) fn combine(
    shares: &[(u8, Secret)],
    k: u8,
    n: usize,
) -> Result<(Secret, Vec<Secret>), Error> {
    match shares {
        [(1, share)] => Ok((
            share.try_clone().map_err(|_| Error::Memory)?,
            split(share, k, n)?,
        )),
        _ => Err(Error::TooFew(Vec::new())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_share_is_the_whole_key() {
        let cek = Secret::random(32).unwrap();
        let share = split(&cek, 1, 1).unwrap().remove(0);
        assert!(share.is(cek.expose()));
        let (back, all) = combine(&[(1, share)], 1, 1).unwrap();
        assert!(back.is(cek.expose()));
        assert_eq!(all.len(), 1);
    }

    #[test]
    fn what_is_not_one_of_one_is_refused() {
        let cek = Secret::random(32).unwrap();
        assert!(split(&cek, 2, 3).is_err());
        assert!(combine(&[], 1, 1).is_err());
        assert!(combine(&[(2, cek.try_clone().unwrap())], 1, 1).is_err());
    }
}
