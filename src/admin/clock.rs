//! `clock accept`: somebody vouches for the host's clock after a jump or a step back (formats.md §3).
#![forbid(unsafe_code)]

use std::sync::Arc;

use super::Moment;
use super::error::{Error, Failure, Result};
use super::setup::{Pins, Setup};
use crate::clock;
use crate::object::{Role, Token};
use crate::store::{Entry, Store};

/// What holds from now on.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// The mark before, if there was one.
    pub before: Option<Moment>,
    /// The mark now: the host's time.
    pub now: Moment,
}

/// Takes the host's clock as right. Asks for the SO PIN of an initialised token: of `token`, else of
/// the first that there is; with none, nobody need vouch.
///
/// # Errors
/// [`Failure::Pin`], [`Failure::Setup`].
pub fn accept_clock(setup: &Setup, token: Option<&str>, pins: &Pins<'_>) -> Result<Accepted> {
    let vouches = vouching(setup, token)?;
    if let Some(token) = &vouches {
        pins.login(token, Role::So)?;
        token.logout();
    }
    let (store, domain) = (setup.store()?, clock::domain());
    let before = store.clock(&domain)?.mark.map(Moment);
    let (base, mark) = clock::accept(clock::read());
    let now = Moment(mark);
    let was = before.map_or_else(|| "none".to_string(), |before| before.to_string());
    let audit = Entry {
        unix_ns: mark,
        token: vouches.as_deref().map_or("", Token::id),
        what: "clock-accept",
        detail: format!("mark {was} to {now}"),
    };
    store.accept_clock(&domain, &base, mark, &audit)?;
    Ok(Accepted { before, now })
}

fn vouching(setup: &Setup, named: Option<&str>) -> Result<Option<Arc<Token>>> {
    let tokens = setup.tokens()?;
    let Some(id) = named else {
        let first = tokens.into_iter().find(|token| token.initialised());
        return Ok(first);
    };
    let found = tokens.into_iter().find(|token| token.id() == id);
    let missing = || Error::new(Failure::Setup, format!("there is no token {id:?}"));
    found.map(Some).ok_or_else(missing)
}
