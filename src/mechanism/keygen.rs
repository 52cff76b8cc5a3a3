//! `CKM_AES_KEY_GEN`, `CKM_GENERIC_SECRET_KEY_GEN`, `CKM_HKDF_KEY_GEN`, `CKM_*_KEY_GEN` of the HMACs:
//! random bytes of a type.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use crate::error::{Code, Result};
use crate::mechanism::secret_key::fits;
use crate::mechanism::{Mechanism, NewKey, Params, SecretKey, Wanted};
use crate::secret::Secret;

/// Makes keys of a type, of `CKA_VALUE_LEN` bytes or else of a length of the type's own.
pub(super) struct KeyGen {
    pub(super) key_type: CK_KEY_TYPE,
    pub(super) otherwise: Option<usize>,
}

impl Mechanism for KeyGen {
    fn makes(&self) -> Option<CK_KEY_TYPE> {
        Some(self.key_type)
    }
    fn generate(&self, _params: &Params, wanted: &Wanted) -> Result<NewKey> {
        if wanted.key_type.is_some_and(|kind| kind != self.key_type) {
            return Err(Code::TemplateInconsistent.into());
        }
        let len = wanted.value_len.or(self.otherwise);
        let len = len.ok_or(Code::TemplateIncomplete)?;
        // Before the memory is taken.
        match fits(self.key_type, len)? {
            true => SecretKey::new(self.key_type, Secret::random(len)?)?.into_new(),
            false => Err(Code::AttributeValueInvalid.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(
        kind: CK_MECHANISM_TYPE,
        key_type: Option<CK_KEY_TYPE>,
        value_len: Option<usize>,
    ) -> Result<NewKey, Code> {
        let line = crate::mechanism::find(kind).unwrap();
        let wanted = Wanted {
            key_type,
            value_len,
            ..Wanted::default()
        };
        line.does
            .generate(&Params::None, &wanted)
            .map_err(|e| e.code)
    }

    #[test]
    fn a_key_has_the_type_of_its_mechanism_and_the_length_asked_for() {
        for (kind, key_type, len) in [
            (CKM_AES_KEY_GEN, CKK_AES, 24),
            (CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET, 7),
            (CKM_HKDF_KEY_GEN, CKK_HKDF, 100),
            (CKM_SHA384_KEY_GEN, CKK_SHA384_HMAC, 48),
        ] {
            let (one, two) = (
                made(kind, None, Some(len)).unwrap(),
                made(kind, Some(key_type), Some(len)).unwrap(),
            );
            assert_eq!(one.key_type, key_type);
            let [(CKA_VALUE, value)] = one.secret.as_slice() else {
                panic!("more or less than a value")
            };
            assert_eq!(value.len(), len);
            assert!(!value.is(two.secret[0].1.expose()));
            assert!(one.key.unwrap().value().unwrap().is(value.expose()));
        }
    }

    #[test]
    fn hmac_keys_are_as_long_as_their_digest_where_nothing_is_said() {
        assert_eq!(
            made(CKM_SHA_1_KEY_GEN, None, None).unwrap().secret[0]
                .1
                .len(),
            20
        );
        assert_eq!(
            made(CKM_SHA3_512_KEY_GEN, None, None).unwrap().secret[0]
                .1
                .len(),
            64
        );
    }

    #[test]
    fn templates_that_make_no_sense_are_refused() {
        let code = |kind, key_type, len| made(kind, key_type, len).err();
        assert_eq!(
            code(CKM_AES_KEY_GEN, None, None),
            Some(Code::TemplateIncomplete)
        );
        assert_eq!(
            code(CKM_AES_KEY_GEN, None, Some(17)),
            Some(Code::AttributeValueInvalid)
        );
        assert_eq!(
            code(CKM_GENERIC_SECRET_KEY_GEN, None, Some(0)),
            Some(Code::AttributeValueInvalid)
        );
        assert_eq!(
            code(CKM_GENERIC_SECRET_KEY_GEN, None, Some(usize::MAX)),
            Some(Code::AttributeValueInvalid)
        );
        assert_eq!(
            code(CKM_AES_KEY_GEN, Some(CKK_GENERIC_SECRET), Some(16)),
            Some(Code::TemplateInconsistent)
        );
    }
}
