//! An RSA private key's numbers, completed: what n, e and d leave out is computed (NIST SP 800-56B,
//! appendix C), for without the primes aws-lc is eight times slower and PKCS#8 has no form.

use crate::error::{Code, Result};
use crate::lc::bn::{Bn, Scratch};
use crate::lc::rsa::Given;

/// The eight numbers of RFC 8017, A.1.2.
pub(super) struct Parts {
    pub(super) n: Bn,
    pub(super) e: Bn,
    pub(super) d: Bn,
    pub(super) p: Bn,
    pub(super) q: Bn,
    pub(super) dp: Bn,
    pub(super) dq: Bn,
    pub(super) qi: Bn,
}

impl Parts {
    /// What is given as it is, what is not computed. Whether it fits together is for aws-lc to say;
    /// the lengths are bounded here, before there is arithmetic on them.
    pub(super) fn complete(given: &Given<'_>) -> Result<Self> {
        let n = bounded(given.modulus, LONGEST)?;
        let e = bounded(given.public_exponent, 8)?;
        let d = bounded(given.private_exponent, LONGEST)?;
        let odd = n.is_odd() && e.is_odd() && d.is_odd() && !e.is_one();
        if !odd || n.bits() < 16 {
            return Err(Code::AttributeValueInvalid.into());
        }
        Self::with_primes(given, [n, e, d]).map_err(|error| {
            // Arithmetic fails on numbers that are no key's: a factor 0, no inverse.
            let memory = error.code == Code::HostMemory;
            if memory {
                error
            } else {
                Code::AttributeValueInvalid.into()
            }
        })
    }

    fn with_primes(given: &Given<'_>, [n, e, d]: [Bn; 3]) -> Result<Self> {
        let pad = &Scratch::new()?;
        let (p, q) = match given.primes {
            Some((p, q)) => (bounded(p, LONGEST)?, bounded(q, LONGEST)?),
            None => primes(&n, &e, &d, pad)?,
        };
        let (dp, dq, qi) = match given.coefficients.filter(|_| given.primes.is_some()) {
            Some((dp, dq, qi)) => (
                bounded(dp, LONGEST)?,
                bounded(dq, LONGEST)?,
                bounded(qi, LONGEST)?,
            ),
            None => coefficients(&d, &p, &q, pad)?,
        };
        Ok(Self {
            n,
            e,
            d,
            p,
            q,
            dp,
            dq,
            qi,
        })
    }
}

/// The longest number that a key may have, in bytes: 16,384 bits.
const LONGEST: usize = 2048;

fn bounded(bytes: &[u8], longest: usize) -> Result<Bn> {
    let zeroes = bytes.iter().take_while(|byte| **byte == 0).count();
    match bytes.get(zeroes..) {
        Some(number) if (1..=longest).contains(&number.len()) => Bn::from_bytes(number),
        _ => Err(Code::AttributeValueInvalid.into()),
    }
}

/// d mod p-1, d mod q-1, q^-1 mod p.
fn coefficients(d: &Bn, p: &Bn, q: &Bn, pad: &Scratch) -> Result<(Bn, Bn, Bn)> {
    let (_, dp) = d.divided(&p.less(1)?, pad)?;
    let (_, dq) = d.divided(&q.less(1)?, pad)?;
    Ok((dp, dq, q.inverse(p, pad)?))
}

/// The factors of n, the larger first. For half of all g, a power of g is a root of 1 other than 1
/// and -1, which splits n; small numbers do as well as random ones.
fn primes(n: &Bn, e: &Bn, d: &Bn, pad: &Scratch) -> Result<(Bn, Bn)> {
    let (odd, twos) = e.times(d, pad)?.less(1)?.odd_part()?;
    let minus_one = n.less(1)?;
    for g in TRIED {
        let root = Bn::from_bytes(&[g])?.power(&odd, n, pad)?;
        if let Some(root) = odd_root(root, twos, n, &minus_one, pad)? {
            let p = root.less(1)?.common_divisor(n, pad)?;
            let (q, _) = n.divided(&p, pad)?;
            return Ok(if p.is_under(&q) { (q, p) } else { (p, q) });
        }
    }
    Err(Code::AttributeValueInvalid.into())
}

/// Bases: each fails for at most half of all keys, all of them for one in 2^40.
const TRIED: [u8; 40] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173,
];

/// Squares until the next square is 1; what then stands there, unless it is 1 or -1.
fn odd_root(
    mut root: Bn,
    twos: usize,
    n: &Bn,
    minus_one: &Bn,
    pad: &Scratch,
) -> Result<Option<Bn>> {
    let two = Bn::from_bytes(&[2])?;
    for _ in 0..twos {
        if root.is_one() || root.equals(minus_one) {
            return Ok(None);
        }
        let square = root.power(&two, n, pad)?;
        if square.is_one() {
            return Ok(Some(root));
        }
        root = square;
    }
    Ok(None)
}
