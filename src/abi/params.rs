//! `CK_MECHANISM` into [`How`]: one arm a [`Shape`], never one a mechanism. Structures are read at
//! any alignment, what they point to is copied.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::args;
use crate::ck;
use crate::error::{Code, Error, Reason, Result};
use crate::mechanism;
use crate::mechanism::{Closes, EnvelopeParams, Hash, How, Params, Salt, Shape};

/// `pParameter` and `ulParameterLen`. Who makes one promises pointer contract 1 of [`super`] for both,
/// and for all that the structure there points to, while it lives.
#[derive(Clone, Copy)]
struct Given {
    parameter: *const c_void,
    len: CK_ULONG,
}

/// Rule 34; declared in `include/zeq_byok.h`.
#[repr(C)]
#[derive(Clone, Copy)]
struct CK_ZEQ_ENVELOPE_PARAMS {
    ulVersion: CK_ULONG,
    ulFlags: CK_ULONG,
    opens: [CK_BYTE; 8],
    closes: [CK_BYTE; 8],
    ulGateLow: CK_ULONG,
    ulGateHigh: CK_ULONG,
    pAAD: *mut CK_BYTE,
    ulAADLen: CK_ULONG,
}

/// `CK_GCM_PARAMS` before `ulIvBits` came (2.20 to 2.30): 40 bytes.
#[repr(C)]
#[derive(Clone, Copy)]
struct GcmWithoutIvBits {
    iv: *mut CK_BYTE,
    iv_len: CK_ULONG,
    aad: *mut CK_BYTE,
    aad_len: CK_ULONG,
    tag_bits: CK_ULONG,
}

/// Reads a mechanism.
///
/// # Errors
/// `CKR_MECHANISM_INVALID` for one that is not in the table, `CKR_MECHANISM_PARAM_INVALID` for
/// parameters that it cannot have.
///
/// # Safety
/// Pointer contract 1 of [`super`], for what the parameters point to as well.
pub(super) unsafe fn how(mechanism: *const CK_MECHANISM) -> Result<How> {
    // SAFETY: pointer contract 1.
    let given = unsafe { args::read(mechanism) }?;
    let line = mechanism::find(given.mechanism)?;
    let given = Given {
        parameter: given.pParameter.cast_const(),
        len: given.ulParameterLen,
    };
    Ok(How {
        kind: line.kind,
        params: given.shaped(line.shape)?,
    })
}

impl Given {
    fn shaped(self, shape: Shape) -> Result<Params> {
        match shape {
            Shape::None => self.none(),
            Shape::Iv16 => self.iv(&[16]),
            Shape::WrapIv => self.unless_null(|given| given.iv(&[8, 4])),
            Shape::Ctr => self.ctr(),
            Shape::Gcm => self.gcm(),
            Shape::Oaep => self.oaep(),
            Shape::Pss => self.pss(),
            Shape::RsaAes => self.rsa_aes(),
            Shape::Ecdh => self.ecdh(),
            Shape::Hkdf => self.hkdf(),
            Shape::Eddsa => self.unless_null(Self::eddsa),
            Shape::MacLength => length(self.structure()?).map(Params::MacLength),
            Shape::Envelope => self.envelope(),
        }
    }

    /// The one structure that the mechanism takes.
    fn structure<T: Copy>(self) -> Result<T> {
        if self.parameter.is_null() || self.len != size_of::<T>() as CK_ULONG {
            return Err(invalid());
        }
        // SAFETY: pointer contract 1: that many bytes are there, and any bytes are a `T`.
        unsafe { args::read(self.parameter.cast::<T>()) }
    }

    /// A copy of bytes that its structure points to.
    fn bytes(self, from: *const CK_BYTE, len: CK_ULONG) -> Result<Vec<u8>> {
        // SAFETY: pointer contract 1; copied before the call ends.
        let bytes = unsafe { args::bytes((from, len)) }.map_err(|_| invalid())?;
        args::copy(bytes)
    }

    fn none(self) -> Result<Params> {
        match self.len {
            0 => Ok(Params::None),
            _ => Err(invalid()),
        }
    }

    /// A parameter that may be left out.
    fn unless_null(self, read: impl FnOnce(Self) -> Result<Params>) -> Result<Params> {
        match self.len {
            0 => Ok(Params::None),
            _ => read(self),
        }
    }

    fn iv(self, lengths: &[usize]) -> Result<Params> {
        let iv = self.bytes(self.parameter.cast(), self.len)?;
        match lengths.contains(&iv.len()) {
            true => Ok(Params::Iv(iv)),
            false => Err(invalid()),
        }
    }

    fn ctr(self) -> Result<Params> {
        let given: CK_AES_CTR_PARAMS = self.structure()?;
        Ok(Params::Ctr {
            bits: given.ulCounterBits,
            block: given.cb,
        })
    }

    /// By its length (rule 37); `ulIvBits` says nothing that `ulIvLen` does not.
    fn gcm(self) -> Result<Params> {
        const SHORT: CK_ULONG = size_of::<GcmWithoutIvBits>() as CK_ULONG;
        const WRAP: CK_ULONG = size_of::<CK_GCM_WRAP_PARAMS>() as CK_ULONG;
        let short = match self.len {
            SHORT => self.structure()?,
            WRAP => wrap_params(self.structure()?)?,
            _ => without_iv_bits(self.structure()?),
        };
        Ok(Params::Gcm {
            iv: self.bytes(short.iv, short.iv_len)?,
            aad: self.bytes(short.aad, short.aad_len)?,
            tag_bits: short.tag_bits,
        })
    }

    fn oaep(self) -> Result<Params> {
        let (hash, mgf, label) = self.oaep_parts(self.structure()?)?;
        Ok(Params::Oaep { hash, mgf, label })
    }

    fn oaep_parts(self, given: CK_RSA_PKCS_OAEP_PARAMS) -> Result<(Hash, Hash, Vec<u8>)> {
        let label = self.bytes(given.pSourceData.cast(), given.ulSourceDataLen)?;
        // Hosts without a label leave the source 0.
        match given.source == CKZ_DATA_SPECIFIED || given.source == 0 && label.is_empty() {
            true => Ok((hash(given.hashAlg)?, mgf(given.mgf)?, label)),
            false => Err(invalid()),
        }
    }

    fn pss(self) -> Result<Params> {
        let given: CK_RSA_PKCS_PSS_PARAMS = self.structure()?;
        Ok(Params::Pss {
            hash: hash(given.hashAlg)?,
            mgf: mgf(given.mgf)?,
            salt: length(given.sLen)?,
        })
    }

    fn rsa_aes(self) -> Result<Params> {
        let given: CK_RSA_AES_KEY_WRAP_PARAMS = self.structure()?;
        // SAFETY: pointer contract 1.
        let inner = unsafe { args::read(given.pOAEPParams.cast_const()) };
        let (hash, mgf, label) = self.oaep_parts(inner.map_err(|_| invalid())?)?;
        Ok(Params::RsaAes {
            aes_bits: given.ulAESKeyBits,
            hash,
            mgf,
            label,
        })
    }

    fn ecdh(self) -> Result<Params> {
        let given: CK_ECDH1_DERIVE_PARAMS = self.structure()?;
        Ok(Params::Ecdh {
            kdf: kdf(given.kdf)?,
            shared: self.bytes(given.pSharedData, given.ulSharedDataLen)?,
            public: self.bytes(given.pPublicData, given.ulPublicDataLen)?,
        })
    }

    fn hkdf(self) -> Result<Params> {
        let given: CK_HKDF_PARAMS = self.structure()?;
        let salt = match given.ulSaltType {
            CKF_HKDF_SALT_NULL => Salt::Null,
            CKF_HKDF_SALT_DATA => Salt::Bytes(self.bytes(given.pSalt, given.ulSaltLen)?),
            CKF_HKDF_SALT_KEY => Salt::Key(given.hSaltKey),
            _ => return Err(invalid()),
        };
        Ok(Params::Hkdf {
            extract: given.bExtract != CK_FALSE,
            expand: given.bExpand != CK_FALSE,
            hash: hash(given.prfHashMechanism)?,
            salt,
            info: self.bytes(given.pInfo, given.ulInfoLen)?,
        })
    }

    fn eddsa(self) -> Result<Params> {
        let given: CK_EDDSA_PARAMS = self.structure()?;
        Ok(Params::Eddsa {
            prehash: given.phFlag != CK_FALSE,
            context: self.bytes(given.pContextData, given.ulContextDataLen)?,
        })
    }

    fn envelope(self) -> Result<Params> {
        if self.len == 0 {
            return Ok(Params::Envelope(EnvelopeParams::default()));
        }
        let given: CK_ZEQ_ENVELOPE_PARAMS = self.structure()?;
        let aad = self.bytes(given.pAAD, given.ulAADLen)?;
        envelope(&given, aad).map(Params::Envelope)
    }
}

/// What 3.2 sends in wrap calls (rule 37): an IV of the host's. One that the token makes has no way
/// back to the host here.
fn wrap_params(given: CK_GCM_WRAP_PARAMS) -> Result<GcmWithoutIvBits> {
    match given.ivGenerator {
        CKG_NO_GENERATE => Ok(GcmWithoutIvBits {
            iv: given.pIv,
            iv_len: given.ulIvLen,
            aad: given.pAAD,
            aad_len: given.ulAADLen,
            tag_bits: given.ulTagBits,
        }),
        _ => Err(Code::MechanismParamInvalid.into()),
    }
}

fn without_iv_bits(given: CK_GCM_PARAMS) -> GcmWithoutIvBits {
    GcmWithoutIvBits {
        iv: given.pIv,
        iv_len: given.ulIvLen,
        aad: given.pAAD,
        aad_len: given.ulAADLen,
        tag_bits: given.ulTagBits,
    }
}

fn envelope(given: &CK_ZEQ_ENVELOPE_PARAMS, aad: Vec<u8>) -> Result<EnvelopeParams> {
    const KNOWN: CK_ULONG =
        ck::CKF_ZEQ_OPENS | ck::CKF_ZEQ_CLOSES | ck::CKF_ZEQ_NEVER | ck::CKF_ZEQ_GATE;
    let flag = |flag: CK_ULONG| given.ulFlags & flag != 0;
    let closes = match (flag(ck::CKF_ZEQ_CLOSES), flag(ck::CKF_ZEQ_NEVER)) {
        (true, true) => return Err(bad_parameters()),
        (true, false) => Some(Closes::At(u64::from_be_bytes(given.closes))),
        (false, true) => Some(Closes::Never),
        (false, false) => None,
    };
    if given.ulVersion != ck::ENVELOPE_PARAMS_VERSION || flag(!KNOWN) {
        return Err(bad_parameters());
    }
    let gate = flag(ck::CKF_ZEQ_GATE).then(|| gate(given));
    Ok(EnvelopeParams {
        opens: flag(ck::CKF_ZEQ_OPENS).then(|| u64::from_be_bytes(given.opens)),
        closes,
        gate: gate.transpose()?,
        aad,
    })
}

/// Low and high, from 0 to 1 in ten-thousandths; a gate may wrap.
fn gate(given: &CK_ZEQ_ENVELOPE_PARAMS) -> Result<(u32, u32)> {
    let part = |part: CK_ULONG| match u32::try_from(part) {
        Ok(part @ ..=10_000) => Ok(part),
        Ok(_) | Err(_) => Err(bad_parameters()),
    };
    Ok((part(given.ulGateLow)?, part(given.ulGateHigh)?))
}

fn hash(kind: CK_MECHANISM_TYPE) -> Result<Hash> {
    Ok(match kind {
        CKM_SHA_1 => Hash::Sha1,
        CKM_SHA224 => Hash::Sha224,
        CKM_SHA256 => Hash::Sha256,
        CKM_SHA384 => Hash::Sha384,
        CKM_SHA512 => Hash::Sha512,
        CKM_SHA512_224 => Hash::Sha512_224,
        CKM_SHA512_256 => Hash::Sha512_256,
        CKM_SHA3_224 => Hash::Sha3_224,
        CKM_SHA3_256 => Hash::Sha3_256,
        CKM_SHA3_384 => Hash::Sha3_384,
        CKM_SHA3_512 => Hash::Sha3_512,
        _ => return Err(invalid()),
    })
}

fn mgf(kind: CK_RSA_PKCS_MGF_TYPE) -> Result<Hash> {
    Ok(match kind {
        CKG_MGF1_SHA1 => Hash::Sha1,
        CKG_MGF1_SHA224 => Hash::Sha224,
        CKG_MGF1_SHA256 => Hash::Sha256,
        CKG_MGF1_SHA384 => Hash::Sha384,
        CKG_MGF1_SHA512 => Hash::Sha512,
        CKG_MGF1_SHA3_224 => Hash::Sha3_224,
        CKG_MGF1_SHA3_256 => Hash::Sha3_256,
        CKG_MGF1_SHA3_384 => Hash::Sha3_384,
        CKG_MGF1_SHA3_512 => Hash::Sha3_512,
        _ => return Err(invalid()),
    })
}

fn kdf(kind: CK_EC_KDF_TYPE) -> Result<Option<Hash>> {
    Ok(Some(match kind {
        CKD_NULL => return Ok(None),
        CKD_SHA1_KDF => Hash::Sha1,
        CKD_SHA224_KDF => Hash::Sha224,
        CKD_SHA256_KDF => Hash::Sha256,
        CKD_SHA384_KDF => Hash::Sha384,
        CKD_SHA512_KDF => Hash::Sha512,
        CKD_SHA3_224_KDF => Hash::Sha3_224,
        CKD_SHA3_256_KDF => Hash::Sha3_256,
        CKD_SHA3_384_KDF => Hash::Sha3_384,
        CKD_SHA3_512_KDF => Hash::Sha3_512,
        _ => return Err(invalid()),
    }))
}

fn length(len: CK_ULONG) -> Result<usize> {
    args::length::<u8>(len).map_err(|_| invalid())
}

fn invalid() -> Error {
    Code::MechanismParamInvalid.into()
}

fn bad_parameters() -> Error {
    Error::new(Code::MechanismParamInvalid, Reason::BadParameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    fn shaped<T>(parameter: &T, len: usize, shape: Shape) -> Result<Params> {
        let given = Given {
            parameter: std::ptr::from_ref(parameter).cast(),
            len: len as CK_ULONG,
        };
        given.shaped(shape)
    }

    fn whole<T>(parameter: &T, shape: Shape) -> Result<Params> {
        shaped(parameter, size_of::<T>(), shape)
    }

    fn window(flags: CK_ULONG) -> CK_ZEQ_ENVELOPE_PARAMS {
        CK_ZEQ_ENVELOPE_PARAMS {
            ulVersion: 1,
            ulFlags: flags,
            opens: [0, 0, 0, 0, 0, 0, 1, 2],
            closes: [0, 0, 0, 0, 0, 0, 3, 4],
            ulGateLow: 9_500,
            ulGateHigh: 500,
            pAAD: b"row".as_ptr().cast_mut(),
            ulAADLen: 3,
        }
    }

    fn refused(params: Result<Params>) -> (Code, Reason) {
        params
            .err()
            .map(|error| (error.code, error.reason))
            .unwrap()
    }

    #[test]
    fn only_what_a_flag_names_counts_in_a_window() {
        let Ok(Params::Envelope(read)) = whole(&window(0), Shape::Envelope) else {
            panic!("refused");
        };
        assert_eq!((read.opens, read.closes, read.gate), (None, None, None));
        assert_eq!(read.aad, b"row");
        let all = ck::CKF_ZEQ_OPENS | ck::CKF_ZEQ_CLOSES | ck::CKF_ZEQ_GATE;
        let Ok(Params::Envelope(read)) = whole(&window(all), Shape::Envelope) else {
            panic!("refused");
        };
        assert_eq!(read.opens, Some(0x0102));
        assert_eq!(read.closes, Some(Closes::At(0x0304)));
        assert_eq!(read.gate, Some((9_500, 500)));
    }

    #[test]
    fn unknown_flags_versions_and_gates_are_bad_parameters() {
        let bad = (Code::MechanismParamInvalid, Reason::BadParameters);
        let never_closes = ck::CKF_ZEQ_CLOSES | ck::CKF_ZEQ_NEVER;
        for flags in [16, CK_ULONG::MAX, never_closes] {
            assert_eq!(refused(whole(&window(flags), Shape::Envelope)), bad);
        }
        let newer = CK_ZEQ_ENVELOPE_PARAMS {
            ulVersion: 2,
            ..window(0)
        };
        assert_eq!(refused(whole(&newer, Shape::Envelope)), bad);
        let wide = CK_ZEQ_ENVELOPE_PARAMS {
            ulGateHigh: 10_001,
            ..window(ck::CKF_ZEQ_GATE)
        };
        assert_eq!(refused(whole(&wide, Shape::Envelope)), bad);
    }

    #[test]
    fn gcm_is_read_by_its_length() {
        let (iv, aad) = (
            b"0123456789ab".as_ptr().cast_mut(),
            b"aad".as_ptr().cast_mut(),
        );
        let short = GcmWithoutIvBits {
            iv,
            iv_len: 12,
            aad,
            aad_len: 3,
            tag_bits: 96,
        };
        let long = CK_GCM_PARAMS {
            pIv: iv,
            ulIvLen: 12,
            ulIvBits: 4_711,
            pAAD: aad,
            ulAADLen: 3,
            ulTagBits: 96,
        };
        let wrap = |generator| CK_GCM_WRAP_PARAMS {
            pIv: iv,
            ulIvLen: 12,
            ulIvFixedBits: 0,
            ivGenerator: generator,
            pAAD: aad,
            ulAADLen: 3,
            ulTagBits: 96,
        };
        let made_here = whole(&wrap(CKG_GENERATE_RANDOM), Shape::Gcm);
        assert_eq!(refused(made_here).0, Code::MechanismParamInvalid);
        let all = [
            whole(&short, Shape::Gcm),
            whole(&long, Shape::Gcm),
            whole(&wrap(CKG_NO_GENERATE), Shape::Gcm),
        ];
        for read in all {
            let Ok(Params::Gcm { iv, aad, tag_bits }) = read else {
                panic!("refused");
            };
            assert_eq!(
                (&*iv, &*aad, tag_bits),
                (&b"0123456789ab"[..], &b"aad"[..], 96)
            );
        }
        let cut = shaped(&long, size_of::<CK_GCM_PARAMS>() - 1, Shape::Gcm);
        assert_eq!(refused(cut).0, Code::MechanismParamInvalid);
    }

    #[test]
    fn a_structure_may_lie_at_any_address() {
        let mut memory = [0_u8; size_of::<CK_AES_CTR_PARAMS>() + 1];
        memory[1..9].copy_from_slice(&CK_ULONG::to_ne_bytes(32));
        let odd: &[u8; size_of::<CK_AES_CTR_PARAMS>()] = memory[1..].try_into().unwrap();
        let read = whole(odd, Shape::Ctr);
        assert!(matches!(read, Ok(Params::Ctr { bits: 32, block }) if block == [0; 16]));
    }

    #[test]
    fn null_inside_a_structure_is_an_invalid_parameter() {
        let oaep = CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: CKM_SHA256,
            mgf: CKG_MGF1_SHA256,
            source: CKZ_DATA_SPECIFIED,
            pSourceData: null_mut(),
            ulSourceDataLen: 1,
        };
        let wrap = CK_RSA_AES_KEY_WRAP_PARAMS {
            ulAESKeyBits: 256,
            pOAEPParams: null_mut(),
        };
        let huge = CK_EDDSA_PARAMS {
            phFlag: CK_FALSE,
            ulContextDataLen: CK_ULONG::MAX,
            pContextData: b"".as_ptr().cast_mut(),
        };
        for read in [
            whole(&oaep, Shape::Oaep),
            whole(&wrap, Shape::RsaAes),
            whole(&huge, Shape::Eddsa),
        ] {
            assert_eq!(refused(read).0, Code::MechanismParamInvalid);
        }
    }

    #[test]
    fn a_parameter_where_there_is_none_is_invalid_and_none_where_one_may_be_left_out_is_well() {
        assert_eq!(
            refused(whole(&0_u8, Shape::None)).0,
            Code::MechanismParamInvalid
        );
        for shape in [Shape::None, Shape::WrapIv, Shape::Eddsa] {
            assert!(matches!(shaped(&0_u8, 0, shape), Ok(Params::None)));
        }
        assert_eq!(
            refused(shaped(&0_u8, 0, Shape::Iv16)).0,
            Code::MechanismParamInvalid
        );
    }
}
