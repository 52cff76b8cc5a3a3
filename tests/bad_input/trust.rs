//! CKA_TRUSTED that nobody but the store's editor said.

use cryptoki_sys::*;

use crate::support::mech::{Mech, SHA256};
use crate::support::store;
use crate::support::template::Template;
use crate::{again, found, open, refused, user};

#[test]
fn a_forged_trust_is_not_believed_nor_sealed_as_true() {
    user(|home, token| {
        let session = token.user();
        let public = Template::default()
            .number(CKA_MODULUS_BITS, 2048)
            .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1])
            .yes(CKA_TOKEN)
            .text(CKA_LABEL, "with");
        let how = Mech::plain(CKM_RSA_PKCS_KEY_PAIR_GEN);
        session
            .generate_pair(&how, public, Template::default())
            .unwrap();
        // The row of a public key rests in the clear, and is bound to nothing.
        store::turn(home, "with", CKA_TRUSTED, true);
        let session = again(&token);
        let key = session.create(open().yes(CKA_WRAP_WITH_TRUSTED)).unwrap();
        let with = found(&session, "with");
        let oaep = || Mech::oaep(SHA256, SHA256, b"");
        let trusted = |key| session.get_flag(key, CKA_TRUSTED).unwrap();
        assert!(!trusted(with));
        assert_eq!(
            refused(session.wrap(&oaep(), with, key)),
            CKR_KEY_NOT_WRAPPABLE
        );
        for place in [false, true] {
            let to = Template::default()
                .flag(CKA_TOKEN, place)
                .text(CKA_LABEL, "copy");
            let copy = session.copy(with, to).unwrap();
            assert!(!trusted(copy));
            assert_eq!(
                refused(session.wrap(&oaep(), copy, key)),
                CKR_KEY_NOT_WRAPPABLE
            );
        }
        session
            .set(with, Template::default().text(CKA_LABEL, "renamed"))
            .unwrap();
        assert!(!trusted(with));
        assert_eq!(
            refused(session.wrap(&oaep(), with, key)),
            CKR_KEY_NOT_WRAPPABLE
        );
        let asked = Template::default().yes(CKA_TRUSTED);
        assert!(session.find(asked).unwrap().is_empty());
    });
}
