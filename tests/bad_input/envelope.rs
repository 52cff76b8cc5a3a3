//! Envelopes that were changed, and parameters that say nothing that may be said.

use cryptoki_sys::*;

use crate::support::mech::Mech;
use crate::support::session::Session;
use crate::support::store;
use crate::support::template::Template;
use crate::support::token::{self, LABEL, PIN, SO_PIN, Token};
use crate::support::zeq::*;
use crate::support::{module::Module, process};
use crate::{ecb, kek, labelled, open, refused, told, user};

fn unwrapped(
    session: &Session<'_>,
    sealed: &[u8],
) -> Result<CK_OBJECT_HANDLE, crate::support::answer::Rv> {
    session.unwrap(&Mech::envelope(), kek(session), sealed, Template::default())
}

fn sealed(session: &Session<'_>) -> (Vec<u8>, Vec<u8>) {
    let key = session.create(open()).unwrap();
    let how = Mech::sealed(Params::default().closing(tick() + 100_000), b"");
    let of_key = session.wrap(&how, kek(session), key).unwrap();
    let of_data = session
        .encrypt(&how, kek(session), b"some bytes to keep")
        .unwrap();
    (of_key, of_data)
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    user(|_, token| {
        let session = token.user();
        let (of_key, of_data) = sealed(&session);
        for n in 0..of_key.len() {
            let mut bad = of_key.clone();
            bad[n] ^= 1 << (n % 8);
            let code = refused(unwrapped(&session, &bad));
            let fine = [
                CKR_WRAPPED_KEY_INVALID,
                CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
                CKR_KEY_FUNCTION_NOT_PERMITTED,
            ];
            assert!(fine.contains(&code), "byte {n}: {code:#x}");
            assert_ne!(session.reason(), 0, "byte {n}");
        }
        for n in 0..of_data.len() {
            let mut bad = of_data.clone();
            bad[n] ^= 1 << (n % 8);
            let code = refused(session.decrypt(&Mech::envelope(), kek(&session), &bad));
            let fine = [CKR_ENCRYPTED_DATA_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED];
            assert!(fine.contains(&code), "byte {n}: {code:#x}");
        }
    });
}

#[test]
fn a_cut_extended_or_re_encoded_envelope_is_none() {
    user(|home, token| {
        let session = token.user();
        let (of_key, of_data) = sealed(&session);
        let line = (NOT_AN_ENVELOPE, "not an envelope");
        for (whole, opens) in [(of_key, true), (of_data, false)] {
            let mut bad: Vec<Vec<u8>> = (0..whole.len()).map(|len| whole[..len].to_vec()).collect();
            bad.push([&whole[..], &[0]].concat());
            bad.push([&whole[..], &whole].concat());
            // Tag 96 in the long form, and an array of no stated length.
            bad.push([&[0xd9, 0, 0x60], &whole[2..]].concat());
            bad.push([&whole[..2], &[0x9f], &whole[3..], &[0xff]].concat());
            bad.push(vec![0xff; 4096]);
            for bad in bad {
                match opens {
                    true => {
                        let said = unwrapped(&session, &bad);
                        told(home, &session, said, CKR_WRAPPED_KEY_INVALID, line);
                    }
                    false => {
                        let said = session.decrypt(&Mech::envelope(), kek(&session), &bad);
                        told(home, &session, said, CKR_ENCRYPTED_DATA_INVALID, line);
                    }
                }
            }
        }
    });
}

#[test]
fn an_envelope_of_another_sibling_is_foreign() {
    process::alone(|home| {
        token::configure_ours(
            home,
            "\n[[sibling]]\nid = \"other\"\nprovider = \"soft\"\nwindow = \"never\"\n",
        );
        let ours = Token::fresh(Module::ours());
        let other = Token {
            module: Module::ours(),
            slot: ours.module.slots(true).unwrap()[0],
        };
        other.module.init_token(other.slot, SO_PIN, LABEL).unwrap();
        let so = other.session();
        so.login(CKU_SO, SO_PIN).unwrap();
        so.init_pin(PIN).unwrap();
        so.logout().unwrap();
        let (ours, other) = (ours.user(), other.user());
        let [theirs, mine] = ["soft", "other"].map(|id| {
            [&ours, &other].map(|session| session.find(labelled(id)).unwrap().first().copied())
        });
        let (session, kek) = match theirs[0] {
            Some(kek) => (&ours, kek),
            None => (&ours, mine[0].unwrap()),
        };
        let (far, far_kek) = (&other, theirs[1].or(mine[1]).unwrap());
        let key = far.create(open()).unwrap();
        let sealed = far.wrap(&Mech::envelope(), far_kek, key).unwrap();
        let line = (OTHER_SIBLING, "sealed to another sibling");
        let said = session.unwrap(&Mech::envelope(), kek, &sealed, Template::default());
        told(
            home,
            session,
            said,
            CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
            line,
        );
        let sealed = far.encrypt(&Mech::envelope(), far_kek, b"data").unwrap();
        let said = session.decrypt(&Mech::envelope(), kek, &sealed);
        told(home, session, said, CKR_ENCRYPTED_DATA_INVALID, line);
    });
}

#[test]
fn an_envelope_of_the_token_before_is_foreign() {
    user(|home, token| {
        let (of_key, of_data) = sealed(&token.user());
        token.module.close_all(token.slot).unwrap();
        let token = Token::in_last_slot(token.module);
        let session = token.user();
        let line = (OTHER_SIBLING, "sealed to another sibling");
        let said = unwrapped(&session, &of_key);
        told(
            home,
            &session,
            said,
            CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
            line,
        );
        let said = session.decrypt(&Mech::envelope(), kek(&session), &of_data);
        told(home, &session, said, CKR_ENCRYPTED_DATA_INVALID, line);
    });
}

#[test]
fn other_associated_data_are_refused() {
    user(|home, token| {
        let session = token.user();
        let key = session.create(open()).unwrap();
        let how = |aad: &[u8]| Mech::sealed(Params::default(), aad);
        let sealed = session.wrap(&how(b"row 7"), kek(&session), key).unwrap();
        let line = (CONTEXT_MISMATCH, "the associated data are not those");
        for aad in [&b""[..], b"row 8", b"row 77"] {
            let said = session.unwrap(&how(aad), kek(&session), &sealed, Template::default());
            told(home, &session, said, CKR_WRAPPED_KEY_INVALID, line);
        }
        let template = || {
            Template::default()
                .yes(CKA_TOKEN)
                .text(CKA_LABEL, "context")
        };
        session
            .unwrap(&how(b"row 7"), kek(&session), &sealed, template())
            .unwrap();
        let session = crate::again(&token);
        session
            .encrypt(&ecb(), crate::found(&session, "context"), &[0; 16])
            .unwrap();
    });
}

#[test]
fn windows_that_are_none_are_refused() {
    user(|home, token| {
        let session = token.user();
        let key = session.create(open()).unwrap();
        let now = tick();
        let line = (BAD_WINDOW, "a window that closes before it opens");
        for bad in [
            Params::default().closing(now - 2),
            Params::default().closing(0),
            Params::default().opening(now + 20).closing(now + 10),
            Params {
                flags: 8,
                gate_low: 10_000,
                gate_high: 1,
                ..Params::default()
            },
            Params {
                flags: 8,
                gate_low: 5,
                gate_high: 5,
                ..Params::default()
            },
        ] {
            let how = Mech::sealed(bad, b"");
            let said = session.wrap(&how, kek(&session), key);
            told(home, &session, said, CKR_MECHANISM_PARAM_INVALID, line);
            refused(session.encrypt(&how, kek(&session), b"data"));
        }
        let past = session
            .create(open().bytes(CKA_END_DATE, b"20200229"))
            .unwrap();
        let said = session.wrap(&Mech::envelope(), kek(&session), past);
        told(home, &session, said, CKR_KEY_NOT_WRAPPABLE, line);
        refused(session.create(open().bytes(CKA_END_DATE, b"20210229")));
        let early = session.wrap(
            &Mech::sealed(Params::default().opening(now + 100_000), b""),
            kek(&session),
            key,
        );
        let said = unwrapped(&session, &early.unwrap());
        told(
            home,
            &session,
            said,
            CKR_KEY_FUNCTION_NOT_PERMITTED,
            (WINDOW_NOT_OPEN, "not open yet"),
        );
    });
}

#[test]
fn unknown_flags_versions_and_lengths_are_refused() {
    user(|home, token| {
        let session = token.user();
        let key = session.create(open()).unwrap();
        let line = (BAD_PARAMETERS, "parameters of an unknown version");
        let plain = Params::default();
        for bad in [
            Params {
                version: 0,
                ..plain
            },
            Params {
                version: 2,
                ..plain
            },
            Params { flags: 16, ..plain },
            Params {
                flags: 1 << 63,
                ..plain
            },
            plain.closing(tick() + 10).never(),
        ] {
            let how = Mech::sealed(bad, b"");
            let said = session.wrap(&how, kek(&session), key);
            told(home, &session, said, CKR_MECHANISM_PARAM_INVALID, line);
            refused(session.unwrap(&how, kek(&session), &[0; 200], Template::default()));
        }
        for len in [0, 1, 55, 57, 71, 73, 200] {
            let how = Mech::bytes(CKM_ZEQ_ENVELOPE, &vec![1; len.max(1)]);
            assert_eq!(
                refused(session.wrap(&how, kek(&session), key)),
                CKR_MECHANISM_PARAM_INVALID,
                "{len}"
            );
        }
        let sealed = session.wrap(&Mech::envelope(), kek(&session), key).unwrap();
        for stated in [plain.closing(tick() + 10), plain.opening(1), plain.never()] {
            let said = session.unwrap(
                &Mech::sealed(stated, b""),
                kek(&session),
                &sealed,
                Template::default(),
            );
            told(home, &session, said, CKR_MECHANISM_PARAM_INVALID, line);
        }
    });
}

#[test]
fn a_window_may_end_at_the_last_tick_of_all() {
    user(|_, token| {
        let session = token.user();
        let key = session.create(open()).unwrap();
        let how = Mech::sealed(Params::default().closing(u64::MAX), b"");
        let sealed = session.wrap(&how, kek(&session), key).unwrap();
        let template = Template::default().yes(CKA_TOKEN).text(CKA_LABEL, "late");
        session
            .unwrap(&Mech::envelope(), kek(&session), &sealed, template)
            .unwrap();
        let session = crate::again(&token);
        session
            .encrypt(&ecb(), crate::found(&session, "late"), &[0; 16])
            .unwrap();
    });
}

#[test]
fn a_refusal_is_in_the_audit_trail() {
    user(|home, token| {
        let session = token.user();
        let (mut bad, _) = sealed(&session);
        let last = bad.len() - 1;
        bad[last] ^= 1;
        told(
            home,
            &session,
            unwrapped(&session, &bad),
            CKR_WRAPPED_KEY_INVALID,
            (ENVELOPE_DAMAGED, "changed after it was sealed"),
        );
        assert_eq!(
            store::sql(
                home,
                "SELECT count(*) FROM audit WHERE what = 'envelope-refuse'"
            ),
            "1"
        );
    });
}
