//! The token row: what `C_InitToken` made, its PINs and their tries, the token key and its envelope
//! (formats.md §4).
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cryptoki_sys::*;

use super::blame::{self, During};
use super::pin::{Purpose, check_length};
use super::sealed::TokenKey;
use super::{Info, Role, Token};
use crate::envelope::{self, Kind, Window};
use crate::error::{Code, Error, Reason, Result};
use crate::lc;
use crate::log;
use crate::os;
use crate::secret::Secret;
use crate::store::{Guard, TokenId, TokenRow};
use crate::tether::{self, Quorum};

/// How long an answer of the store is believed without asking again (rule 11).
const FRESH: i64 = 1_000_000_000;

/// The row as it was last read.
#[derive(Default)]
pub(crate) struct LastRow {
    row: Option<Arc<TokenRow>>,
    /// The store's version and CLOCK_BOOTTIME of the reading.
    version: u64,
    read: i64,
    /// The token that this process's sessions belong to.
    bound: Option<TokenId>,
}

impl Token {
    pub(crate) fn info(&self) -> Info {
        let row = self.peek();
        Info {
            label: row
                .as_ref()
                .map_or_else(|| self.id().to_string(), |row| row.label.clone()),
            model: self.settings.provider.name().to_string(),
            serial: serial(self.id()),
            flags: self.flags(row.as_deref()),
        }
    }

    pub(crate) fn initialised(&self) -> bool {
        self.peek().is_some()
    }

    /// A session is about to be opened: this process's sessions belong to the token that is here now.
    ///
    /// # Errors
    /// `CKR_TOKEN_NOT_RECOGNIZED` before `C_InitToken`, `CKR_DEVICE_REMOVED` while sessions of the
    /// token before are open.
    pub(crate) fn recognise(&self) -> Result<()> {
        self.row().map(drop)
    }

    /// What begins with a key or a digest of no token object asks too, at most a second late (rule 11).
    ///
    /// # Errors
    /// `CKR_DEVICE_REMOVED`.
    pub(crate) fn still_ours(&self) -> Result<()> {
        let now = os::boottime_ns();
        if now - self.asked.load(Ordering::Relaxed) < FRESH {
            return Ok(());
        }
        self.row()?;
        self.asked.store(now, Ordering::Relaxed);
        Ok(())
    }

    fn flags(&self, row: Option<&TokenRow>) -> CK_FLAGS {
        let mut flags = CKF_RNG | CKF_LOGIN_REQUIRED;
        if self.settings.pin.is_some() {
            flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
        }
        let Some(row) = row else { return flags };
        flags |= CKF_TOKEN_INITIALIZED;
        if row.user.is_some() {
            flags |= CKF_USER_PIN_INITIALIZED;
        }
        flags
            | self.tries_flags(
                row.user_tries,
                CKF_USER_PIN_COUNT_LOW,
                CKF_USER_PIN_FINAL_TRY,
                CKF_USER_PIN_LOCKED,
            )
            | self.tries_flags(
                row.so_tries,
                CKF_SO_PIN_COUNT_LOW,
                CKF_SO_PIN_FINAL_TRY,
                CKF_SO_PIN_LOCKED,
            )
    }

    fn tries_flags(&self, tries: u32, low: CK_FLAGS, last: CK_FLAGS, locked: CK_FLAGS) -> CK_FLAGS {
        match self.shared.config.pin_tries.saturating_sub(tries) {
            0 => low | locked,
            1 => low | last,
            _ if tries > 0 => low,
            _ => 0,
        }
    }

    /// Makes the token anew: everything that it held is gone.
    ///
    /// # Errors
    /// `CKR_PIN_INCORRECT` and `CKR_PIN_LOCKED` for the SO PIN of an initialised token.
    pub(crate) fn init(&self, so_pin: &[u8], label: &str) -> Result<()> {
        check_length(so_pin)?;
        let found = self.shared.store.token(self.id())?;
        if let Some(row) = &found {
            self.count_and_check(row, Role::So, so_pin, Purpose::Check)?;
        }
        let row = self.new_row(so_pin, label)?;
        let audit = self.entry("token-init", format!("label {label:?}"));
        self.shared
            .store
            .init_token(self.id(), found.map(|row| row.id), &row, &audit)?;
        self.forget();
        Ok(())
    }

    fn new_row(&self, so_pin: &[u8], label: &str) -> Result<TokenRow> {
        let id = random_id();
        let quorum = tether::fresh_soft(self.id(), id)?;
        let so = quorum.rewrap(so_pin, tether::Role::So, self.pin_cost())?;
        let key = TokenKey::new(Secret::random(32)?, 1, 0);
        let token_key = self.seal_token_key(&quorum, &key, &id)?;
        Ok(TokenRow {
            id,
            label: label.to_string(),
            so: Some(so.into()),
            user: None,
            so_tries: 0,
            user_tries: 0,
            generation: key.generation,
            token_key,
        })
    }

    fn seal_token_key(&self, quorum: &Quorum, key: &TokenKey, id: &TokenId) -> Result<Vec<u8>> {
        let payload = key.payload(id)?;
        let now = os::realtime_ns();
        let request = envelope::Request {
            kind: Kind::Token,
            window: self.token_window(now)?,
            payload: payload.expose(),
            aad: &[],
            unix_ns: now,
            verify: true,
        };
        let sealed = envelope::seal(quorum, &request)
            .map_err(|error| blame::envelope(error, During::Seal))?;
        Ok(sealed.bytes)
    }

    fn token_window(&self, now: i64) -> Result<Window> {
        let closes = self.settings.token_window.closes(now);
        let closes = closes.map_err(|_| Error::new(Code::GeneralError, Reason::Configuration))?;
        Ok(Window {
            closes,
            ..Window::default()
        })
    }

    /// Wipes what the login opened and every private session object.
    pub(crate) fn logout(&self) {
        self.quorum.lock();
        *self.key.write() = None;
        self.heap
            .all_loaded()
            .iter()
            .for_each(|object| object.material.close());
        self.heap.forget_private();
    }

    /// The last session on this token was closed: the next may find another token here.
    pub(crate) fn all_closed(&self) {
        self.last.lock().bound = None;
        self.asked.store(0, Ordering::Relaxed);
    }

    // The row, and whom it belongs to

    /// The row as the store has it, at most a second old. The first reading binds this process's
    /// sessions to the token; another token is `CKR_DEVICE_REMOVED` from then on (rule 11).
    pub(crate) fn row(&self) -> Result<Arc<TokenRow>> {
        let row = self.recent()?.ok_or(Code::TokenNotRecognized)?;
        let mut last = self.last.lock();
        let bound = *last.bound.get_or_insert(row.id);
        match bound == row.id {
            true => Ok(row),
            false => Err(replaced()),
        }
    }

    pub(crate) fn bound_id(&self) -> Result<TokenId> {
        Ok(self.row()?.id)
    }

    pub(crate) fn guard<'a>(&'a self, row: &TokenRow) -> Guard<'a> {
        Guard {
            name: self.id(),
            id: row.id,
            generation: row.generation,
        }
    }

    fn peek(&self) -> Option<Arc<TokenRow>> {
        self.recent().ok().flatten()
    }

    fn recent(&self) -> Result<Option<Arc<TokenRow>>> {
        let now = os::boottime_ns();
        let mut last = self.last.lock();
        if now - last.read < FRESH && last.row.is_some() {
            return Ok(last.row.clone());
        }
        let version = self.shared.store.version()?;
        if version != last.version || last.row.is_none() {
            last.row = self.shared.store.token(self.id())?.map(Arc::new);
            last.version = version;
        }
        last.read = now;
        Ok(last.row.clone())
    }

    /// The next look at the row asks the store.
    pub(crate) fn stale(&self) {
        let mut last = self.last.lock();
        (last.row, last.read) = (None, 0);
    }

    fn forget(&self) {
        self.quorum.lock();
        *self.key.write() = None;
        self.heap.forget_rows();
        *self.last.lock() = LastRow::default();
    }

    /// The token key, opened again if its lease has ended.
    ///
    /// # Errors
    /// `CKR_USER_NOT_LOGGED_IN` while the sibling is locked.
    pub(crate) fn token_key(&self) -> Result<Arc<TokenKey>> {
        let held = self.key.read().clone();
        if let Some(key) = held.filter(|key| os::boottime_ns() < key.until) {
            return Ok(key);
        }
        let row = self.row()?;
        let opened = self.open_token_envelope(&row.token_key)?;
        let until = self.lease_end(&opened.header.window);
        let key = TokenKey::of_payload(opened.payload.expose(), &row.id, row.generation, until)
            .ok_or_else(|| Error::new(Code::DeviceError, Reason::StoreDamaged))?;
        self.renew_if_late(&row, &key, &opened.header);
        let key = Arc::new(key);
        *self.key.write() = Some(Arc::clone(&key));
        Ok(key)
    }

    /// Where the token key's envelope has a window, it is sealed anew at its first use in the last
    /// quarter (design.md §5). The old one stays if the store cannot be written.
    fn renew_if_late(&self, row: &TokenRow, key: &TokenKey, header: &envelope::Header) {
        let now = crate::clock::tick(os::realtime_ns());
        let Some(closes) = header.window.closes else {
            return;
        };
        let quarter = closes.saturating_sub(header.created.tick) / 4;
        if now.saturating_add(quarter) < closes {
            return;
        }
        if let Err(why) = self.renew(row, key) {
            log::warn(format_args!(
                "the token key of {} was not sealed anew: {why}",
                self.id()
            ));
        }
    }

    fn renew(&self, row: &TokenRow, key: &TokenKey) -> Result<()> {
        let anew = self.seal_token_key(&self.quorum, key, &row.id)?;
        let audit = self.entry("token-key-renew", String::new());
        self.shared
            .store
            .swap_token_key(&self.guard(row), &row.token_key, &anew, &audit)?;
        self.stale();
        Ok(())
    }

    fn open_token_envelope(&self, bytes: &[u8]) -> Result<envelope::Opened> {
        let blamed = |error| blame::envelope(error, During::Store);
        let header = envelope::inspect(bytes).map_err(blamed)?;
        let now = self.judge(&header.window)?;
        envelope::open(&self.quorum, bytes, Kind::Token, &[], now).map_err(blamed)
    }

    /// formats.md §5: a lease ends with its window.
    pub(crate) fn lease_end(&self, window: &Window) -> i64 {
        let left = window.left_ns(os::realtime_ns()).unwrap_or(i64::MAX);
        os::boottime_ns().saturating_add(self.settings.lease_ns().min(left))
    }
}

pub(super) fn replaced() -> Error {
    Error::new(Code::DeviceRemoved, Reason::TokenReplaced)
}

pub(crate) fn random_id() -> [u8; 16] {
    let mut id = [0; 16];
    lc::random::fill(&mut id);
    id
}

/// Rule 8: 16 hex digits of the key reference's SHA-256; Soft's key is known by its sibling.
fn serial(reference: &str) -> String {
    let digest = lc::digest::sha256(&[b"soft:", reference.as_bytes()]);
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
