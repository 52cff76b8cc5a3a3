//! Sessions, logins, PINs.

use cryptoki_sys::*;

use crate::compare::{Run, differs, same};
use crate::support::session::Session;
use crate::support::template::{of_class, secret};
use crate::support::token::{PIN, SO_PIN};

fn state(session: &Session<'_>) -> CK_STATE {
    session.info().unwrap().state
}

#[test]
fn a_session_must_be_serial() {
    same(|run| {
        let module = run.module();
        run.note("no flags", module.session(run.slot(), 0).map(drop));
        run.note(
            "rw alone",
            module.session(run.slot(), CKF_RW_SESSION).map(drop),
        );
        run.note(
            "no such slot",
            module.session(0x7fff_fff0, CKF_SERIAL_SESSION).map(drop),
        );
    });
}

#[test]
fn the_state_follows_the_login_in_every_session() {
    differs(
        &[("second logout", "Ok(())", "Err(CKR_USER_NOT_LOGGED_IN)")],
        |run| {
            let (rw, ro) = (run.session(), run.token.read_only());
            run.note("public", (state(&rw), state(&ro)));
            run.note("login", rw.login(CKU_USER, PIN));
            run.note("user", (state(&rw), state(&ro)));
            run.note("opened later", state(&run.session()));
            run.note("logout", ro.logout());
            run.note("public again", (state(&rw), state(&ro)));
            run.note("second logout", rw.logout());
        },
    );
}

#[test]
fn a_second_login_is_refused() {
    same(|run| {
        let (one, other) = (run.session(), run.session());
        run.note("user", one.login(CKU_USER, PIN));
        run.note("user again", one.login(CKU_USER, PIN));
        run.note("user in another session", other.login(CKU_USER, PIN));
        run.note("so over user", one.login(CKU_SO, SO_PIN));
        run.note("logout", one.logout());
        run.note("so", one.login(CKU_SO, SO_PIN));
        run.note("so again", one.login(CKU_SO, SO_PIN));
        run.note("user over so", one.login(CKU_USER, PIN));
        run.note("so state", state(&other));
    });
}

#[test]
fn the_so_and_read_only_sessions_shut_each_other_out() {
    same(|run| {
        let (rw, ro) = (run.session(), run.token.read_only());
        run.note("so beside a read-only session", rw.login(CKU_SO, SO_PIN));
        run.note("close it", ro.close());
        run.note("so", rw.login(CKU_SO, SO_PIN));
        let opened = run.module().session(run.slot(), CKF_SERIAL_SESSION);
        run.note("a read-only session beside the so", opened.map(drop));
    });
}

#[test]
fn a_wrong_pin_is_incorrect_and_an_unknown_user_has_no_type() {
    same(|run| {
        let session = run.session();
        run.note("wrong user pin", session.login(CKU_USER, "654321"));
        run.note("wrong so pin", session.login(CKU_SO, "87654321"));
        run.note("no such user", session.login(77, PIN));
        run.note("right pin after all", session.login(CKU_USER, PIN));
    });
}

#[test]
fn a_context_login_needs_an_operation() {
    same(|run| {
        let session = run.user();
        run.note("context", session.login(CKU_CONTEXT_SPECIFIC, PIN));
    });
}

#[test]
fn pins_are_changed_by_who_holds_them() {
    same(|run| {
        let session = run.session();
        run.note("init pin by nobody", session.init_pin("111111"));
        run.note("public, wrong old pin", session.set_pin("000000", "111111"));
        run.note("public, right old pin", session.set_pin(PIN, "111111"));
        run.note("old pin", session.login(CKU_USER, PIN));
        run.note("new pin", session.login(CKU_USER, "111111"));
        run.note("init pin by the user", session.init_pin("222222"));
        run.note("too short", session.set_pin("111111", "1"));
        run.note("back", session.set_pin("111111", PIN));
        run.note("logout", session.logout());
        run.note("so", session.login(CKU_SO, SO_PIN));
        run.note("so pin", session.set_pin(SO_PIN, "99999999"));
        run.note("user pin by the so", session.init_pin("333333"));
        run.note("so out", session.logout());
        run.note("so with the old pin", session.login(CKU_SO, SO_PIN));
        run.note("user", session.login(CKU_USER, "333333"));
    });
}

#[test]
fn a_read_only_session_changes_no_pin() {
    same(|run| {
        let session = run.token.read_only();
        run.note("set pin", session.set_pin(PIN, "111111"));
        run.note("login", session.login(CKU_USER, PIN));
        run.note("set pin as user", session.set_pin(PIN, "111111"));
    });
}

#[test]
fn closing_the_last_session_logs_out() {
    same(|run| {
        let (one, other) = (run.user(), run.session());
        run.note("close one", one.close());
        run.note("still user", state(&other));
        run.note("close the other", other.close());
        run.note("public", state(&run.session()));
        run.note("closed", one.info().map(|info| info.state));
        run.note("close twice", one.close());
        run.user();
        run.note("close all", run.module().close_all(run.slot()));
        run.note("public once more", state(&run.session()));
        run.note(
            "close all, no such slot",
            run.module().close_all(0x7fff_fff0),
        );
    });
}

#[test]
fn a_token_with_sessions_is_not_initialised() {
    same(|run| {
        let session = run.session();
        let again = || run.module().init_token(run.slot(), SO_PIN, "again");
        run.note("with a session", again());
        run.note("close", session.close());
        let wrong = run.module().init_token(run.slot(), "87654321", "again");
        run.note("wrong so pin", wrong);
        run.note("again", again());
        let session = run.session();
        run.note("the user has no pin", session.login(CKU_USER, PIN));
        run.note("so", session.login(CKU_SO, SO_PIN));
    });
}

#[test]
fn what_lies_on_a_token_is_gone_when_it_is_initialised() {
    same(|run| {
        let session = run.user();
        let data = of_class(CKO_DATA).yes(CKA_TOKEN).text(CKA_LABEL, "kept");
        session.create(data.clone()).unwrap();
        run.note("there", session.find(data.clone()).unwrap().len());
        session.close().unwrap();
        let again = run.module().init_token(run.slot(), SO_PIN, "again");
        run.note("initialised", again);
        run.note("gone", run.session().find(data).unwrap().len());
    });
}

#[test]
fn a_read_only_session_makes_no_token_object() {
    same(|run| {
        let session = run.token.read_only();
        let data = || of_class(CKO_DATA).no(CKA_PRIVATE);
        run.note("public session object", session.create(data()).map(drop));
        run.note(
            "public token object",
            session.create(data().yes(CKA_TOKEN)).map(drop),
        );
        session.login(CKU_USER, PIN).unwrap();
        run.note(
            "token object",
            session.create(data().yes(CKA_TOKEN)).map(drop),
        );
        run.note(
            "private",
            session.create(data().without(CKA_PRIVATE)).map(drop),
        );
    });
}

#[test]
fn a_public_session_makes_nothing_private() {
    same(|run| {
        let session = run.session();
        let private = of_class(CKO_DATA).yes(CKA_PRIVATE);
        run.note("private data", session.create(private).map(drop));
        let silent = secret(CKK_AES).bytes(CKA_VALUE, &[7; 16]);
        run.note(
            "a key without CKA_PRIVATE",
            session.create(silent).map(drop),
        );
    });
}

#[test]
fn every_call_wants_an_initialised_library() {
    same(|run| {
        let module = run.module();
        run.note("twice", module.initialize());
        module.finalize().unwrap();
        run.note("finalize twice", module.finalize());
        run.note("slots", module.slots(true));
        run.note(
            "session",
            module.session(run.slot(), CKF_SERIAL_SESSION).map(drop),
        );
        module.initialize().unwrap();
    });
}

#[test]
fn the_flags_of_the_token_tell_its_state() {
    same(|run| {
        let flags = |run: &Run| {
            let told = run.module().token_info(run.slot()).unwrap().flags;
            told & (CKF_RNG
                | CKF_LOGIN_REQUIRED
                | CKF_USER_PIN_INITIALIZED
                | CKF_TOKEN_INITIALIZED
                | CKF_WRITE_PROTECTED
                | CKF_USER_PIN_LOCKED
                | CKF_SO_PIN_LOCKED)
        };
        run.note("with a pin", flags(run));
        let again = run.module().init_token(run.slot(), SO_PIN, "again");
        run.note("initialised", again);
        run.note("without", flags(run));
    });
}
