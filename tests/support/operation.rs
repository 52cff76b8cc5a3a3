//! Encryption, decryption, digests, signatures: each step by itself, and the common one-shot ways.

use cryptoki_sys::*;

use super::answer::{Answer, Rv};
use super::mech::Mech;
use super::module::call;
use super::session::{Room, Session, filled};

/// What a step gave: the answer, the length, the bytes.
pub(crate) type Given = (Rv, usize, Vec<u8>);

/// The bytes of a step that said `CKR_OK`.
pub(crate) fn bytes((rv, _, bytes): Given) -> Answer<Vec<u8>> {
    rv.ok().map(|()| bytes)
}

macro_rules! inits {
    ($($name:ident $function:ident;)*) => { $(
        pub(crate) fn $name(&self, how: &Mech, key: CK_OBJECT_HANDLE) -> Answer<()> {
            let mut raw = how.raw();
            call!(self.module, $function, self.handle, &raw mut raw, key).ok()
        }
    )* };
}

/// Input and output.
macro_rules! through {
    ($($name:ident $function:ident;)*) => { $(
        pub(crate) fn $name(&self, data: &[u8], room: Room) -> Given {
            let mut data = data.to_vec();
            let (at, len) = (data.as_mut_ptr(), data.len() as CK_ULONG);
            filled(room, |out, out_len| {
                call!(self.module, $function, self.handle, at, len, out, out_len)
            })
        }
    )* };
}

/// Output alone.
macro_rules! out {
    ($($name:ident $function:ident;)*) => { $(
        pub(crate) fn $name(&self, room: Room) -> Given {
            filled(room, |out, out_len| {
                call!(self.module, $function, self.handle, out, out_len)
            })
        }
    )* };
}

/// Input alone.
macro_rules! take {
    ($($name:ident $function:ident;)*) => { $(
        pub(crate) fn $name(&self, data: &[u8]) -> Answer<()> {
            let mut data = data.to_vec();
            let (at, len) = (data.as_mut_ptr(), data.len() as CK_ULONG);
            call!(self.module, $function, self.handle, at, len).ok()
        }
    )* };
}

impl Session<'_> {
    inits! {
        encrypt_init C_EncryptInit;
        decrypt_init C_DecryptInit;
        sign_init C_SignInit;
        verify_init C_VerifyInit;
    }
    through! {
        encrypt_one C_Encrypt;
        encrypt_update C_EncryptUpdate;
        decrypt_one C_Decrypt;
        decrypt_update C_DecryptUpdate;
        digest_one C_Digest;
        sign_one C_Sign;
    }
    out! {
        encrypt_final C_EncryptFinal;
        decrypt_final C_DecryptFinal;
        digest_final C_DigestFinal;
        sign_final C_SignFinal;
    }
    take! {
        digest_update C_DigestUpdate;
        sign_update C_SignUpdate;
        verify_update C_VerifyUpdate;
        verify_final C_VerifyFinal;
    }

    pub(crate) fn digest_init(&self, how: &Mech) -> Answer<()> {
        let mut raw = how.raw();
        call!(self.module, C_DigestInit, self.handle, &raw mut raw).ok()
    }

    pub(crate) fn digest_key(&self, key: CK_OBJECT_HANDLE) -> Answer<()> {
        call!(self.module, C_DigestKey, self.handle, key).ok()
    }

    pub(crate) fn verify_one(&self, data: &[u8], signature: &[u8]) -> Answer<()> {
        let (mut data, mut signature) = (data.to_vec(), signature.to_vec());
        let (len, signature_len) = (data.len() as CK_ULONG, signature.len() as CK_ULONG);
        call!(
            self.module,
            C_Verify,
            self.handle,
            data.as_mut_ptr(),
            len,
            signature.as_mut_ptr(),
            signature_len
        )
        .ok()
    }
}

/// Whole operations: init, the length asked, the work.
impl Session<'_> {
    pub(crate) fn encrypt(
        &self,
        how: &Mech,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
    ) -> Answer<Vec<u8>> {
        self.encrypt_init(how, key)?;
        twice(|room| self.encrypt_one(data, room))
    }

    pub(crate) fn decrypt(
        &self,
        how: &Mech,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
    ) -> Answer<Vec<u8>> {
        self.decrypt_init(how, key)?;
        twice(|room| self.decrypt_one(data, room))
    }

    pub(crate) fn digest(&self, how: &Mech, data: &[u8]) -> Answer<Vec<u8>> {
        self.digest_init(how)?;
        twice(|room| self.digest_one(data, room))
    }

    pub(crate) fn sign(&self, how: &Mech, key: CK_OBJECT_HANDLE, data: &[u8]) -> Answer<Vec<u8>> {
        self.sign_init(how, key)?;
        twice(|room| self.sign_one(data, room))
    }

    pub(crate) fn verify(
        &self,
        how: &Mech,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        signature: &[u8],
    ) -> Answer<()> {
        self.verify_init(how, key)?;
        self.verify_one(data, signature)
    }

    /// In parts of `part` bytes.
    pub(crate) fn encrypt_parts(
        &self,
        how: &Mech,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        part: usize,
    ) -> Answer<Vec<u8>> {
        self.encrypt_init(how, key)?;
        let mut all = Vec::new();
        for piece in data.chunks(part) {
            all.extend(bytes(
                self.encrypt_update(piece, Room::Bytes(piece.len() + 32)),
            )?);
        }
        all.extend(bytes(self.encrypt_final(Room::Bytes(64)))?);
        Ok(all)
    }

    /// In parts of `part` bytes.
    pub(crate) fn decrypt_parts(
        &self,
        how: &Mech,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        part: usize,
    ) -> Answer<Vec<u8>> {
        self.decrypt_init(how, key)?;
        let mut all = Vec::new();
        for piece in data.chunks(part) {
            all.extend(bytes(
                self.decrypt_update(piece, Room::Bytes(data.len() + 32)),
            )?);
        }
        all.extend(bytes(self.decrypt_final(Room::Bytes(data.len() + 64)))?);
        Ok(all)
    }

    pub(crate) fn sign_parts(
        &self,
        how: &Mech,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        part: usize,
    ) -> Answer<Vec<u8>> {
        self.sign_init(how, key)?;
        data.chunks(part)
            .try_for_each(|piece| self.sign_update(piece))?;
        twice(|room| self.sign_final(room))
    }

    pub(crate) fn digest_parts(&self, how: &Mech, data: &[u8], part: usize) -> Answer<Vec<u8>> {
        self.digest_init(how)?;
        data.chunks(part)
            .try_for_each(|piece| self.digest_update(piece))?;
        twice(|room| self.digest_final(room))
    }
}

/// The length, then the bytes.
fn twice(step: impl Fn(Room) -> Given) -> Answer<Vec<u8>> {
    let (rv, len, _) = step(Room::Asked);
    rv.ok()?;
    bytes(step(Room::Bytes(len)))
}
