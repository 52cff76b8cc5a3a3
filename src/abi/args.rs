//! C arguments into Rust ones.
//!
//! Each function hands its slices to a closure, so that nothing can keep them after the call.

use std::ptr;
use std::slice;

use cryptoki_sys::{CK_BYTE, CK_ULONG};
use zeroize::Zeroizing;

use crate::error::{Code, Result};
use crate::session::Output;

/// A pointer and a length, as they stand in an argument list.
pub(super) type Input = (*const CK_BYTE, CK_ULONG);
/// An output buffer and where its length stands.
pub(super) type Buffer = (*mut CK_BYTE, *mut CK_ULONG);

/// A length that a slice of `T` can have; a longer one would be undefined behaviour before a byte
/// is read.
pub(super) fn length<T>(len: CK_ULONG) -> Result<usize> {
    let bytes = usize::try_from(len).map(|len| len.checked_mul(size_of::<T>()));
    match bytes {
        Ok(Some(bytes)) if isize::try_from(bytes).is_ok() => Ok(bytes / size_of::<T>().max(1)),
        Ok(_) | Err(_) => Err(Code::ArgumentsBad.into()),
    }
}

/// Input bytes; a null pointer is an empty slice only when its length is zero.
///
/// # Safety
/// Pointer contract 1 and 3 of [`super`], for as long as `'a`: use it inside a closure only.
pub(super) unsafe fn bytes<'a>((data, len): Input) -> Result<&'a [u8]> {
    match (data.is_null(), length::<CK_BYTE>(len)?) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Code::ArgumentsBad.into()),
        // SAFETY: pointer contract 1; the length fits a slice.
        (false, len) => Ok(unsafe { slice::from_raw_parts(data, len) }),
    }
}

/// Reads a structure that the host may have put at any address.
///
/// # Safety
/// Pointer contract 1 of [`super`].
pub(super) unsafe fn read<T: Copy>(from: *const T) -> Result<T> {
    match from.is_null() {
        true => Err(Code::ArgumentsBad.into()),
        // SAFETY: pointer contract 1.
        false => Ok(unsafe { ptr::read_unaligned(from) }),
    }
}

/// Writes a structure to where the host wants it.
///
/// # Safety
/// Pointer contract 2 of [`super`].
pub(super) unsafe fn write<T>(to: *mut T, value: T) -> Result<()> {
    present(to)?;
    // SAFETY: pointer contract 2; not null.
    unsafe { ptr::write_unaligned(to, value) };
    Ok(())
}

/// Refuses a null pointer before any work is done.
pub(super) fn present<T>(pointer: *const T) -> Result<()> {
    match pointer.is_null() {
        true => Err(Code::ArgumentsBad.into()),
        false => Ok(()),
    }
}

/// Input and output of one call, for the call-twice protocol. What is wrong with them is handed on
/// as well: the operation decides whether it ends.
///
/// The standard lets input and output be one buffer (`C_Encrypt`, `C_Decrypt`): then the input is
/// copied, because a shared and an exclusive borrow of it must not be alive together.
///
/// # Safety
/// Pointer contract 1, 2 and 3 of [`super`].
pub(super) unsafe fn through(
    input: Input,
    (buffer, buffer_len): Buffer,
    work: impl FnOnce(Result<(&[u8], Output<'_>)>) -> Result<()>,
) -> Result<()> {
    // SAFETY: pointer contract 1 and 3; not used after this call.
    let input = unsafe { bytes(input) };
    // SAFETY: pointer contract 2.
    unsafe {
        fill((buffer, buffer_len), |output| {
            let (input, output) = match (input, output) {
                (Ok(input), Ok(output)) => (input, output),
                (Err(error), _) | (_, Err(error)) => return work(Err(error)),
            };
            match apart(input, buffer.cast_const(), output.room()) {
                Ok(None) => work(Ok((input, output))),
                Ok(Some(copy)) => work(Ok((&copy, output))),
                Err(error) => work(Err(error)),
            }
        })
    }
}

/// Output of one call, for the call-twice protocol.
///
/// # Safety
/// Pointer contract 2 and 3 of [`super`].
pub(super) unsafe fn fill(
    (buffer, buffer_len): Buffer,
    work: impl FnOnce(Result<Output<'_>>) -> Result<()>,
) -> Result<()> {
    // SAFETY: pointer contract 2.
    let mut len = match unsafe { read(buffer_len.cast_const()) } {
        Ok(len) => len,
        Err(error) => return work(Err(error)),
    };
    let room = match (buffer.is_null(), length::<CK_BYTE>(len)) {
        (true, _) => None,
        (false, Ok(room)) => Some(room),
        (false, Err(error)) => return work(Err(error)),
    };
    // SAFETY: pointer contract 2; called once, for no more than the room, which fits a slice.
    let mut slice = |needed| unsafe { slice::from_raw_parts_mut(buffer, needed) };
    let done = work(Ok(Output::new(room, &mut len, &mut slice)));
    // SAFETY: pointer contract 2; it was read above.
    unsafe { ptr::write_unaligned(buffer_len, len) };
    done
}

/// A copy of an input that lies in the output's buffer.
fn apart(
    input: &[u8],
    buffer: *const CK_BYTE,
    room: Option<usize>,
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let (start, out) = (input.as_ptr().addr(), buffer.addr());
    let end = out.saturating_add(room.unwrap_or(0));
    let overlap = start < end && out < start.saturating_add(input.len());
    match overlap {
        false => Ok(None),
        true => copy(input).map(|copy| Some(Zeroizing::new(copy))),
    }
}

/// A copy of bytes of a length that the host gave.
pub(super) fn copy(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())
        .map_err(|_| Code::HostMemory)?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// A list of numbers by the call-twice protocol: `C_GetSlotList` and its kin.
///
/// # Safety
/// Pointer contract 2 of [`super`].
pub(super) unsafe fn list<T: Copy>(
    values: impl ExactSizeIterator<Item = T>,
    list: *mut T,
    count: *mut CK_ULONG,
) -> Result<()> {
    // SAFETY: pointer contract 1.
    let room = unsafe { read(count.cast_const()) }?;
    let needed = values.len() as CK_ULONG;
    // SAFETY: pointer contract 2.
    unsafe { write(count, needed) }?;
    if list.is_null() {
        return Ok(());
    }
    if room < needed {
        return Err(Code::BufferTooSmall.into());
    }
    for (place, value) in values.enumerate() {
        // SAFETY: pointer contract 2; the room is there.
        unsafe { write(list.wrapping_add(place), value) }?;
    }
    Ok(())
}

/// Text in a field of fixed length, padded with blanks, cut between characters.
pub(super) fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    let mut end = text.len().min(N);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    for (place, byte) in field.iter_mut().zip(text.bytes().take(end)) {
        *place = byte;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    #[test]
    fn text_is_padded_with_blanks_and_cut_between_characters() {
        assert_eq!(&padded::<4>("ab"), b"ab  ");
        assert_eq!(&padded::<4>("abcde"), b"abcd");
        assert_eq!(&padded::<4>("abcé"), b"abc ");
    }

    #[test]
    fn a_length_beyond_a_slice_is_a_bad_argument() {
        assert!(length::<u8>(CK_ULONG::MAX).is_err());
        assert!(length::<u64>(CK_ULONG::MAX / 8).is_err());
        assert_eq!(length::<u64>(3).unwrap(), 3);
        // SAFETY: refused before it is read.
        assert!(unsafe { bytes((b"".as_ptr(), CK_ULONG::MAX)) }.is_err());
        // SAFETY: null.
        assert_eq!(unsafe { bytes((null_mut(), 0)) }.unwrap(), b"");
        // SAFETY: null.
        assert!(unsafe { bytes((null_mut(), 1)) }.is_err());
    }

    #[test]
    fn an_input_inside_the_output_is_copied_first() {
        let mut memory = *b"abcdefgh";
        let (start, mut len) = (memory.as_mut_ptr(), 6);
        let (input, output) = (
            (start.cast_const(), 4),
            (start.wrapping_add(2), &raw mut len),
        );
        // SAFETY: `memory` and `len` outlive the call and are used by nobody else.
        let done = unsafe {
            through(input, output, |arguments| {
                let (input, output) = arguments?;
                output.give(4, |out| {
                    out.fill(b'.');
                    out.copy_from_slice(input);
                    Ok(4)
                })
            })
        };
        assert!(done.is_ok());
        assert_eq!((&memory, len), (b"ababcdgh", 4));
    }
}
