//! Every mechanism of the module, a line each.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use crate::ck::CKM_ZEQ_ENVELOPE;
use crate::mechanism::aes_block::AesBlock;
use crate::mechanism::aes_ctr::AesCtr;
use crate::mechanism::aes_gcm::AesGcm;
use crate::mechanism::aes_wrap::AesWrap;
use crate::mechanism::digest::Digesting;
use crate::mechanism::ec_keygen::{EcKeyGen, EdKeyGen};
use crate::mechanism::ecdh::Ecdh1;
use crate::mechanism::ecdsa::{Ecdsa, EcdsaWith};
use crate::mechanism::eddsa::Eddsa;
use crate::mechanism::envelope::Envelope;
use crate::mechanism::hkdf::Hkdf;
use crate::mechanism::keygen::KeyGen;
use crate::mechanism::mac::{AesCmac, HmacWith};
use crate::mechanism::rsa_aes_wrap::RsaAesWrap;
use crate::mechanism::rsa_keygen::RsaKeyGen;
use crate::mechanism::rsa_oaep::RsaOaep;
use crate::mechanism::rsa_pkcs1::{RsaPkcs, RsaPkcsWith, RsaX509};
use crate::mechanism::rsa_pss::{RsaPss, RsaPssWith};
use crate::mechanism::secret_key::LONGEST;
use crate::mechanism::{Hash, Line, Mechanism, Shape, rsa_key};

/// No key, or none whose size counts.
const NONE: (CK_ULONG, CK_ULONG) = (0, 0);
/// Bytes.
const AES: (CK_ULONG, CK_ULONG) = (16, 32);
/// Bytes of a key without a structure of its own.
const BYTES: (CK_ULONG, CK_ULONG) = (1, LONGEST as CK_ULONG);

/// Bits of the modulus.
const RSA: (CK_ULONG, CK_ULONG) = (
    *rsa_key::BITS.start() as CK_ULONG,
    *rsa_key::BITS.end() as CK_ULONG,
);
/// Bits of the field: P-256 to P-521.
const EC: (CK_ULONG, CK_ULONG) = (256, 521);
/// Ed25519's field has 255 bits, its keys 256: hosts look for either.
const EDWARDS: (CK_ULONG, CK_ULONG) = (255, 256);

const CRYPT: CK_FLAGS = CKF_ENCRYPT | CKF_DECRYPT;
const CIPHER: CK_FLAGS = CRYPT | CKF_WRAP | CKF_UNWRAP;
const MAC: CK_FLAGS = CKF_SIGN | CKF_VERIFY;
/// Which curves, how they are named and how points are written.
const CURVES: CK_FLAGS = CKF_EC_F_P | CKF_EC_OID | CKF_EC_CURVENAME | CKF_EC_UNCOMPRESS;

#[rustfmt::skip]
pub(super) static ALL: &[Line] = &[
    // The vendor's: keys and data in envelopes (docs/envelope.md); bytes of the KEK
    line(CKM_ZEQ_ENVELOPE, Shape::Envelope, (32, 32), CIPHER, &Envelope),
    // AES (PKCS#11 3.2, 6.13)
    line(CKM_AES_KEY_GEN, Shape::None, AES, CKF_GENERATE, &KeyGen { key_type: CKK_AES, otherwise: None }),
    line(CKM_AES_ECB, Shape::None, AES, CIPHER, &AesBlock::Ecb),
    line(CKM_AES_CBC, Shape::Iv16, AES, CIPHER, &AesBlock::Cbc),
    line(CKM_AES_CBC_PAD, Shape::Iv16, AES, CIPHER, &AesBlock::CbcPad),
    line(CKM_AES_CTR, Shape::Ctr, AES, CIPHER, &AesCtr),
    line(CKM_AES_GCM, Shape::Gcm, AES, CIPHER, &AesGcm),
    line(CKM_AES_KEY_WRAP, Shape::WrapIv, AES, CIPHER, &AesWrap::Kw),
    line(CKM_AES_KEY_WRAP_PAD, Shape::WrapIv, AES, CIPHER, &AesWrap::Kwp),
    line(CKM_AES_KEY_WRAP_KWP, Shape::WrapIv, AES, CIPHER, &AesWrap::Kwp),
    line(CKM_AES_CMAC, Shape::None, AES, MAC, &AesCmac),
    line(CKM_AES_CMAC_GENERAL, Shape::MacLength, AES, MAC, &AesCmac),
    // Generic secrets and HKDF (6.8, 6.63)
    line(CKM_GENERIC_SECRET_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_GENERIC_SECRET, otherwise: None }),
    line(CKM_HKDF_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_HKDF, otherwise: None }),
    line(CKM_HKDF_DERIVE, Shape::Hkdf, BYTES, CKF_DERIVE, &Hkdf),
    // RSA (6.1)
    line(CKM_RSA_PKCS_KEY_PAIR_GEN, Shape::None, (2048, 8192), CKF_GENERATE_KEY_PAIR, &RsaKeyGen),
    line(CKM_RSA_PKCS, Shape::None, RSA, CIPHER | MAC, &RsaPkcs),
    line(CKM_RSA_X_509, Shape::None, RSA, CRYPT | MAC, &RsaX509),
    line(CKM_RSA_PKCS_OAEP, Shape::Oaep, RSA, CIPHER, &RsaOaep),
    line(CKM_RSA_AES_KEY_WRAP, Shape::RsaAes, RSA, CKF_WRAP | CKF_UNWRAP, &RsaAesWrap),
    line(CKM_SHA1_RSA_PKCS, Shape::None, RSA, CKF_VERIFY, &RsaPkcsWith(Hash::Sha1)),
    line(CKM_SHA224_RSA_PKCS, Shape::None, RSA, MAC, &RsaPkcsWith(Hash::Sha224)),
    line(CKM_SHA256_RSA_PKCS, Shape::None, RSA, MAC, &RsaPkcsWith(Hash::Sha256)),
    line(CKM_SHA384_RSA_PKCS, Shape::None, RSA, MAC, &RsaPkcsWith(Hash::Sha384)),
    line(CKM_SHA512_RSA_PKCS, Shape::None, RSA, MAC, &RsaPkcsWith(Hash::Sha512)),
    line(CKM_RSA_PKCS_PSS, Shape::Pss, RSA, MAC, &RsaPss),
    line(CKM_SHA1_RSA_PKCS_PSS, Shape::Pss, RSA, CKF_VERIFY, &RsaPssWith(Hash::Sha1)),
    line(CKM_SHA224_RSA_PKCS_PSS, Shape::Pss, RSA, MAC, &RsaPssWith(Hash::Sha224)),
    line(CKM_SHA256_RSA_PKCS_PSS, Shape::Pss, RSA, MAC, &RsaPssWith(Hash::Sha256)),
    line(CKM_SHA384_RSA_PKCS_PSS, Shape::Pss, RSA, MAC, &RsaPssWith(Hash::Sha384)),
    line(CKM_SHA512_RSA_PKCS_PSS, Shape::Pss, RSA, MAC, &RsaPssWith(Hash::Sha512)),
    // Elliptic curves (6.3)
    line(CKM_EC_KEY_PAIR_GEN, Shape::None, EC, CKF_GENERATE_KEY_PAIR | CURVES, &EcKeyGen),
    line(CKM_ECDSA, Shape::None, EC, MAC | CURVES, &Ecdsa),
    line(CKM_ECDSA_SHA1, Shape::None, EC, CKF_VERIFY | CURVES, &EcdsaWith(Hash::Sha1)),
    line(CKM_ECDSA_SHA224, Shape::None, EC, MAC | CURVES, &EcdsaWith(Hash::Sha224)),
    line(CKM_ECDSA_SHA256, Shape::None, EC, MAC | CURVES, &EcdsaWith(Hash::Sha256)),
    line(CKM_ECDSA_SHA384, Shape::None, EC, MAC | CURVES, &EcdsaWith(Hash::Sha384)),
    line(CKM_ECDSA_SHA512, Shape::None, EC, MAC | CURVES, &EcdsaWith(Hash::Sha512)),
    line(CKM_ECDH1_DERIVE, Shape::Ecdh, EC, CKF_DERIVE | CURVES, &Ecdh1),
    line(CKM_ECDH1_COFACTOR_DERIVE, Shape::Ecdh, EC, CKF_DERIVE | CURVES, &Ecdh1),
    line(CKM_EC_EDWARDS_KEY_PAIR_GEN, Shape::None, EDWARDS, CKF_GENERATE_KEY_PAIR | CURVES, &EdKeyGen),
    line(CKM_EDDSA, Shape::Eddsa, EDWARDS, MAC | CURVES, &Eddsa),
    // SHA-1, SHA-2 and SHA-3 (6.20 to 6.27)
    line(CKM_SHA_1, Shape::None, NONE, CKF_DIGEST, &Digesting(Hash::Sha1)),
    line(CKM_SHA_1_HMAC, Shape::None, BYTES, MAC, &HmacWith(Hash::Sha1)),
    line(CKM_SHA_1_HMAC_GENERAL, Shape::MacLength, BYTES, MAC, &HmacWith(Hash::Sha1)),
    line(CKM_SHA_1_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_SHA_1_HMAC, otherwise: Some(20) }),
    line(CKM_SHA224, Shape::None, NONE, CKF_DIGEST, &Digesting(Hash::Sha224)),
    line(CKM_SHA224_HMAC, Shape::None, BYTES, MAC, &HmacWith(Hash::Sha224)),
    line(CKM_SHA224_HMAC_GENERAL, Shape::MacLength, BYTES, MAC, &HmacWith(Hash::Sha224)),
    line(CKM_SHA224_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_SHA224_HMAC, otherwise: Some(28) }),
    line(CKM_SHA256, Shape::None, NONE, CKF_DIGEST, &Digesting(Hash::Sha256)),
    line(CKM_SHA256_HMAC, Shape::None, BYTES, MAC, &HmacWith(Hash::Sha256)),
    line(CKM_SHA256_HMAC_GENERAL, Shape::MacLength, BYTES, MAC, &HmacWith(Hash::Sha256)),
    line(CKM_SHA256_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_SHA256_HMAC, otherwise: Some(32) }),
    line(CKM_SHA384, Shape::None, NONE, CKF_DIGEST, &Digesting(Hash::Sha384)),
    line(CKM_SHA384_HMAC, Shape::None, BYTES, MAC, &HmacWith(Hash::Sha384)),
    line(CKM_SHA384_HMAC_GENERAL, Shape::MacLength, BYTES, MAC, &HmacWith(Hash::Sha384)),
    line(CKM_SHA384_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_SHA384_HMAC, otherwise: Some(48) }),
    line(CKM_SHA512, Shape::None, NONE, CKF_DIGEST, &Digesting(Hash::Sha512)),
    line(CKM_SHA512_HMAC, Shape::None, BYTES, MAC, &HmacWith(Hash::Sha512)),
    line(CKM_SHA512_HMAC_GENERAL, Shape::MacLength, BYTES, MAC, &HmacWith(Hash::Sha512)),
    line(CKM_SHA512_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_SHA512_HMAC, otherwise: Some(64) }),
    line(CKM_SHA512_224, Shape::None, NONE, CKF_DIGEST, &Digesting(Hash::Sha512_224)),
    line(CKM_SHA512_224_HMAC, Shape::None, BYTES, MAC, &HmacWith(Hash::Sha512_224)),
    line(CKM_SHA512_224_HMAC_GENERAL, Shape::MacLength, BYTES, MAC, &HmacWith(Hash::Sha512_224)),
    line(CKM_SHA512_224_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_SHA512_224_HMAC, otherwise: Some(28) }),
    line(CKM_SHA512_256, Shape::None, NONE, CKF_DIGEST, &Digesting(Hash::Sha512_256)),
    line(CKM_SHA512_256_HMAC, Shape::None, BYTES, MAC, &HmacWith(Hash::Sha512_256)),
    line(CKM_SHA512_256_HMAC_GENERAL, Shape::MacLength, BYTES, MAC, &HmacWith(Hash::Sha512_256)),
    line(CKM_SHA512_256_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_SHA512_256_HMAC, otherwise: Some(32) }),
    line(CKM_SHA3_224, Shape::None, NONE, CKF_DIGEST, &Digesting(Hash::Sha3_224)),
    line(CKM_SHA3_224_HMAC, Shape::None, BYTES, MAC, &HmacWith(Hash::Sha3_224)),
    line(CKM_SHA3_224_HMAC_GENERAL, Shape::MacLength, BYTES, MAC, &HmacWith(Hash::Sha3_224)),
    line(CKM_SHA3_224_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_SHA3_224_HMAC, otherwise: Some(28) }),
    line(CKM_SHA3_256, Shape::None, NONE, CKF_DIGEST, &Digesting(Hash::Sha3_256)),
    line(CKM_SHA3_256_HMAC, Shape::None, BYTES, MAC, &HmacWith(Hash::Sha3_256)),
    line(CKM_SHA3_256_HMAC_GENERAL, Shape::MacLength, BYTES, MAC, &HmacWith(Hash::Sha3_256)),
    line(CKM_SHA3_256_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_SHA3_256_HMAC, otherwise: Some(32) }),
    line(CKM_SHA3_384, Shape::None, NONE, CKF_DIGEST, &Digesting(Hash::Sha3_384)),
    line(CKM_SHA3_384_HMAC, Shape::None, BYTES, MAC, &HmacWith(Hash::Sha3_384)),
    line(CKM_SHA3_384_HMAC_GENERAL, Shape::MacLength, BYTES, MAC, &HmacWith(Hash::Sha3_384)),
    line(CKM_SHA3_384_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_SHA3_384_HMAC, otherwise: Some(48) }),
    line(CKM_SHA3_512, Shape::None, NONE, CKF_DIGEST, &Digesting(Hash::Sha3_512)),
    line(CKM_SHA3_512_HMAC, Shape::None, BYTES, MAC, &HmacWith(Hash::Sha3_512)),
    line(CKM_SHA3_512_HMAC_GENERAL, Shape::MacLength, BYTES, MAC, &HmacWith(Hash::Sha3_512)),
    line(CKM_SHA3_512_KEY_GEN, Shape::None, BYTES, CKF_GENERATE, &KeyGen { key_type: CKK_SHA3_512_HMAC, otherwise: Some(64) }),
];

const fn line(
    kind: CK_MECHANISM_TYPE,
    shape: Shape,
    sizes: (CK_ULONG, CK_ULONG),
    flags: CK_FLAGS,
    does: &'static dyn Mechanism,
) -> Line {
    Line {
        kind,
        shape,
        sizes,
        flags,
        does,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_mechanism_has_two_lines() {
        let mut seen = HashSet::new();
        for line in ALL {
            assert!(seen.insert(line.kind), "{:#x}", line.kind);
        }
    }

    #[test]
    fn sizes_are_a_range_and_every_line_does_something() {
        for line in ALL {
            assert!(
                line.sizes.0 <= line.sizes.1 && line.flags != 0,
                "{:#x}",
                line.kind
            );
        }
    }
}
