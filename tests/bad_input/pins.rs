//! Wrong PINs: counted, told, locked, and unlocked by the SO (rules 11, 12).

use cryptoki_sys::*;

use crate::support::process::{actor, say};
use crate::support::token::{PIN, SO_PIN, Token};
use crate::support::{process, store};
use crate::{refused, user};

fn flags(token: &Token) -> CK_FLAGS {
    let all = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;
    token.module.token_info(token.slot).unwrap().flags & all
}

#[test]
fn wrong_pins_are_counted_told_and_locked_and_the_so_unlocks() {
    user(|home, token| {
        let session = token.user();
        session.logout().unwrap();
        assert_eq!(flags(&token), 0);
        for n in 1..=10 {
            assert_eq!(refused(session.login(CKU_USER, "wrong")), CKR_PIN_INCORRECT);
            assert_eq!(
                store::sql(home, "SELECT user_tries FROM token"),
                n.to_string()
            );
            let told = match n {
                9 => CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY,
                10 => CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED,
                _ => CKF_USER_PIN_COUNT_LOW,
            };
            assert_eq!(flags(&token), told, "after {n}");
        }
        for pin in ["wrong", PIN] {
            assert_eq!(refused(session.login(CKU_USER, pin)), CKR_PIN_LOCKED);
        }
        assert_eq!(refused(session.set_pin(PIN, "another")), CKR_PIN_LOCKED);
        session.login(CKU_SO, SO_PIN).unwrap();
        session.init_pin("another").unwrap();
        session.logout().unwrap();
        assert_eq!(flags(&token), 0);
        session.login(CKU_USER, "another").unwrap();
    });
}

#[test]
fn a_right_pin_clears_the_count() {
    user(|home, token| {
        let session = token.user();
        session.logout().unwrap();
        for _ in 0..9 {
            refused(session.login(CKU_USER, "wrong"));
        }
        session.login(CKU_USER, PIN).unwrap();
        assert_eq!(flags(&token), 0);
        assert_eq!(store::sql(home, "SELECT user_tries FROM token"), "0");
    });
}

#[test]
fn a_wrong_old_pin_counts_and_changes_nothing() {
    user(|home, token| {
        let session = token.user();
        assert_eq!(
            refused(session.set_pin("wrong", "another")),
            CKR_PIN_INCORRECT
        );
        assert_eq!(store::sql(home, "SELECT user_tries FROM token"), "1");
        session.set_pin(PIN, "another").unwrap();
        session.logout().unwrap();
        assert_eq!(refused(session.login(CKU_USER, PIN)), CKR_PIN_INCORRECT);
        session.login(CKU_USER, "another").unwrap();
    });
}

#[test]
fn a_wrong_so_pin_destroys_nothing() {
    user(|home, token| {
        token.user().create(crate::kept("one")).unwrap();
        token.module.close_all(token.slot).unwrap();
        for _ in 0..10 {
            let said = token.module.init_token(token.slot, "wrong pin", "new");
            assert_eq!(refused(said), CKR_PIN_INCORRECT);
        }
        let said = token.module.init_token(token.slot, SO_PIN, "new");
        assert_eq!(refused(said), CKR_PIN_LOCKED);
        crate::found(&token.user(), "one");
        assert_eq!(store::sql(home, "SELECT so_tries FROM token"), "10");
    });
}

#[test]
fn sixteen_processes_with_the_right_pin_at_once_are_never_locked() {
    user(|home, _| {
        let started: Vec<_> = (0..16)
            .map(|_| {
                let mut one = actor(home, "login");
                std::thread::spawn(move || process::heard(&mut one, "login"))
            })
            .collect();
        for one in started {
            assert_eq!(one.join().unwrap(), ["in"]);
        }
        assert_eq!(store::sql(home, "SELECT user_tries FROM token"), "0");
    });
}

pub(crate) fn logs_in() {
    let token = Token::existing();
    token.session().login(CKU_USER, PIN).unwrap();
    say("in");
}
