//! Keys never loosen: by setting, copying, deriving; sizes and templates hold.

use cryptoki_sys::*;

use crate::support::mech::{Mech, SHA256};
use crate::support::template::{Template, of_class, open_aes, secret};
use crate::{both_homes, data, guarded, kw, leaks, open, refused, user};

#[test]
fn setting_attributes_loosens_no_key() {
    user(|_, session| {
        for template in both_homes(guarded) {
            let key = session.create(template).unwrap();
            let looser = [
                Template::default().no(CKA_SENSITIVE),
                Template::default().yes(CKA_EXTRACTABLE),
            ];
            for changes in looser {
                assert_eq!(refused(session.set(key, changes)), CKR_ATTRIBUTE_READ_ONLY);
            }
            assert!(!leaks(&session, key));
        }
        let key = session.create(open()).unwrap();
        let tighter = Template::default().yes(CKA_SENSITIVE).no(CKA_EXTRACTABLE);
        session.set(key, tighter).unwrap();
        assert!(!leaks(&session, key));
    });
}

#[test]
fn a_copy_loosens_no_key_wherever_it_goes() {
    user(|_, session| {
        for template in both_homes(guarded) {
            let key = session.create(template).unwrap();
            for place in [false, true] {
                let to = || Template::default().flag(CKA_TOKEN, place);
                refused(session.copy(key, to().no(CKA_SENSITIVE)));
                refused(session.copy(key, to().yes(CKA_EXTRACTABLE)));
                let copy = session.copy(key, to()).unwrap();
                assert!(!leaks(&session, copy));
                let second = session.copy(copy, Template::default()).unwrap();
                assert!(!leaks(&session, second));
            }
        }
    });
}

#[test]
fn what_may_not_change_in_a_copy_does_not() {
    user(|_, session| {
        let fixed = open()
            .no(CKA_MODIFIABLE)
            .no(CKA_DESTROYABLE)
            .yes(CKA_WRAP_WITH_TRUSTED);
        let key = session.create(fixed).unwrap();
        for changes in [
            Template::default().yes(CKA_MODIFIABLE),
            Template::default().yes(CKA_DESTROYABLE),
            Template::default().no(CKA_WRAP_WITH_TRUSTED),
            Template::default().no(CKA_PRIVATE),
            Template::default().number(CKA_CLASS, CKO_PUBLIC_KEY),
            Template::default().yes(CKA_LOCAL),
            Template::default().bytes(CKA_VALUE, &[1; 32]),
        ] {
            refused(session.copy(key, changes));
        }
        let only = session.create(open().no(CKA_COPYABLE)).unwrap();
        let said = session.copy(only, Template::default());
        assert_eq!(refused(said), CKR_ACTION_PROHIBITED);
    });
}

fn hkdf() -> Mech {
    Mech::hkdf(SHA256, b"", b"info")
}

fn derived() -> Template {
    secret(CKK_AES).number(CKA_VALUE_LEN, 32)
}

#[test]
fn a_derived_key_is_no_looser_than_its_base() {
    user(|_, session| {
        for template in both_homes(|| {
            guarded()
                .without(CKA_KEY_TYPE)
                .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
        }) {
            let base = session.create(template).unwrap();
            for loose in [derived().no(CKA_SENSITIVE), derived().yes(CKA_EXTRACTABLE)] {
                let said = session.derive(&hkdf(), base, loose);
                assert_eq!(refused(said), CKR_TEMPLATE_INCONSISTENT);
            }
            let key = session.derive(&hkdf(), base, derived()).unwrap();
            assert!(session.get_flag(key, CKA_SENSITIVE).unwrap());
            assert!(!leaks(&session, key));
        }
    });
}

#[test]
fn a_key_given_as_salt_is_guarded_as_a_base_is() {
    user(|_, session| {
        let generic = |template: Template| {
            let template = template.without(CKA_KEY_TYPE);
            template.number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
        };
        let base = session.create(generic(open())).unwrap();
        let salt = session.create(generic(guarded())).unwrap();
        let how = Mech::hkdf_salted(SHA256, salt);
        let loose = derived().no(CKA_SENSITIVE).yes(CKA_EXTRACTABLE);
        assert_eq!(
            refused(session.derive(&how, base, loose)),
            CKR_TEMPLATE_INCONSISTENT
        );
        let key = session.derive(&how, base, derived()).unwrap();
        assert!(!leaks(&session, key));
        let idle = generic(guarded()).without(CKA_DERIVE).no(CKA_DERIVE);
        let idle = session.create(idle).unwrap();
        let how = Mech::hkdf_salted(SHA256, idle);
        let said = session.derive(&how, base, derived());
        assert_eq!(refused(said), CKR_KEY_FUNCTION_NOT_PERMITTED);
    });
}

#[test]
fn a_key_that_only_a_trusted_key_may_wrap_derives_no_freer_one() {
    user(|_, session| {
        let base = open()
            .without(CKA_KEY_TYPE)
            .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        let base = session.create(base.yes(CKA_WRAP_WITH_TRUSTED)).unwrap();
        let template = derived().yes(CKA_SENSITIVE).yes(CKA_EXTRACTABLE);
        let key = session.derive(&hkdf(), base, template).unwrap();
        assert!(!leaks(&session, key));
    });
}

#[test]
fn an_unwrap_template_is_not_overridden() {
    user(|_, session| {
        let must = Template::default().yes(CKA_SENSITIVE).no(CKA_EXTRACTABLE);
        let with = session
            .create(open().template(CKA_UNWRAP_TEMPLATE, must))
            .unwrap();
        let target = session.create(open()).unwrap();
        let wrapped = session.wrap(&kw(), with, target).unwrap();
        let loose = secret(CKK_AES).no(CKA_SENSITIVE).yes(CKA_EXTRACTABLE);
        let said = session.unwrap(&kw(), with, &wrapped, loose.clone());
        assert_eq!(refused(said), CKR_TEMPLATE_INCONSISTENT);
        let key = session
            .unwrap(&kw(), with, &wrapped, secret(CKK_AES))
            .unwrap();
        assert!(!leaks(&session, key));
        let other = || {
            Template::default().template(CKA_UNWRAP_TEMPLATE, Template::default().no(CKA_SENSITIVE))
        };
        refused(session.set(with, other()));
        refused(session.copy(with, other()));
        let copy = session.copy(with, Template::default()).unwrap();
        let said = session.unwrap(&kw(), copy, &wrapped, loose);
        assert_eq!(refused(said), CKR_TEMPLATE_INCONSISTENT);
    });
}

#[test]
fn a_derive_template_is_not_overridden() {
    user(|_, session| {
        let must = Template::default().no(CKA_EXTRACTABLE);
        let base = open()
            .without(CKA_KEY_TYPE)
            .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        let base = session
            .create(base.template(CKA_DERIVE_TEMPLATE, must))
            .unwrap();
        let said = session.derive(&hkdf(), base, derived().yes(CKA_EXTRACTABLE));
        assert_eq!(refused(said), CKR_TEMPLATE_INCONSISTENT);
        let key = session.derive(&hkdf(), base, derived()).unwrap();
        assert!(!session.get_flag(key, CKA_EXTRACTABLE).unwrap());
    });
}

#[test]
fn a_wrap_template_is_held() {
    user(|_, session| {
        let only = Template::default().text(CKA_LABEL, "these");
        let with = session
            .create(open().template(CKA_WRAP_TEMPLATE, only))
            .unwrap();
        let these = session.create(open().text(CKA_LABEL, "these")).unwrap();
        let those = session.create(open().text(CKA_LABEL, "those")).unwrap();
        session.wrap(&kw(), with, these).unwrap();
        assert_eq!(
            refused(session.wrap(&kw(), with, those)),
            CKR_KEY_HANDLE_INVALID
        );
    });
}

#[test]
fn allowed_mechanisms_are_exact_for_every_use_and_stay() {
    user(|_, session| {
        let allowed = |kinds: &[CK_MECHANISM_TYPE]| {
            Template::default().numbers(CKA_ALLOWED_MECHANISMS, kinds)
        };
        for template in both_homes(|| open().numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_ECB])) {
            let key = session.create(template).unwrap();
            let cbc = || Mech::bytes(CKM_AES_CBC, &[0; 16]);
            session
                .encrypt(&Mech::plain(CKM_AES_ECB), key, &[0; 16])
                .unwrap();
            let target = session.create(open()).unwrap();
            for said in [
                session.encrypt_init(&cbc(), key),
                session.decrypt_init(&cbc(), key),
                session.sign_init(&Mech::plain(CKM_AES_CMAC), key),
                session.verify_init(&Mech::plain(CKM_AES_CMAC), key),
                session.wrap(&kw(), key, target).map(drop),
                session
                    .unwrap(&kw(), key, &[0; 40], secret(CKK_AES))
                    .map(drop),
                session.derive(&hkdf(), key, derived()).map(drop),
            ] {
                assert_eq!(refused(said), CKR_MECHANISM_INVALID);
            }
            refused(session.set(key, allowed(&[CKM_AES_CBC])));
            refused(session.set(key, allowed(&[])));
            refused(session.copy(key, allowed(&[CKM_AES_CBC])));
            let copy = session.copy(key, Template::default()).unwrap();
            assert_eq!(
                refused(session.encrypt_init(&cbc(), copy)),
                CKR_MECHANISM_INVALID
            );
        }
    });
}

#[test]
fn an_aes_key_has_16_24_or_32_bytes_by_every_way_in() {
    user(|_, session| {
        let with = session.create(open()).unwrap();
        for len in [0, 1, 8, 15, 17, 31, 33, 64] {
            refused(session.create(open_aes().bytes(CKA_VALUE, &vec![1; len])));
            let how = Mech::plain(CKM_AES_KEY_GEN);
            refused(session.generate(
                &how,
                Template::default().number(CKA_VALUE_LEN, len as CK_ULONG),
            ));
            let base = open()
                .without(CKA_KEY_TYPE)
                .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
            let base = session.create(base).unwrap();
            let short = secret(CKK_AES).number(CKA_VALUE_LEN, len as CK_ULONG);
            refused(session.derive(&hkdf(), base, short));
            let how = Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]);
            let sealed = session.encrypt(&how, with, &vec![1; len]).unwrap();
            let said = session.unwrap(&how, with, &sealed, secret(CKK_AES));
            assert_eq!(refused(said), CKR_WRAPPED_KEY_INVALID, "{len}");
        }
    });
}

#[test]
fn a_check_value_is_the_keys_own_and_never_the_templates() {
    user(|_, session| {
        let lie = |template: Template| template.bytes(CKA_CHECK_VALUE, &[1, 2, 3]);
        refused(session.create(lie(open())));
        let how = Mech::plain(CKM_AES_KEY_GEN);
        refused(session.generate(&how, lie(Template::default().number(CKA_VALUE_LEN, 32))));
        let base = open()
            .without(CKA_KEY_TYPE)
            .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        let base = session.create(base).unwrap();
        refused(session.derive(&hkdf(), base, lie(derived())));
        let with = session.create(open()).unwrap();
        let wrapped = session.wrap(&kw(), with, with).unwrap();
        refused(session.unwrap(&kw(), with, &wrapped, lie(secret(CKK_AES))));
        let true_one = session.get(with, CKA_CHECK_VALUE).unwrap();
        let said = secret(CKK_AES).bytes(CKA_CHECK_VALUE, &true_one);
        session.unwrap(&kw(), with, &wrapped, said).unwrap();
    });
}

#[test]
fn a_private_data_objects_new_value_is_as_hidden_as_the_old() {
    user(|token, session| {
        let object = data(b"the first")
            .yes(CKA_TOKEN)
            .yes(CKA_PRIVATE)
            .text(CKA_LABEL, "mine");
        let object = session.create(object).unwrap();
        let value = || Template::default().bytes(CKA_VALUE, b"the second one");
        session.set(object, value()).unwrap();
        assert_eq!(session.get(object, CKA_VALUE).unwrap(), b"the second one");
        let copy = session.copy(
            object,
            Template::default().bytes(CKA_VALUE, b"the third one"),
        );
        assert_eq!(
            session.get(copy.unwrap(), CKA_VALUE).unwrap(),
            b"the third one"
        );
        let public = session
            .create(data(b"the fourth one").yes(CKA_TOKEN).no(CKA_PRIVATE))
            .unwrap();
        let hidden = session
            .copy(public, Template::default().yes(CKA_PRIVATE))
            .unwrap();
        assert_eq!(session.get(hidden, CKA_VALUE).unwrap(), b"the fourth one");
        let home = std::env::var("ZEQ_TEST_HOME").unwrap();
        let rows = crate::support::store::sql(
            std::path::Path::new(&home),
            "SELECT group_concat(hex(attributes) || hex(ifnull(sealed, ''))) FROM object",
        );
        let hex = |text: &str| text.bytes().map(|b| format!("{b:02X}")).collect::<String>();
        for secret in ["the first", "the second one", "the third one"] {
            assert!(!rows.contains(&hex(secret)), "{secret} lies in the clear");
        }
        session.logout().unwrap();
        assert_eq!(
            refused(token.session().get(object, CKA_VALUE)),
            CKR_OBJECT_HANDLE_INVALID
        );
    });
}

#[test]
fn a_public_key_may_be_kept_and_used_without_a_login() {
    user(|token, session| {
        let public =
            Template::default().bytes(CKA_EC_PARAMS, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
        let how = Mech::plain(CKM_EC_KEY_PAIR_GEN);
        let (public, private) = session
            .generate_pair(&how, public, Template::default())
            .unwrap();
        let digest = [5; 32];
        let signature = session
            .sign(&Mech::plain(CKM_ECDSA), private, &digest)
            .unwrap();
        let kept = session
            .copy(public, Template::default().yes(CKA_TOKEN))
            .unwrap();
        session.logout().unwrap();
        let session = token.session();
        session
            .verify(&Mech::plain(CKM_ECDSA), kept, &digest, &signature)
            .unwrap();
    });
}

#[test]
fn attributes_of_the_tokens_own_are_not_the_templates_to_set() {
    user(|_, session| {
        for kind in [CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
            assert_eq!(
                refused(session.create(open().yes(kind))),
                CKR_ATTRIBUTE_READ_ONLY
            );
        }
        refused(session.create(of_class(CKO_DATA).text(CKA_UNIQUE_ID, "mine")));
        let object = session.create(data(b"x").yes(CKA_TOKEN)).unwrap();
        let id = session.get(object, CKA_UNIQUE_ID).unwrap();
        let found = session
            .find(Template::default().bytes(CKA_UNIQUE_ID, &id))
            .unwrap();
        assert_eq!(found, [object]);
    });
}

#[test]
fn an_attribute_type_that_no_row_can_hold_is_refused_before_it_is_written() {
    user(|token, session| {
        let kept = data(b"x").yes(CKA_TOKEN).text(CKA_LABEL, "kept");
        let far = kept.clone().bytes(1 << 63, b"theirs");
        assert_eq!(refused(session.create(far)), CKR_ATTRIBUTE_TYPE_INVALID);
        session
            .create(kept.bytes((1 << 63) - 1, b"theirs"))
            .unwrap();
        session.logout().unwrap();
        let session = token.user();
        let found = session
            .find(Template::default().text(CKA_LABEL, "kept"))
            .unwrap();
        assert_eq!(session.get(found[0], (1 << 63) - 1).unwrap(), b"theirs");
    });
}
