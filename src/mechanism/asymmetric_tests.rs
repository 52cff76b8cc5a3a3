//! What the asymmetric mechanisms promise beyond their vectors: generated keys work in any parts,
//! serve several threads, and what is wrong has its one code.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::thread;

use cryptoki_sys::*;

use crate::error::{Code, Error, Result};
use crate::mechanism::vectors::{does, through};
use crate::mechanism::{Hash, Key, Line, NewKey, Params, Wanted, all, complete};

pub(super) const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
pub(super) const P384: &[u8] = b"\x06\x05\x2b\x81\x04\x00\x22";
pub(super) const P521: &[u8] = b"\x06\x05\x2b\x81\x04\x00\x23";
pub(super) const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";

pub(super) struct Pair {
    pub(super) public: NewKey,
    pub(super) private: NewKey,
}

impl Pair {
    pub(super) fn public(&self) -> &Key {
        self.public.key.as_ref().unwrap()
    }

    pub(super) fn private(&self) -> &Key {
        self.private.key.as_ref().unwrap()
    }
}

pub(super) fn generate(kind: CK_MECHANISM_TYPE, wanted: &Wanted) -> Result<Pair> {
    let (public, private) = does(kind).generate_pair(&Params::None, wanted)?;
    Ok(Pair { public, private })
}

pub(super) fn generate_rsa(bits: usize, exponent: &[u8]) -> Result<Pair> {
    let wanted = Wanted {
        modulus_bits: Some(bits),
        public_exponent: Some(exponent.to_vec()),
        ..Wanted::default()
    };
    generate(CKM_RSA_PKCS_KEY_PAIR_GEN, &wanted)
}

pub(super) fn rsa() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| generate_rsa(2048, &[1, 0, 1]).unwrap())
}

pub(super) fn on_curve(kind: CK_MECHANISM_TYPE, params: &[u8]) -> Result<Pair> {
    let wanted = Wanted {
        ec_params: Some(params.to_vec()),
        ..Wanted::default()
    };
    generate(kind, &wanted)
}

pub(super) fn ec(params: &[u8]) -> Pair {
    on_curve(CKM_EC_KEY_PAIR_GEN, params).unwrap()
}

pub(super) fn ed() -> Pair {
    on_curve(CKM_EC_EDWARDS_KEY_PAIR_GEN, ED25519).unwrap()
}

pub(super) fn code<T>(result: Result<T>) -> Code {
    result.err().map(|e: Error| e.code).unwrap()
}

fn pss(hash: Hash, mgf: Hash, salt: usize) -> Params {
    Params::Pss { hash, mgf, salt }
}

fn oaep(hash: Hash, label: &[u8]) -> Params {
    Params::Oaep {
        hash,
        mgf: Hash::Sha256,
        label: label.to_vec(),
    }
}

fn rsa_aes(aes_bits: CK_ULONG) -> Params {
    Params::RsaAes {
        aes_bits,
        hash: Hash::Sha256,
        mgf: Hash::Sha1,
        label: b"label".to_vec(),
    }
}

fn eddsa(prehash: bool, context: &[u8]) -> Params {
    Params::Eddsa {
        prehash,
        context: context.to_vec(),
    }
}

/// A parameter that the mechanism takes.
fn params(line: &Line) -> Params {
    match line.kind {
        CKM_SHA1_RSA_PKCS_PSS => pss(Hash::Sha1, Hash::Sha1, 20),
        CKM_SHA224_RSA_PKCS_PSS => pss(Hash::Sha224, Hash::Sha224, 28),
        CKM_SHA256_RSA_PKCS_PSS | CKM_RSA_PKCS_PSS => pss(Hash::Sha256, Hash::Sha384, 7),
        CKM_SHA384_RSA_PKCS_PSS => pss(Hash::Sha384, Hash::Sha3_256, 48),
        CKM_SHA512_RSA_PKCS_PSS => pss(Hash::Sha512, Hash::Sha512, 0),
        CKM_RSA_PKCS_OAEP => oaep(Hash::Sha256, b"label"),
        CKM_RSA_AES_KEY_WRAP => rsa_aes(256),
        _ => Params::None,
    }
}

/// The mechanisms of these files with a pair for each.
fn lines() -> Vec<(&'static Line, &'static Pair)> {
    static OTHERS: OnceLock<(Pair, Pair)> = OnceLock::new();
    let (p521, edwards) = OTHERS.get_or_init(|| (ec(P521), ed()));
    let pair = |line: &'static Line| match line.sizes {
        (1024, 8192) => Some((line, rsa())),
        (256, 521) => Some((line, p521)),
        (255, 256) => Some((line, edwards)),
        _ => None,
    };
    all().iter().filter_map(pair).collect()
}

fn signed(line: &Line, key: &Key, parts: &[&[u8]]) -> Result<Vec<u8>> {
    let mut sign = line.does.sign(key, &params(line))?;
    let mut out = vec![0; sign.len()];
    let len = match parts {
        [whole] => sign.whole(whole, &mut out)?,
        parts => {
            parts.iter().try_for_each(|part| sign.update(part))?;
            sign.finish(&mut out)?
        }
    };
    assert_eq!(len, out.len());
    Ok(out)
}

fn verified(line: &Line, key: &Key, data: &[u8], signature: &[u8]) -> Result<()> {
    let mut verify = line.does.verify(key, &params(line))?;
    verify.whole(data, signature)?;
    let mut verify = line.does.verify(key, &params(line))?;
    data.chunks(9).try_for_each(|part| verify.update(part))?;
    verify.finish(signature)
}

#[test]
fn what_a_generated_key_signs_verifies_in_any_parts_and_nothing_else_does() {
    let data = [0x5a; 32];
    let mut seen = 0;
    for (line, pair) in lines() {
        if line.flags & CKF_SIGN == 0 {
            continue;
        }
        seen += 1;
        for parts in [vec![&data[..]], data.chunks(5).collect()] {
            let mut signature = signed(line, pair.private(), &parts).unwrap();
            verified(line, pair.public(), &data, &signature).unwrap();
            let short = verified(line, pair.public(), &data, &signature[1..]);
            assert_eq!(code(short), Code::SignatureLenRange);
            let mut other = data;
            other[0] ^= 1;
            let answer = verified(line, pair.public(), &other, &signature);
            assert_eq!(code(answer), Code::SignatureInvalid);
            *signature.last_mut().unwrap() ^= 1;
            let answer = verified(line, pair.public(), &data, &signature);
            assert_eq!(code(answer), Code::SignatureInvalid);
        }
    }
    assert_eq!(seen, 17);
}

#[test]
fn lines_do_what_their_flags_say() {
    for (line, pair) in lines() {
        let (does, params) = (line.does, params(line));
        let (public, private) = (pair.public(), pair.private());
        let wrap = does.wrap(public, &params, &[1; 32]);
        let unwrap = does.unwrap(private, &params, &[]);
        let unwrap = unwrap.is_err_and(|e| e.code != Code::MechanismInvalid);
        for (flag, can) in [
            (CKF_ENCRYPT, does.encrypt(public, &params).is_ok()),
            (CKF_DECRYPT, does.decrypt(private, &params).is_ok()),
            (CKF_SIGN, does.sign(private, &params).is_ok()),
            (CKF_VERIFY, does.verify(public, &params).is_ok()),
            (CKF_WRAP, wrap.is_ok()),
            (CKF_UNWRAP, unwrap),
        ] {
            assert_eq!(line.flags & flag != 0, can, "{:#x} {flag:#x}", line.kind);
        }
    }
}

#[test]
fn a_public_key_signs_and_decrypts_nothing() {
    let inconsistent = Code::KeyTypeInconsistent;
    for (line, pair) in lines() {
        let (does, params) = (line.does, params(line));
        if line.flags & CKF_SIGN != 0 {
            assert_eq!(code(does.sign(pair.public(), &params)), inconsistent);
        }
        if line.flags & CKF_DECRYPT != 0 {
            assert_eq!(code(does.decrypt(pair.public(), &params)), inconsistent);
        }
        if line.flags & CKF_UNWRAP != 0 {
            let answer = code(does.unwrap(pair.public(), &params, &[0; 300]));
            assert_eq!(answer, Code::UnwrappingKeyTypeInconsistent);
        }
    }
    assert_eq!(code(ed().public().to_pkcs8()), inconsistent);
    assert_eq!(code(rsa().public().to_pkcs8()), inconsistent);
}

#[test]
fn sha1_signatures_are_never_made() {
    let raw = pss(Hash::Sha1, Hash::Sha1, 20);
    let answer = code(does(CKM_RSA_PKCS_PSS).sign(rsa().private(), &raw));
    assert_eq!(answer, Code::MechanismParamInvalid);
    assert!(does(CKM_RSA_PKCS_PSS).verify(rsa().public(), &raw).is_ok());
    for (kind, pair) in [(CKM_SHA1_RSA_PKCS, rsa()), (CKM_ECDSA_SHA1, &ec(P256))] {
        let answer = code(does(kind).sign(pair.private(), &Params::None));
        assert_eq!(answer, Code::MechanismInvalid);
    }
}

pub(super) fn import(
    class: CK_OBJECT_CLASS,
    key_type: CK_KEY_TYPE,
    params: &[u8],
    (kind, bytes): (CK_ATTRIBUTE_TYPE, &[u8]),
    info: Option<&[u8]>,
) -> Result<NewKey> {
    complete(class, key_type, &|each| match each {
        CKA_EC_PARAMS => Some(params),
        CKA_PUBLIC_KEY_INFO => info,
        _ => (each == kind).then_some(bytes),
    })
}

#[test]
fn both_sides_agree_and_the_kdf_is_x963() {
    let (alice, bob) = (ec(P384), ec(P384));
    let derive = |mine: &Pair, theirs: &Pair, kdf, shared: &[u8], value_len| {
        let params = Params::Ecdh {
            kdf,
            shared: shared.to_vec(),
            public: theirs.public.public[1].1.clone(),
        };
        let wanted = Wanted {
            value_len,
            ..Wanted::default()
        };
        does(CKM_ECDH1_DERIVE).derive(mine.private(), &params, &wanted, None)
    };
    let whole = derive(&alice, &bob, None, b"", None).unwrap();
    assert_eq!(whole.len(), 48);
    assert!(whole.is(derive(&bob, &alice, None, b"", None).unwrap().expose()));
    let tail = derive(&alice, &bob, None, b"", Some(32)).unwrap();
    assert!(tail.is(&whole.expose()[16..]));

    let keyed = derive(&alice, &bob, Some(Hash::Sha256), b"info", Some(40)).unwrap();
    let block = |n| crate::lc::digest::sha256(&[whole.expose(), &[0, 0, 0, n], b"info"]);
    assert!(keyed.is(&[&block(1)[..], &block(2)[..8]].concat()));
    let default = derive(&alice, &bob, Some(Hash::Sha256), b"info", None).unwrap();
    assert!(default.is(&block(1)));

    let too_long = derive(&alice, &bob, None, b"", Some(49));
    assert_eq!(code(too_long), Code::KeySizeRange);
    let nothing = derive(&alice, &bob, None, b"", Some(0));
    assert_eq!(code(nothing), Code::KeySizeRange);
    let huge = derive(&alice, &bob, Some(Hash::Sha256), b"", Some(usize::MAX));
    assert_eq!(code(huge), Code::KeySizeRange);
    let shared = derive(&alice, &bob, None, b"info", None);
    assert_eq!(code(shared), Code::MechanismParamInvalid);
    let other_curve = derive(&alice, &ec(P256), None, b"", None);
    assert_eq!(code(other_curve), Code::MechanismParamInvalid);
}

/// RFC 8032, 7.1 to 7.3, the key of each first test.
#[test]
fn ed25519_with_context_and_pre_hashed_give_the_published_signatures() {
    let sign = |seed: &str, params: &Params, message: &[u8]| {
        let seed = unhex(seed);
        let value = (CKA_VALUE, &seed[..]);
        let key = import(CKO_PRIVATE_KEY, CKK_EC_EDWARDS, ED25519, value, None).unwrap();
        let key = key.key.unwrap();
        let mut sign = does(CKM_EDDSA).sign(&key, params).unwrap();
        let mut out = vec![0; sign.len()];
        message
            .iter()
            .for_each(|byte| sign.update(&[*byte]).unwrap());
        sign.finish(&mut out).unwrap();
        let mut verify = does(CKM_EDDSA).verify(&key, params).unwrap();
        verify.whole(message, &out).unwrap();
        out
    };
    let pure = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let expected = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
    assert_eq!(sign(pure, &Params::None, b""), unhex(expected));
    assert_eq!(sign(pure, &eddsa(false, b""), b""), unhex(expected));
    let seed = "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6";
    let message = unhex("f726936d19c800494e3fdaff20b276a8");
    let expected = "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d";
    assert_eq!(sign(seed, &eddsa(false, b"foo"), &message), unhex(expected));
    let seed = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42";
    let expected = "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406";
    assert_eq!(sign(seed, &eddsa(true, b""), b"abc"), unhex(expected));
    let long = eddsa(true, &[0; 256]);
    let answer = code(does(CKM_EDDSA).sign(ed().private(), &long));
    assert_eq!(answer, Code::MechanismParamInvalid);
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

#[test]
fn a_longer_digest_counts_by_its_leftmost_bits() {
    let pair = ec(P256);
    let ecdsa = does(CKM_ECDSA);
    let digest: Vec<u8> = (0..100).collect();
    let mut sign = ecdsa.sign(pair.private(), &Params::None).unwrap();
    let mut signature = vec![0; sign.len()];
    sign.whole(&digest, &mut signature).unwrap();
    let verify = |data: &[u8]| {
        let mut verify = ecdsa.verify(pair.public(), &Params::None).unwrap();
        verify.whole(data, &signature)
    };
    assert!(verify(&digest[..32]).is_ok());
    assert!(verify(&digest[..40]).is_ok());
    assert_eq!(code(verify(&digest[..31])), Code::SignatureInvalid);
    assert_eq!(code(verify(&[])), Code::DataLenRange);
}

#[test]
fn encrypted_data_come_back_in_any_parts() {
    let (public, private) = (rsa().public(), rsa().private());
    for (line, _) in lines() {
        if line.flags & CKF_ENCRYPT == 0 {
            continue;
        }
        let params = params(line);
        for len in [1, 16, 190, 245] {
            let most = if line.kind == CKM_RSA_PKCS_OAEP {
                190
            } else {
                245
            };
            let plain = vec![0x77; len.min(most)];
            let mut encrypt = line.does.encrypt(public, &params).unwrap();
            let mut sealed = vec![0; encrypt.whole_len(plain.len())];
            assert_eq!(encrypt.whole(&plain, &mut sealed).unwrap(), 256);
            let opened = through(&|| line.does.decrypt(private, &params), &sealed).unwrap();
            assert!(opened.ends_with(&plain));
            let front = opened.len() - plain.len();
            assert!(line.kind == CKM_RSA_X_509 || front == 0);
        }
        let mut encrypt = line.does.encrypt(public, &params).unwrap();
        assert_eq!(code(encrypt.update(&[1; 257], &mut [])), Code::DataLenRange);
        let mut encrypt = line.does.encrypt(public, &params).unwrap();
        let answer = code(encrypt.whole(&[1; 257], &mut [0; 256]));
        assert_eq!(answer, Code::DataLenRange);
    }
}

#[test]
fn bare_numbers_out_of_range_are_refused() {
    let x509 = does(CKM_RSA_X_509);
    let n = &rsa().public.public[0].1;
    for bad in [&[0][..], &[1], n, &[0xff; 256]] {
        let mut sign = x509.sign(rsa().private(), &Params::None).unwrap();
        assert_eq!(code(sign.whole(bad, &mut [0; 256])), Code::DataInvalid);
    }
    let mut decrypt = x509.decrypt(rsa().private(), &Params::None).unwrap();
    let answer = code(decrypt.whole(n, &mut [0; 256]));
    assert_eq!(answer, Code::EncryptedDataInvalid);
}

#[test]
fn what_rsa_wraps_it_unwraps_and_whatever_is_wrong_inside_has_one_code() {
    let (public, private) = (rsa().public(), rsa().private());
    for (kind, params) in [
        (CKM_RSA_PKCS, Params::None),
        (CKM_RSA_PKCS_OAEP, oaep(Hash::Sha384, b"")),
        (CKM_RSA_AES_KEY_WRAP, rsa_aes(128)),
        (CKM_RSA_AES_KEY_WRAP, rsa_aes(256)),
    ] {
        let does = does(kind);
        for plain in [&[1; 16][..], &[2; 33], &[3; 64]] {
            let wrapped = does.wrap(public, &params, plain).unwrap();
            let said = does.wrapped_len(public, &params, plain.len()).unwrap();
            assert_eq!(wrapped.len(), said);
            let back = does.unwrap(private, &params, &wrapped).unwrap();
            assert!(back.is(plain));
            for at in (1..wrapped.len()).step_by(50) {
                let mut damaged = wrapped.clone();
                damaged[at] ^= 0x55;
                let answer = code(does.unwrap(private, &params, &damaged));
                assert_eq!(answer, Code::WrappedKeyInvalid);
            }
            let cut = code(does.unwrap(private, &params, &wrapped[1..]));
            assert_eq!(cut, Code::WrappedKeyLenRange);
        }
    }
    let big = does(CKM_RSA_PKCS).wrap(public, &Params::None, &[0; 246]);
    assert_eq!(code(big), Code::KeySizeRange);
    let pkcs8 = ec(P521).private().to_pkcs8().unwrap();
    let wrapped = does(CKM_RSA_AES_KEY_WRAP).wrap(public, &rsa_aes(192), pkcs8.expose());
    let wrapped = wrapped.unwrap();
    let back = does(CKM_RSA_AES_KEY_WRAP).unwrap(private, &rsa_aes(192), &wrapped);
    assert!(back.unwrap().is(pkcs8.expose()));
    let bad = does(CKM_RSA_AES_KEY_WRAP).wrap(public, &rsa_aes(129), &[1; 16]);
    assert_eq!(code(bad), Code::MechanismParamInvalid);
}

#[test]
fn pss_parameters_must_fit_the_key_and_the_mechanism() {
    let bad = Code::MechanismParamInvalid;
    let key = rsa().private();
    let sign = |kind, params| does(kind).sign(key, &params);
    assert!(sign(CKM_RSA_PKCS_PSS, pss(Hash::Sha256, Hash::Sha256, 222)).is_ok());
    for salt in [223, 65_536, usize::MAX] {
        let answer = sign(CKM_RSA_PKCS_PSS, pss(Hash::Sha256, Hash::Sha256, salt));
        assert_eq!(code(answer), bad);
    }
    let other_hash = pss(Hash::Sha384, Hash::Sha384, 48);
    assert_eq!(code(sign(CKM_SHA256_RSA_PKCS_PSS, other_hash)), bad);
    assert_eq!(code(sign(CKM_SHA256_RSA_PKCS_PSS, Params::None)), bad);
    let mut raw = sign(CKM_RSA_PKCS_PSS, pss(Hash::Sha256, Hash::Sha256, 32)).unwrap();
    assert_eq!(code(raw.whole(&[0; 31], &mut [0; 256])), Code::DataLenRange);
}

#[test]
fn one_key_serves_several_threads_at_once() {
    let (p256, edwards) = (ec(P256), ed());
    let cases = [
        (CKM_SHA256_RSA_PKCS, rsa()),
        (CKM_ECDSA_SHA256, &p256),
        (CKM_EDDSA, &edwards),
    ];
    thread::scope(|scope| {
        for (kind, pair) in cases.into_iter().cycle().take(12) {
            scope.spawn(move || {
                for round in 0..20 {
                    let line = crate::mechanism::find(kind).unwrap();
                    let signature = signed(line, pair.private(), &[&[round; 50]]).unwrap();
                    verified(line, pair.public(), &[round; 50], &signature).unwrap();
                }
            });
        }
    });
}

#[test]
fn an_operation_goes_on_when_its_key_is_gone() {
    let pair = ec(P384);
    let (public, private) = (pair.public.key.unwrap(), pair.private.key.unwrap());
    let mut sign = does(CKM_ECDSA_SHA384)
        .sign(&private, &Params::None)
        .unwrap();
    let mut verify = does(CKM_ECDSA_SHA384)
        .verify(&public, &Params::None)
        .unwrap();
    drop((public, private));
    let mut signature = vec![0; sign.len()];
    sign.whole(b"data", &mut signature).unwrap();
    verify.whole(b"data", &signature).unwrap();
}
