//! The call-twice protocol for output of a length that the caller may not know (PKCS#11 3.2, 5.2).
#![forbid(unsafe_code)]

use cryptoki_sys::CK_ULONG;
use zeroize::Zeroize;

use crate::error::{Code, Result};

/// The caller's buffer, if it brought one, and where its length goes.
pub(crate) struct Output<'a> {
    room: Option<usize>,
    len: &'a mut CK_ULONG,
    slice: &'a mut (dyn FnMut(usize) -> &'a mut [u8] + 'a),
}

/// What the caller's buffer allows.
pub(crate) enum Room<'a> {
    Asked,
    TooSmall,
    Ready(Ready<'a>),
}

/// A buffer that is large enough.
pub(crate) struct Ready<'a> {
    buffer: &'a mut [u8],
    len: &'a mut CK_ULONG,
}

impl<'a> Output<'a> {
    /// `room` is what the caller says its buffer holds, `None` for no buffer. `slice` makes a slice
    /// of that many of its bytes, no more than `room`, and is called once at most: a caller may
    /// claim more than it has, as long as nobody touches the rest.
    pub(crate) fn new(
        room: Option<usize>,
        len: &'a mut CK_ULONG,
        slice: &'a mut (dyn FnMut(usize) -> &'a mut [u8] + 'a),
    ) -> Self {
        Self { room, len, slice }
    }

    /// What the caller says its buffer holds.
    pub(crate) fn room(&self) -> Option<usize> {
        self.room
    }

    /// Writes the needed length, as both answers but the last must.
    pub(crate) fn request(self, needed: usize) -> Room<'a> {
        *self.len = needed as CK_ULONG;
        match self.room {
            None => Room::Asked,
            Some(room) if room < needed => Room::TooSmall,
            Some(_) => Room::Ready(Ready {
                buffer: (self.slice)(needed),
                len: self.len,
            }),
        }
    }

    /// The protocol for a call that leaves nothing behind when it is asked or refused.
    pub(crate) fn give(
        self,
        needed: usize,
        work: impl FnOnce(&mut [u8]) -> Result<usize>,
    ) -> Result<()> {
        match self.request(needed) {
            Room::Asked => Ok(()),
            Room::TooSmall => Err(Code::BufferTooSmall.into()),
            Room::Ready(ready) => ready.fill(work),
        }
    }
}

impl Ready<'_> {
    /// What a failed call has already written (an unauthenticated plaintext, say) is wiped.
    pub(crate) fn fill(self, work: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<()> {
        match work(self.buffer) {
            Ok(written) => *self.len = written as CK_ULONG,
            Err(error) => {
                self.buffer.zeroize();
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Runs `work` with a buffer of `buffer`, and gives the length it left.
    pub(in crate::session) fn with(
        buffer: Option<&mut [u8]>,
        work: impl FnOnce(Output<'_>) -> Result<()>,
    ) -> (Result<()>, usize) {
        let mut len = 0;
        let room = buffer.as_deref().map(<[u8]>::len);
        let mut once = buffer;
        let mut slice = |needed: usize| &mut once.take().unwrap()[..needed];
        let done = work(Output::new(room, &mut len, &mut slice));
        (done, usize::try_from(len).unwrap())
    }

    #[test]
    fn no_buffer_gets_the_length_and_no_work() {
        let (done, len) = with(None, |out| out.give(7, |_| panic!("asked only")));
        assert!(done.is_ok());
        assert_eq!(len, 7);
    }

    #[test]
    fn a_short_buffer_gets_the_length_and_keeps_its_bytes() {
        let mut bytes = [9; 6];
        let (done, len) = with(Some(&mut bytes), |out| out.give(7, |_| panic!("too small")));
        assert_eq!(done.unwrap_err().code, Code::BufferTooSmall);
        assert_eq!((len, bytes), (7, [9; 6]));
    }

    #[test]
    fn work_sees_the_needed_bytes_only_and_says_how_many_it_wrote() {
        let mut bytes = [9; 6];
        let (done, len) = with(Some(&mut bytes), |out| {
            out.give(4, |room| {
                room.fill(1);
                Ok(3)
            })
        });
        assert!(done.is_ok());
        assert_eq!((len, bytes), (3, [1, 1, 1, 1, 9, 9]));
    }

    #[test]
    fn failed_work_leaves_zeros() {
        let mut bytes = [9; 4];
        let (done, _) = with(Some(&mut bytes), |out| {
            out.give(4, |room| {
                room.fill(1);
                Err(Code::EncryptedDataInvalid.into())
            })
        });
        assert_eq!(done.unwrap_err().code, Code::EncryptedDataInvalid);
        assert_eq!(bytes, [0; 4]);
    }
}
