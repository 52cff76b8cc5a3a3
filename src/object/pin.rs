//! PINs: one login at a time over all processes, the try counted before Argon2id runs (formats.md §4,
//! rule 12).
#![forbid(unsafe_code)]

use zeroize::Zeroizing;

use super::token::replaced;
use super::{Role, Token};
use crate::error::{Code, Error, Reason, Result};
use crate::store::{PinRecord, PinRole, TokenRow};
use crate::tether;

/// PIN lengths in bytes, as hosts expect them.
pub(crate) const PIN_LENGTHS: std::ops::RangeInclusive<usize> = 4..=255;

impl Token {
    /// Counts the try, checks the PIN, unlocks the sibling. `None` is a NULL PIN: the configured
    /// source's.
    pub(crate) fn login(&self, role: Role, pin: Option<&[u8]>) -> Result<()> {
        let pin = self.pin_or_source(pin)?;
        self.count_and_check(&*self.row()?, role, &pin, Purpose::Unlock)
    }

    /// Checks the user's PIN and counts, changes nothing else (CKU_CONTEXT_SPECIFIC).
    pub(crate) fn check_pin(&self, pin: Option<&[u8]>) -> Result<()> {
        let pin = self.pin_or_source(pin)?;
        self.count_and_check(&*self.row()?, Role::User, &pin, Purpose::Check)
    }

    /// The user's PIN by the SO, who is logged in and so holds the root.
    pub(crate) fn init_pin(&self, pin: &[u8]) -> Result<()> {
        check_length(pin)?;
        let row = self.row()?;
        let record = self
            .quorum
            .rewrap(pin, tether::Role::User, self.pin_cost())?;
        let so = row.so.as_ref().ok_or(Code::UserPinNotInitialized)?;
        self.put_pin(
            &row,
            PinRole::User,
            record.into(),
            &[(PinRole::So, &so.head)],
        )
    }

    pub(crate) fn set_pin(&self, role: Role, old: &[u8], new: &[u8]) -> Result<()> {
        check_length(new)?;
        let row = self.row()?;
        self.count_and_check(&row, role, old, Purpose::Check)?;
        let head = record_of(&row, role)?.head.clone();
        let record = self.rewrapped(&row, role, old, new)?;
        self.put_pin(&row, role.into(), record.into(), &[(role.into(), &head)])
    }

    /// A record of the same root under another PIN, also by who is not logged in.
    fn rewrapped(
        &self,
        row: &TokenRow,
        role: Role,
        old: &[u8],
        new: &[u8],
    ) -> Result<tether::Record> {
        let (tether_role, cost) = (role.into(), self.pin_cost());
        if !self.quorum.is_locked() {
            return Ok(self.quorum.rewrap(new, tether_role, cost)?);
        }
        let aside = tether::soft(self.id());
        aside.unlock(
            old,
            &row.id,
            tether_role,
            &record_of(row, role)?.clone().into(),
        )?;
        Ok(aside.rewrap(new, tether_role, cost)?)
    }

    fn put_pin(
        &self,
        row: &TokenRow,
        role: PinRole,
        record: PinRecord,
        still: &[(PinRole, &[u8])],
    ) -> Result<()> {
        let audit = self.entry("pin-set", format!("{role:?}").to_lowercase());
        self.shared
            .store
            .set_pin(&self.guard(row), role, &record, still, &audit)?;
        self.stale();
        Ok(())
    }

    /// formats.md §4, PIN check: one login at a time over all processes; the try is counted in the
    /// store before Argon2id runs (rule 12).
    pub(super) fn count_and_check(
        &self,
        seen: &TokenRow,
        role: Role,
        pin: &[u8],
        why: Purpose,
    ) -> Result<()> {
        let _turn = self.shared.store.login_turn(self.id())?;
        let row = self.shared.store.token(self.id())?.ok_or_else(replaced)?;
        if row.id != seen.id {
            return Err(replaced());
        }
        let record = record_of(&row, role)?.clone().into();
        let tries = match role {
            Role::User => row.user_tries,
            Role::So => row.so_tries,
        };
        if tries >= self.shared.config.pin_tries {
            return Err(Code::PinLocked.into());
        }
        let guard = self.guard(&row);
        self.shared
            .store
            .set_tries(&guard, role.into(), tries + 1)?;
        self.stale();
        let checked = match why {
            Purpose::Unlock => self.quorum.unlock(pin, &row.id, role.into(), &record),
            Purpose::Check => self.quorum.check_pin(pin, &row.id, role.into(), &record),
        };
        let checked = checked.map_err(Error::from);
        let left = match &checked {
            Ok(()) => 0,
            Err(error) if error.code == Code::PinIncorrect => return checked,
            // Nothing was learnt of the PIN.
            Err(_) => tries,
        };
        let kept = self.shared.store.set_tries(&guard, role.into(), left);
        checked.and_then(|()| Ok(kept?)).inspect_err(|_| {
            if matches!(why, Purpose::Unlock) {
                self.quorum.lock();
            }
        })
    }

    fn pin_or_source(&self, pin: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
        match (pin, &self.settings.pin) {
            (Some(pin), _) => Ok(Zeroizing::new(pin.to_vec())),
            (None, Some(source)) => source
                .read()
                .map_err(|why| Error::new(Code::PinIncorrect, Reason::Configuration).because(why)),
            (None, None) => Err(Code::ArgumentsBad.into()),
        }
    }

    pub(super) fn pin_cost(&self) -> tether::Cost {
        self.settings
            .pin_cost
            .map_or(tether::Cost::DEFAULT, |cost| tether::Cost {
                memory: cost.memory,
                passes: cost.passes,
                lanes: cost.lanes,
            })
    }
}

/// What a PIN is checked for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Unlock,
    Check,
}

pub(super) fn check_length(pin: &[u8]) -> Result<()> {
    match PIN_LENGTHS.contains(&pin.len()) {
        true => Ok(()),
        false => Err(Code::PinLenRange.into()),
    }
}

fn record_of(row: &TokenRow, role: Role) -> Result<&PinRecord> {
    let record = match role {
        Role::User => &row.user,
        Role::So => &row.so,
    };
    record
        .as_ref()
        .ok_or_else(|| Code::UserPinNotInitialized.into())
}

impl From<Role> for PinRole {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::So => Self::So,
        }
    }
}

impl From<Role> for tether::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::So => Self::So,
        }
    }
}

impl From<tether::Record> for PinRecord {
    fn from(record: tether::Record) -> Self {
        let tether::Record {
            head,
            check,
            sealed_root,
        } = record;
        Self {
            head,
            check,
            sealed_root,
        }
    }
}

impl From<PinRecord> for tether::Record {
    fn from(record: PinRecord) -> Self {
        let PinRecord {
            head,
            check,
            sealed_root,
        } = record;
        Self {
            head,
            check,
            sealed_root,
        }
    }
}
