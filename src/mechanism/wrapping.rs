//! `C_WrapKey` and `C_UnwrapKey` by a cipher, and the codes that these calls have for what a cipher
//! finds wrong (rule 40: one for all that is inside).
#![forbid(unsafe_code)]

use crate::error::{Code, Error, Result};
use crate::mechanism::Cipher;
use crate::secret::Secret;

/// Zero bytes for an output of a length that the host chose.
///
/// # Errors
/// `CKR_HOST_MEMORY`.
pub(super) fn zeroed(len: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let room = out.try_reserve_exact(len);
    room.map_err(|_| Code::HostMemory)?;
    out.resize(len, 0);
    Ok(out)
}

/// Encrypts a key's bytes.
pub(super) fn wrap(mut cipher: Box<dyn Cipher>, plain: &[u8]) -> Result<Vec<u8>> {
    let mut out = zeroed(cipher.whole_len(plain.len()))?;
    let len = cipher.whole(plain, &mut out).map_err(as_wrap)?;
    out.truncate(len);
    Ok(out)
}

/// Decrypts a wrapped key.
pub(super) fn unwrap(mut cipher: Box<dyn Cipher>, wrapped: &[u8]) -> Result<Secret> {
    let mut out = Secret::zeroed(cipher.whole_len(wrapped.len()))?;
    let len = cipher.whole(wrapped, out.expose_mut()).map_err(as_unwrap)?;
    front(out, len)
}

/// The first bytes of what an unwrapping wrote.
pub(super) fn front(whole: Secret, len: usize) -> Result<Secret> {
    match whole.len() == len {
        true => Ok(whole),
        false => Secret::copy(whole.expose().get(..len).ok_or(Code::GeneralError)?),
    }
}

/// What `C_WrapKey` calls it.
pub(super) fn as_wrap(error: Error) -> Error {
    const NAMES: &[(Code, Code)] = &[
        (Code::KeyTypeInconsistent, Code::WrappingKeyTypeInconsistent),
        (Code::DataLenRange, Code::KeySizeRange),
    ];
    renamed(error, NAMES)
}

/// What `C_UnwrapKey` calls it.
pub(super) fn as_unwrap(error: Error) -> Error {
    const NAMES: &[(Code, Code)] = &[
        (
            Code::KeyTypeInconsistent,
            Code::UnwrappingKeyTypeInconsistent,
        ),
        (Code::EncryptedDataLenRange, Code::WrappedKeyLenRange),
        (Code::EncryptedDataInvalid, Code::WrappedKeyInvalid),
    ];
    renamed(error, NAMES)
}

fn renamed(error: Error, names: &[(Code, Code)]) -> Error {
    match names.iter().find(|(from, _)| *from == error.code) {
        Some((_, to)) => Error { code: *to, ..error },
        None => error,
    }
}
