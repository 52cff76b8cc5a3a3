//! Operations on a whole input: what comes in parts is gathered, what comes in one is not copied.
#![forbid(unsafe_code)]

use crate::error::{Code, Result};
use crate::mechanism::gathered::Gathered;
use crate::mechanism::{Cipher, Sign, Verify};

/// How much input an operation takes.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    Any,
    /// The rest does not count (ECDSA's digests).
    Front(usize),
    /// More is refused with this code, before it is gathered.
    AtMost(usize, Code),
}

struct Input {
    takes: Takes,
    gathered: Gathered,
}

impl Input {
    fn push(&mut self, part: &[u8]) -> Result<()> {
        let have = self.gathered.len();
        let part = match self.takes {
            Takes::Any => part,
            Takes::Front(most) => part.get(..most.saturating_sub(have)).unwrap_or(part),
            Takes::AtMost(most, code) if part.len() > most.saturating_sub(have) => {
                return Err(code.into());
            }
            Takes::AtMost(..) => part,
        };
        self.gathered.push(part)
    }

    /// Everything, `part` the last of it.
    fn all<'a>(&'a mut self, part: &'a [u8]) -> Result<&'a [u8]> {
        let fits = match self.takes {
            Takes::Any => true,
            Takes::Front(most) | Takes::AtMost(most, _) => part.len() <= most,
        };
        if fits && self.gathered.len() == 0 {
            return Ok(part);
        }
        self.push(part)?;
        Ok(self.gathered.bytes())
    }
}

/// An encryption, a decryption or a signature: `work` reads all input and writes at most `len`
/// bytes.
pub(super) struct Whole<W> {
    input: Input,
    len: usize,
    work: W,
}

impl<W> Whole<W>
where
    W: Fn(&[u8], &mut [u8]) -> Result<usize> + Send,
{
    pub(super) fn new(takes: Takes, len: usize, work: W) -> Self {
        let gathered = Gathered::default();
        Self {
            input: Input { takes, gathered },
            len,
            work,
        }
    }
}

impl<W> Cipher for Whole<W>
where
    W: Fn(&[u8], &mut [u8]) -> Result<usize> + Send,
{
    fn update_len(&self, _input: usize) -> usize {
        0
    }

    fn update(&mut self, input: &[u8], _out: &mut [u8]) -> Result<usize> {
        self.input.push(input).map(|()| 0)
    }

    fn finish_len(&self) -> usize {
        self.len
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        Cipher::whole(self, &[], out)
    }

    fn whole(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        (self.work)(self.input.all(input)?, out)
    }
}

impl<W> Sign for Whole<W>
where
    W: Fn(&[u8], &mut [u8]) -> Result<usize> + Send,
{
    fn len(&self) -> usize {
        self.len
    }

    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.input.push(data)
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        Sign::whole(self, &[], out)
    }

    fn whole(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize> {
        (self.work)(self.input.all(data)?, out)
    }
}

/// A verification: `work` says whether a signature of the one right length is right for all input.
pub(super) struct WholeVerify<W> {
    input: Input,
    len: usize,
    work: W,
}

impl<W> WholeVerify<W>
where
    W: Fn(&[u8], &[u8]) -> Result<bool> + Send,
{
    pub(super) fn new(takes: Takes, len: usize, work: W) -> Self {
        let gathered = Gathered::default();
        Self {
            input: Input { takes, gathered },
            len,
            work,
        }
    }
}

impl<W> Verify for WholeVerify<W>
where
    W: Fn(&[u8], &[u8]) -> Result<bool> + Send,
{
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.input.push(data)
    }

    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        self.whole(&[], signature)
    }

    fn whole(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        let data = self.input.all(data)?;
        if signature.len() != self.len {
            return Err(Code::SignatureLenRange.into());
        }
        match (self.work)(data, signature)? {
            true => Ok(()),
            false => Err(Code::SignatureInvalid.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(takes: Takes) -> Whole<impl Fn(&[u8], &mut [u8]) -> Result<usize> + Send> {
        Whole::new(takes, 8, |data, out| {
            out[..data.len()].copy_from_slice(data);
            Ok(data.len())
        })
    }

    fn signed(takes: Takes, parts: &[&[u8]]) -> Result<Vec<u8>, Code> {
        let (mut sign, mut out) = (echo(takes), vec![0; 8]);
        let mut run = || {
            let (last, first) = parts.split_last().unwrap();
            first
                .iter()
                .try_for_each(|part| Sign::update(&mut sign, part))?;
            Sign::whole(&mut sign, last, &mut out)
        };
        let len = run().map_err(|error| error.code)?;
        out.truncate(len);
        Ok(out)
    }

    #[test]
    fn parts_count_as_if_they_were_one() {
        let front = Takes::Front(4);
        assert_eq!(signed(front, &[b"abcdef"]), Ok(b"abcd".to_vec()));
        assert_eq!(signed(front, &[b"abc", b"def"]), Ok(b"abcd".to_vec()));
        assert_eq!(signed(front, &[b"abcde", b"f", b""]), Ok(b"abcd".to_vec()));
        let most = Takes::AtMost(4, Code::DataLenRange);
        assert_eq!(signed(most, &[b"abcd"]), Ok(b"abcd".to_vec()));
        assert_eq!(signed(most, &[b"ab", b"cd", b""]), Ok(b"abcd".to_vec()));
        assert_eq!(signed(most, &[b"abcde"]), Err(Code::DataLenRange));
        assert_eq!(signed(most, &[b"abcd", b"e"]), Err(Code::DataLenRange));
        assert_eq!(signed(Takes::Any, &[b"abc", b"de"]), Ok(b"abcde".to_vec()));
    }
}
