//! CKM_ZEQ_ENVELOPE as a cipher: an envelope is made and opened whole, so updates are kept and the
//! end gives all (rule 35).
#![forbid(unsafe_code)]

use zeroize::Zeroizing;

use crate::error::{Code, Result};
use crate::mechanism::Cipher;
use crate::secret::Secret;

/// What a buffered cipher gives in the end.
pub(super) enum Output {
    Open(Vec<u8>),
    Secret(Secret),
}

type Work = Box<dyn FnMut(&[u8]) -> Result<Output> + Send>;

/// All of an envelope at once.
pub(super) struct Buffered {
    held: Zeroizing<Vec<u8>>,
    most: usize,
    /// How much longer the output may be than the input.
    extra: usize,
    work: Work,
}

impl Buffered {
    pub(super) fn new(
        most: usize,
        extra: usize,
        work: impl FnMut(&[u8]) -> Result<Output> + Send + 'static,
    ) -> Self {
        Self {
            held: Zeroizing::default(),
            most,
            extra,
            work: Box::new(work),
        }
    }

    fn give(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        if input.len() > self.most {
            return Err(Code::DataLenRange.into());
        }
        let done = (self.work)(input)?;
        let bytes = match &done {
            Output::Open(bytes) => bytes.as_slice(),
            Output::Secret(secret) => secret.expose(),
        };
        out.get_mut(..bytes.len())
            .ok_or(Code::GeneralError)?
            .copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl Cipher for Buffered {
    fn update_len(&self, _input: usize) -> usize {
        0
    }

    fn update(&mut self, input: &[u8], _out: &mut [u8]) -> Result<usize> {
        let len = self.held.len().saturating_add(input.len());
        if len > self.most {
            return Err(Code::DataLenRange.into());
        }
        self.grow(len)?;
        self.held.extend_from_slice(input);
        Ok(0)
    }

    fn finish_len(&self) -> usize {
        self.held.len().saturating_add(self.extra)
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<usize> {
        let held = std::mem::take(&mut self.held);
        self.give(&held, out)
    }

    fn whole_len(&self, input: usize) -> usize {
        input.saturating_add(self.extra)
    }

    fn whole(&mut self, input: &[u8], out: &mut [u8]) -> Result<usize> {
        self.give(input, out)
    }
}

impl Buffered {
    /// Moves into a larger buffer by hand: a Vec that grows itself leaves the old bytes behind.
    fn grow(&mut self, len: usize) -> Result<()> {
        if len <= self.held.capacity() {
            return Ok(());
        }
        let mut larger = Zeroizing::new(Vec::new());
        larger
            .try_reserve_exact(len.next_power_of_two())
            .map_err(|_| Code::HostMemory)?;
        larger.extend_from_slice(&self.held);
        self.held = larger;
        Ok(())
    }
}
