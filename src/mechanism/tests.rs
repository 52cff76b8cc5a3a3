//! What the symmetric mechanisms promise beyond their vectors: parts and wholes agree, what is wrong
//! has its one code, and keys and parameters are checked.
#![forbid(unsafe_code)]

use cryptoki_sys::*;
use proptest::prelude::*;

use crate::error::{Code, Error, Result};
use crate::mechanism::params::Salt;
use crate::mechanism::{Cipher, Hash, Key, Mechanism, Params, SecretKey, Shape, Wanted, all, find};
use crate::secret::Secret;

fn does(kind: CK_MECHANISM_TYPE) -> &'static dyn Mechanism {
    find(kind).unwrap().does
}

fn key(key_type: CK_KEY_TYPE, len: usize) -> Key {
    let value: Vec<u8> = (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let value = Secret::copy(&value).unwrap();
    SecretKey::new(key_type, value).map(Key::Secret).unwrap()
}

fn aes() -> Key {
    key(CKK_AES, 32)
}

fn iv() -> Params {
    Params::Iv(vec![9; 16])
}

fn ctr(bits: CK_ULONG, last: u8) -> Params {
    let mut block = [0xff; 16];
    block[15] = last;
    Params::Ctr { bits, block }
}

fn gcm(iv: usize, tag_bits: CK_ULONG) -> Params {
    Params::Gcm {
        iv: vec![5; iv],
        aad: b"aad".to_vec(),
        tag_bits,
    }
}

fn code<T>(result: Result<T>) -> Code {
    result.err().map(|e: Error| e.code).unwrap()
}

/// The ciphers, each with parameters, and whether it takes whole blocks only.
fn ciphers() -> Vec<(CK_MECHANISM_TYPE, Params, bool)> {
    vec![
        (CKM_AES_ECB, Params::None, true),
        (CKM_AES_CBC, iv(), true),
        (CKM_AES_CBC_PAD, iv(), false),
        (CKM_AES_CTR, ctr(128, 0xff), false),
        (CKM_AES_GCM, gcm(12, 128), false),
        (CKM_AES_GCM, gcm(16, 96), false),
        (CKM_AES_GCM, gcm(1, 32), false),
        (CKM_AES_KEY_WRAP_KWP, Params::None, false),
        (CKM_AES_KEY_WRAP_PAD, Params::Iv(b"zeqq".to_vec()), false),
    ]
}

fn whole(mut cipher: Box<dyn Cipher>, input: &[u8]) -> Result<Vec<u8>> {
    let mut out = vec![0; cipher.whole_len(input.len())];
    let len = cipher.whole(input, &mut out)?;
    out.truncate(len);
    Ok(out)
}

/// Cuts the input where `cuts` says; every answer must fit what the cipher said before.
fn parts(mut cipher: Box<dyn Cipher>, input: &[u8], cuts: &[usize]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for part in pieces(input, cuts) {
        let mut room = vec![0; cipher.update_len(part.len())];
        let len = cipher.update(part, &mut room)?;
        out.extend_from_slice(&room[..len]);
    }
    let mut room = vec![0; cipher.finish_len()];
    let len = cipher.finish(&mut room)?;
    out.extend_from_slice(&room[..len]);
    Ok(out)
}

fn pieces<'a>(input: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    at.extend([0, input.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn a_cipher_gives_the_same_in_any_parts_and_opens_it_again(
        input in proptest::collection::vec(any::<u8>(), 1..400),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
    ) {
        for (kind, params, blocks) in ciphers() {
            let (does, key) = (does(kind), aes());
            let mut plain = input.clone();
            if blocks {
                plain.truncate(plain.len() / 16 * 16);
            }
            let sealed = whole(does.encrypt(&key, &params).unwrap(), &plain).unwrap();
            let again = parts(does.encrypt(&key, &params).unwrap(), &plain, &cuts).unwrap();
            prop_assert_eq!(&again, &sealed, "{:#x}", kind);
            let opened = whole(does.decrypt(&key, &params).unwrap(), &sealed).unwrap();
            prop_assert_eq!(&opened, &plain, "{:#x}", kind);
            let opened = parts(does.decrypt(&key, &params).unwrap(), &sealed, &cuts).unwrap();
            prop_assert_eq!(&opened, &plain, "{:#x}", kind);
        }
    }

    #[test]
    fn a_mac_is_the_same_in_any_parts_and_verifies(
        input in proptest::collection::vec(any::<u8>(), 0..400),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
    ) {
        for line in all().iter().filter(|line| line.flags & CKF_VERIFY != 0) {
            let key = match line.kind {
                CKM_AES_CMAC | CKM_AES_CMAC_GENERAL => aes(),
                _ if is_hmac(line.kind) => key(CKK_GENERIC_SECRET, 40),
                _ => continue,
            };
            let params = match line.shape == Shape::MacLength {
                true => Params::MacLength(11),
                false => Params::None,
            };
            let mut sign = line.does.sign(&key, &params).unwrap();
            let mut mac = vec![0; sign.len()];
            prop_assert_eq!(sign.whole(&input, &mut mac).unwrap(), mac.len());

            let mut verify = line.does.verify(&key, &params).unwrap();
            for part in pieces(&input, &cuts) {
                verify.update(part).unwrap();
            }
            verify.finish(&mac).unwrap();

            let mut verify = line.does.verify(&key, &params).unwrap();
            mac[0] ^= 1;
            prop_assert_eq!(code(verify.whole(&input, &mac)), Code::SignatureInvalid);
            let mut verify = line.does.verify(&key, &params).unwrap();
            prop_assert_eq!(code(verify.whole(&input, &mac[1..])), Code::SignatureLenRange);
        }
    }

    #[test]
    fn a_digest_is_the_same_in_any_parts(
        input in proptest::collection::vec(any::<u8>(), 0..400),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
    ) {
        for line in all().iter().filter(|line| line.flags & CKF_DIGEST != 0) {
            let digest = |parts: Vec<&[u8]>| {
                let mut digest = line.does.digest(&Params::None).unwrap();
                parts.iter().for_each(|part| digest.update(part).unwrap());
                let mut out = vec![0; digest.len()];
                assert_eq!(digest.finish(&mut out).unwrap(), out.len());
                out
            };
            prop_assert_eq!(digest(vec![&input]), digest(pieces(&input, &cuts)));
        }
    }
}

fn is_hmac(kind: CK_MECHANISM_TYPE) -> bool {
    does(kind)
        .sign(&key(CKK_GENERIC_SECRET, 40), &Params::None)
        .is_ok()
}

#[test]
fn lines_do_what_their_flags_say() {
    let params = [
        Params::None,
        iv(),
        ctr(64, 0),
        gcm(12, 128),
        Params::MacLength(8),
    ];
    let any = |f: &dyn Fn(&Params) -> bool| params.iter().any(f);
    for line in all().iter().filter(|line| line.sizes == (16, 32)) {
        let (does, key) = (line.does, aes());
        for (flag, can) in [
            (CKF_ENCRYPT, any(&|p| does.encrypt(&key, p).is_ok())),
            (CKF_DECRYPT, any(&|p| does.decrypt(&key, p).is_ok())),
            (CKF_WRAP, any(&|p| does.wrap(&key, p, &[1; 32]).is_ok())),
            (CKF_SIGN, any(&|p| does.sign(&key, p).is_ok())),
            (CKF_VERIFY, any(&|p| does.verify(&key, p).is_ok())),
        ] {
            assert_eq!(line.flags & flag != 0, can, "{:#x} {flag:#x}", line.kind);
        }
    }
}

#[test]
fn input_that_is_no_whole_blocks_is_refused_by_its_length() {
    for (kind, params) in [(CKM_AES_ECB, Params::None), (CKM_AES_CBC, iv())] {
        let encrypt = does(kind).encrypt(&aes(), &params).unwrap();
        assert_eq!(code(whole(encrypt, &[0; 17])), Code::DataLenRange);
        let decrypt = does(kind).decrypt(&aes(), &params).unwrap();
        assert_eq!(code(whole(decrypt, &[0; 17])), Code::EncryptedDataLenRange);
    }
    for len in [0, 1, 15, 17] {
        let decrypt = does(CKM_AES_CBC_PAD).decrypt(&aes(), &iv()).unwrap();
        assert_eq!(
            code(whole(decrypt, &vec![0; len])),
            Code::EncryptedDataLenRange
        );
    }
}

#[test]
fn a_short_counter_stops_before_it_comes_round() {
    let run = |bits, last, len| {
        whole(
            does(CKM_AES_CTR).encrypt(&aes(), &ctr(bits, last)).unwrap(),
            &vec![0; len],
        )
    };
    assert!(run(8, 0xfe, 32).is_ok());
    assert_eq!(code(run(8, 0xfe, 33)), Code::DataLenRange);
    assert!(run(1, 0xff, 16).is_ok());
    assert_eq!(code(run(1, 0xff, 17)), Code::DataLenRange);
    assert!(run(128, 0xff, 64).is_ok());
    let mut decrypt = does(CKM_AES_CTR).decrypt(&aes(), &ctr(8, 0xff)).unwrap();
    assert_eq!(decrypt.update(&[0; 16], &mut [0; 16]).unwrap(), 16);
    assert_eq!(
        code(decrypt.update(&[0], &mut [0])),
        Code::EncryptedDataLenRange
    );
}

#[test]
fn parameters_that_cannot_be_are_refused() {
    let bad = Code::MechanismParamInvalid;
    let encrypt = |kind, params: Params| code(does(kind).encrypt(&aes(), &params));
    assert_eq!(encrypt(CKM_AES_CBC, Params::Iv(vec![0; 15])), bad);
    assert_eq!(encrypt(CKM_AES_CBC, Params::None), bad);
    assert_eq!(encrypt(CKM_AES_CTR, ctr(0, 0)), bad);
    assert_eq!(encrypt(CKM_AES_CTR, ctr(129, 0)), bad);
    assert_eq!(encrypt(CKM_AES_GCM, gcm(0, 128)), bad);
    for tag_bits in [0, 8, 24, 31, 33, 100, 136, CK_ULONG::MAX] {
        assert_eq!(encrypt(CKM_AES_GCM, gcm(12, tag_bits)), bad, "{tag_bits}");
    }
    assert_eq!(encrypt(CKM_AES_KEY_WRAP, Params::Iv(vec![0; 4])), bad);
    assert_eq!(encrypt(CKM_AES_KEY_WRAP_KWP, Params::Iv(vec![0; 8])), bad);
    let sign = |kind, key: &Key, len| code(does(kind).sign(key, &Params::MacLength(len)));
    assert_eq!(sign(CKM_AES_CMAC_GENERAL, &aes(), 17), bad);
    assert_eq!(sign(CKM_AES_CMAC_GENERAL, &aes(), 0), bad);
    assert_eq!(
        sign(CKM_SHA256_HMAC_GENERAL, &key(CKK_GENERIC_SECRET, 1), 33),
        bad
    );
}

#[test]
fn keys_of_another_type_are_refused() {
    let (generic, plain) = (key(CKK_GENERIC_SECRET, 32), [0; 32]);
    for (kind, params, _) in ciphers() {
        let does = does(kind);
        assert_eq!(
            code(does.encrypt(&generic, &params)),
            Code::KeyTypeInconsistent
        );
        assert_eq!(
            code(does.decrypt(&generic, &params)),
            Code::KeyTypeInconsistent
        );
        let wrap = code(does.wrap(&generic, &params, &plain));
        assert_eq!(wrap, Code::WrappingKeyTypeInconsistent);
        let unwrap = code(does.unwrap(&generic, &params, &plain));
        assert_eq!(unwrap, Code::UnwrappingKeyTypeInconsistent);
    }
}

#[test]
fn what_was_wrapped_unwraps_and_is_as_long_as_was_said() {
    let mut all = ciphers();
    all.push((CKM_AES_KEY_WRAP, Params::None, false));
    all.push((CKM_AES_KEY_WRAP, Params::Iv(vec![3; 8]), false));
    for (kind, params, _) in all {
        for len in [16, 24, 32, 72] {
            let plain = vec![0x5a; len];
            let wrapped = does(kind).wrap(&aes(), &params, &plain).unwrap();
            let said = does(kind).wrapped_len(&aes(), &params, len).unwrap();
            assert_eq!(wrapped.len(), said, "{kind:#x}");
            let back = does(kind).unwrap(&aes(), &params, &wrapped).unwrap();
            assert_eq!(back.expose()[..len], plain, "{kind:#x}");
            assert!(back.expose()[len..].iter().all(|b| *b == 0));
        }
    }
}

#[test]
fn whatever_is_wrong_inside_a_wrapped_key_has_one_code() {
    for (kind, params) in [
        (CKM_AES_CBC_PAD, iv()),
        (CKM_AES_GCM, gcm(12, 128)),
        (CKM_AES_KEY_WRAP, Params::None),
        (CKM_AES_KEY_WRAP_PAD, Params::None),
        (CKM_AES_KEY_WRAP_KWP, Params::Iv(b"zeqq".to_vec())),
    ] {
        let wrapped = does(kind).wrap(&aes(), &params, &[1; 32]).unwrap();
        for at in wrapped.len() - 16..wrapped.len() {
            let mut damaged = wrapped.clone();
            damaged[at] ^= 0x55;
            let answer = does(kind).unwrap(&aes(), &params, &damaged);
            assert_eq!(code(answer), Code::WrappedKeyInvalid, "{kind:#x} {at}");
        }
        let cut = does(kind).unwrap(&aes(), &params, &wrapped[..7]);
        assert_eq!(code(cut), Code::WrappedKeyLenRange, "{kind:#x}");
    }
}

#[test]
fn keys_that_key_wrap_cannot_take_are_refused_before_work_is_done() {
    for len in [0, 8, 17, 33] {
        let wrap = does(CKM_AES_KEY_WRAP).wrap(&aes(), &Params::None, &vec![0; len]);
        assert_eq!(code(wrap), Code::KeySizeRange);
        let said = does(CKM_AES_KEY_WRAP).wrapped_len(&aes(), &Params::None, len);
        assert_eq!(code(said), Code::KeySizeRange);
        let data = does(CKM_AES_KEY_WRAP)
            .encrypt(&aes(), &Params::None)
            .unwrap();
        assert_eq!(code(whole(data, &vec![0; len])), Code::DataLenRange);
    }
}

/// RFC 3394 and RFC 5649 as SoftHSM and OpenSSL make them: 40 bytes for 32 (rule 38).
#[test]
fn the_padded_wrap_of_32_bytes_has_40() {
    for kind in [CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_KWP] {
        assert_eq!(
            does(kind).wrapped_len(&aes(), &Params::None, 32).unwrap(),
            40
        );
    }
}

#[test]
fn a_gcm_decryption_gives_nothing_before_its_tag_was_checked() {
    let params = gcm(12, 128);
    let mut sealed = whole(
        does(CKM_AES_GCM).encrypt(&aes(), &params).unwrap(),
        &[7; 100],
    )
    .unwrap();
    sealed[0] ^= 1;
    let mut opening = does(CKM_AES_GCM).decrypt(&aes(), &params).unwrap();
    assert_eq!(opening.update(&sealed, &mut []).unwrap(), 0);
    let mut out = vec![1; opening.finish_len()];
    assert_eq!(code(opening.finish(&mut out)), Code::EncryptedDataInvalid);
    assert_eq!(out, vec![0; 100]);
    let short = does(CKM_AES_GCM).decrypt(&aes(), &params).unwrap();
    assert_eq!(
        code(whole(short, &sealed[..15])),
        Code::EncryptedDataLenRange
    );
}

fn hkdf(extract: bool, expand: bool, salt: Salt) -> Params {
    Params::Hkdf {
        extract,
        expand,
        hash: Hash::Sha256,
        salt,
        info: b"info".to_vec(),
    }
}

fn derive(key: &Key, params: &Params, len: Option<usize>, salt: Option<&Key>) -> Result<Secret> {
    let wanted = Wanted {
        value_len: len,
        ..Wanted::default()
    };
    does(CKM_HKDF_DERIVE).derive(key, params, &wanted, salt)
}

#[test]
fn extract_then_expand_is_both_at_once() {
    let ikm = key(CKK_HKDF, 22);
    let salt = || Salt::Bytes(b"salt".to_vec());
    let prk = derive(&ikm, &hkdf(true, false, salt()), None, None).unwrap();
    assert_eq!(prk.len(), 32);
    let prk = Key::Secret(SecretKey::new(CKK_HKDF, prk).unwrap());
    let two = derive(&prk, &hkdf(false, true, Salt::Null), Some(77), None).unwrap();
    let one = derive(&ikm, &hkdf(true, true, salt()), Some(77), None).unwrap();
    assert!(one.is(two.expose()));
}

#[test]
fn a_salt_from_a_key_is_that_keys_value() {
    let (ikm, salt) = (key(CKK_GENERIC_SECRET, 22), key(CKK_GENERIC_SECRET, 9));
    let bytes = Salt::Bytes(salt.value().unwrap().expose().to_vec());
    let given = derive(&ikm, &hkdf(true, true, bytes), None, None).unwrap();
    let named = derive(&ikm, &hkdf(true, true, Salt::Key(1)), None, Some(&salt)).unwrap();
    assert!(given.is(named.expose()));
    let missing = derive(&ikm, &hkdf(true, true, Salt::Key(1)), None, None);
    assert_eq!(code(missing), Code::KeyHandleInvalid);
    let zeroes = Salt::Bytes(vec![0; 32]);
    let none = derive(&ikm, &hkdf(true, true, Salt::Null), None, None).unwrap();
    assert!(
        none.is(derive(&ikm, &hkdf(true, true, zeroes), None, None)
            .unwrap()
            .expose())
    );
}

#[test]
fn derivations_that_make_no_sense_are_refused() {
    let ikm = key(CKK_HKDF, 31);
    let null = |extract, expand| hkdf(extract, expand, Salt::Null);
    assert_eq!(
        code(derive(&ikm, &null(false, false), None, None)),
        Code::MechanismParamInvalid
    );
    assert_eq!(
        code(derive(&ikm, &null(false, true), None, None)),
        Code::KeySizeRange
    );
    assert_eq!(
        code(derive(&ikm, &null(true, false), Some(31), None)),
        Code::TemplateInconsistent
    );
    assert_eq!(
        code(derive(&ikm, &null(true, true), Some(0), None)),
        Code::KeySizeRange
    );
    assert_eq!(
        code(derive(&ikm, &null(true, true), Some(8161), None)),
        Code::KeySizeRange
    );
    assert_eq!(
        code(derive(&ikm, &null(true, true), Some(usize::MAX), None)),
        Code::KeySizeRange
    );
    assert_eq!(
        code(derive(&aes(), &null(true, true), Some(32), None)),
        Code::KeyTypeInconsistent
    );
}

#[test]
fn an_operation_goes_on_when_its_key_is_gone() {
    let (key, params) = (aes(), gcm(12, 128));
    let expected = whole(does(CKM_AES_GCM).encrypt(&key, &params).unwrap(), b"data").unwrap();
    let running = does(CKM_AES_GCM).encrypt(&key, &params).unwrap();
    drop(key);
    assert_eq!(parts(running, b"data", &[2]).unwrap(), expected);
}
