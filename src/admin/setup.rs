//! What the command works on: the configuration, its store and its tokens; and where PINs come from.
#![forbid(unsafe_code)]

use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::error::{Error, Failure, Result};
use crate::config::{Config, Source};
use crate::log;
use crate::object::{self, Role, Token};
use crate::store::sqlite::SqliteStore;

/// The configuration that holds, with its store.
pub struct Setup {
    pub(super) config: Config,
}

/// `file:PATH` or `env:NAME`.
#[derive(Clone, Debug)]
pub struct PinSource(Source);

/// Asks somebody for the PIN that the text names.
pub type PinPrompt<'a> = &'a dyn Fn(&str) -> io::Result<String>;

/// Where PINs come from.
pub struct Pins<'a> {
    /// What was named; goes before the configuration's own source.
    pub source: Option<PinSource>,
    /// Asked where no source is known.
    pub prompt: PinPrompt<'a>,
}

impl FromStr for PinSource {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        text.parse().map(Self)
    }
}

impl Setup {
    /// Reads the configuration: the named one, or the first of those that the module would find.
    ///
    /// # Errors
    /// [`Failure::Setup`].
    pub fn load(conf: Option<&Path>) -> Result<Self> {
        let config = Config::load(conf)?;
        log::init(&config.log);
        Ok(Self { config })
    }

    pub(super) fn store(&self) -> Result<SqliteStore> {
        Ok(SqliteStore::open(&self.config.store)?)
    }

    pub(super) fn tokens(&self) -> Result<Vec<Arc<Token>>> {
        let store = Box::new(self.store()?);
        Ok(object::tokens_of(self.config.clone(), store)?)
    }
}

impl Pins<'_> {
    /// Logs in on an initialised token.
    pub(super) fn login(&self, token: &Token, role: Role) -> Result<()> {
        token.row()?; // not initialised: nobody is asked for a PIN
        let pin = self.pin(token, role)?;
        Ok(token.login(role, pin.as_deref().map(Vec::as_slice))?)
    }

    /// `None`: the configured source's.
    fn pin(&self, token: &Token, role: Role) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let failed = |why: String| Error::new(Failure::Pin, format!("no PIN: {why}"));
        if let Some(PinSource(source)) = &self.source {
            return source.read().map(Some).map_err(failed);
        }
        if role == Role::User && token.has_pin_source() {
            return Ok(None);
        }
        let whose = match role {
            Role::User => "PIN",
            Role::So => "SO PIN",
        };
        let asked = (self.prompt)(&format!("{whose} of {}: ", token.id()));
        let pin = asked.map_err(|why| {
            failed(why.to_string()).hint("give --pin-source file:PATH or env:NAME")
        })?;
        Ok(Some(Zeroizing::new(pin.into_bytes())))
    }
}
