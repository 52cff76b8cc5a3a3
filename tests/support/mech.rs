//! Mechanisms with parameters that own what they point at.

use std::any::Any;
use std::ffi::c_void;
use std::ptr;

use cryptoki_sys::*;

use super::zeq::{CKM_ZEQ_ENVELOPE, Params};

pub(crate) struct Mech {
    pub(crate) kind: CK_MECHANISM_TYPE,
    parameter: *mut c_void,
    len: usize,
    /// Kept alive: the parameter and what it points at.
    held: Vec<Box<dyn Any>>,
}

impl Mech {
    pub(crate) fn plain(kind: CK_MECHANISM_TYPE) -> Self {
        Self {
            kind,
            parameter: ptr::null_mut(),
            len: 0,
            held: Vec::new(),
        }
    }

    /// A parameter of plain bytes, such as an IV.
    pub(crate) fn bytes(kind: CK_MECHANISM_TYPE, bytes: &[u8]) -> Self {
        let mut mech = Self::plain(kind);
        mech.parameter = mech.hold(bytes).cast();
        mech.len = bytes.len();
        mech
    }

    fn with<T: 'static>(mut self, parameter: T) -> Self {
        let mut parameter = Box::new(parameter);
        self.parameter = (&raw mut *parameter).cast();
        self.len = size_of::<T>();
        self.held.push(parameter);
        self
    }

    /// NULL for no bytes.
    fn hold(&mut self, bytes: &[u8]) -> *mut CK_BYTE {
        if bytes.is_empty() {
            return ptr::null_mut();
        }
        let mut bytes: Box<Vec<u8>> = Box::new(bytes.to_vec());
        let pointer = bytes.as_mut_ptr();
        self.held.push(bytes);
        pointer
    }

    pub(crate) fn gcm(iv: &[u8], aad: &[u8], tag_bits: CK_ULONG) -> Self {
        let mut mech = Self::plain(CKM_AES_GCM);
        let parameter = CK_GCM_PARAMS {
            pIv: mech.hold(iv),
            ulIvLen: iv.len() as CK_ULONG,
            ulIvBits: iv.len() as CK_ULONG * 8,
            pAAD: mech.hold(aad),
            ulAADLen: aad.len() as CK_ULONG,
            ulTagBits: tag_bits,
        };
        mech.with(parameter)
    }

    pub(crate) fn ctr(bits: CK_ULONG, block: [u8; 16]) -> Self {
        let parameter = CK_AES_CTR_PARAMS {
            ulCounterBits: bits,
            cb: block,
        };
        Self::plain(CKM_AES_CTR).with(parameter)
    }

    pub(crate) fn pss(kind: CK_MECHANISM_TYPE, hash: Hash, mgf: Hash, salt: CK_ULONG) -> Self {
        let parameter = CK_RSA_PKCS_PSS_PARAMS {
            hashAlg: hash.kind,
            mgf: mgf.mgf,
            sLen: salt,
        };
        Self::plain(kind).with(parameter)
    }

    pub(crate) fn oaep(hash: Hash, mgf: Hash, label: &[u8]) -> Self {
        let mut mech = Self::plain(CKM_RSA_PKCS_OAEP);
        let parameter = mech.oaep_params(hash, mgf, label);
        mech.with(parameter)
    }

    fn oaep_params(&mut self, hash: Hash, mgf: Hash, label: &[u8]) -> CK_RSA_PKCS_OAEP_PARAMS {
        CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: hash.kind,
            mgf: mgf.mgf,
            source: CKZ_DATA_SPECIFIED,
            pSourceData: self.hold(label).cast(),
            ulSourceDataLen: label.len() as CK_ULONG,
        }
    }

    /// An AES key of `bits` for once, wrapped by OAEP, wraps the key by RFC 5649.
    pub(crate) fn rsa_aes(bits: CK_ULONG, hash: Hash, mgf: Hash) -> Self {
        let mut mech = Self::plain(CKM_RSA_AES_KEY_WRAP);
        let mut inner = Box::new(mech.oaep_params(hash, mgf, b""));
        let parameter = CK_RSA_AES_KEY_WRAP_PARAMS {
            ulAESKeyBits: bits,
            pOAEPParams: &raw mut *inner,
        };
        mech.held.push(inner);
        mech.with(parameter)
    }

    pub(crate) fn ecdh(kdf: CK_EC_KDF_TYPE, shared: &[u8], public: &[u8]) -> Self {
        let mut mech = Self::plain(CKM_ECDH1_DERIVE);
        let parameter = CK_ECDH1_DERIVE_PARAMS {
            kdf,
            ulSharedDataLen: shared.len() as CK_ULONG,
            pSharedData: mech.hold(shared),
            ulPublicDataLen: public.len() as CK_ULONG,
            pPublicData: mech.hold(public),
        };
        mech.with(parameter)
    }

    /// Extract and expand.
    pub(crate) fn hkdf(hash: Hash, salt: &[u8], info: &[u8]) -> Self {
        let mut mech = Self::plain(CKM_HKDF_DERIVE);
        let parameter = CK_HKDF_PARAMS {
            bExtract: CK_TRUE,
            bExpand: CK_TRUE,
            prfHashMechanism: hash.kind,
            ulSaltType: match salt {
                [] => CKF_HKDF_SALT_NULL,
                _ => CKF_HKDF_SALT_DATA,
            },
            pSalt: mech.hold(salt),
            ulSaltLen: salt.len() as CK_ULONG,
            hSaltKey: CK_INVALID_HANDLE,
            pInfo: mech.hold(info),
            ulInfoLen: info.len() as CK_ULONG,
        };
        mech.with(parameter)
    }

    /// Ed25519 with the parameters that a 2.40 host may send.
    pub(crate) fn eddsa_plain() -> Self {
        let parameter = CK_EDDSA_PARAMS {
            phFlag: CK_FALSE,
            ulContextDataLen: 0,
            pContextData: ptr::null_mut(),
        };
        Self::plain(CKM_EDDSA).with(parameter)
    }

    /// CKM_ZEQ_ENVELOPE with NULL.
    pub(crate) fn envelope() -> Self {
        Self::plain(CKM_ZEQ_ENVELOPE)
    }

    /// CKM_ZEQ_ENVELOPE with explicit parameters and associated data.
    pub(crate) fn sealed(parameter: Params, aad: &[u8]) -> Self {
        let mut mech = Self::plain(CKM_ZEQ_ENVELOPE);
        let parameter = Params {
            aad: mech.hold(aad),
            aad_len: aad.len() as CK_ULONG,
            ..parameter
        };
        mech.with(parameter)
    }

    /// HKDF whose salt is a key.
    pub(crate) fn hkdf_salted(hash: Hash, salt: CK_OBJECT_HANDLE) -> Self {
        let parameter = CK_HKDF_PARAMS {
            bExtract: CK_TRUE,
            bExpand: CK_TRUE,
            prfHashMechanism: hash.kind,
            ulSaltType: CKF_HKDF_SALT_KEY,
            pSalt: ptr::null_mut(),
            ulSaltLen: 0,
            hSaltKey: salt,
            pInfo: ptr::null_mut(),
            ulInfoLen: 0,
        };
        Self::plain(CKM_HKDF_DERIVE).with(parameter)
    }

    /// Valid while `self` lives.
    pub(crate) fn raw(&self) -> CK_MECHANISM {
        CK_MECHANISM {
            mechanism: self.kind,
            pParameter: self.parameter,
            ulParameterLen: self.len as CK_ULONG,
        }
    }
}

/// A hash as the parameters of RSA, ECDH and HKDF name it.
#[derive(Clone, Copy)]
pub(crate) struct Hash {
    pub(crate) kind: CK_MECHANISM_TYPE,
    pub(crate) mgf: CK_RSA_PKCS_MGF_TYPE,
}

pub(crate) const SHA1: Hash = hash(CKM_SHA_1, CKG_MGF1_SHA1);
pub(crate) const SHA224: Hash = hash(CKM_SHA224, CKG_MGF1_SHA224);
pub(crate) const SHA256: Hash = hash(CKM_SHA256, CKG_MGF1_SHA256);
pub(crate) const SHA384: Hash = hash(CKM_SHA384, CKG_MGF1_SHA384);
pub(crate) const SHA512: Hash = hash(CKM_SHA512, CKG_MGF1_SHA512);

const fn hash(kind: CK_MECHANISM_TYPE, mgf: CK_RSA_PKCS_MGF_TYPE) -> Hash {
    Hash { kind, mgf }
}
