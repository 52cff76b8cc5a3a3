//! Soft: a master key that comes of a random root, which rests on this disk under PINs
//! (formats.md §4.1 to 4.5). Locked, it knows its id and nothing else.
#![forbid(unsafe_code)]

use std::sync::Arc;

use parking_lot::RwLock;

use super::pin;
use super::{Binding, Cost, Error, Master, Pinned, Record, Role, Sibling, Wrap, Wrapped};
use crate::cbor::Item;
use crate::error::Code;
use crate::lc;
use crate::secret::Secret;

/// Salt, 32 bytes of share, tag.
const WRAPPED: usize = 32 + 32 + 16;

/// The default sibling of a machine.
pub(crate) struct Soft {
    id: String,
    /// Taken out under the lock, used without it.
    open: RwLock<Option<Arc<Open>>>,
}

/// What a PIN opens.
struct Open {
    token: [u8; 16],
    root: Secret,
    kek: Secret,
    fingerprint: [u8; 8],
}

impl Open {
    fn new(token: [u8; 16], root: Secret) -> Result<Self, Error> {
        let kek = [Item::Text("zeq-byok/1 soft kek"), Item::Null];
        Ok(Self {
            kek: root.derive(&token, Item::Array(&kek))?,
            fingerprint: super::fingerprint(&canonical(&token, &root)?, None),
            token,
            root,
        })
    }

    /// The key that wraps one share, under its salt.
    fn once(&self, salt: &[u8; 32], binding: &[u8]) -> Result<Secret, Error> {
        let info = [Item::Text("zeq-byok/1 soft wrap"), Item::Bytes(binding)];
        Ok(self.kek.derive(salt, Item::Array(&info))?)
    }
}

/// `soft:` and 32 hexadecimal digits.
fn canonical(token: &[u8; 16], root: &Secret) -> Result<String, Error> {
    let name = root.derive(token, Item::Array(&[Item::Text("zeq-byok/1 soft name")]))?;
    let hex = |half: &[u8]| {
        half.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let half = name.expose().first_chunk::<16>();
    let half = half.ok_or(Error::Internal("HKDF gave too little"))?;
    Ok(format!("soft:{}", hex(half)))
}

impl Soft {
    pub(crate) fn locked(id: &str) -> Self {
        Self {
            id: id.to_string(),
            open: RwLock::new(None),
        }
    }

    /// A new root for a new token, in use at once and kept nowhere yet.
    pub(crate) fn fresh(id: &str, token: [u8; 16]) -> Result<Self, Error> {
        Self::with_root(id, token, Secret::random(32)?)
    }

    fn with_root(id: &str, token: [u8; 16], root: Secret) -> Result<Self, Error> {
        let open = Arc::new(Open::new(token, root)?);
        Ok(Self {
            id: id.to_string(),
            open: RwLock::new(Some(open)),
        })
    }

    fn opened(&self) -> Result<Arc<Open>, Error> {
        self.open
            .read()
            .as_ref()
            .map(Arc::clone)
            .ok_or(Error::Locked)
    }

    /// The salt must be fresh and random.
    fn wrap_under(
        &self,
        salt: &[u8; 32],
        binding: &Binding,
        share: &Secret,
    ) -> Result<Vec<u8>, Error> {
        let binding = binding.encode();
        let key = self.opened()?.once(salt, &binding)?;
        Ok([&salt[..], &key.seal_once(&binding, share.expose())?].concat())
    }
}

impl Sibling for Soft {
    fn id(&self) -> &str {
        &self.id
    }

    fn master(&self) -> Option<Master> {
        let open = self.opened().ok()?;
        Some(Master {
            wrap: Wrap::Soft,
            fingerprint: open.fingerprint,
        })
    }

    fn wrapped_len(&self) -> usize {
        WRAPPED
    }

    fn wrap(&self, binding: &Binding, share: &Secret) -> Result<Wrapped, Error> {
        let mut salt = [0; 32];
        lc::random::fill(&mut salt);
        let bytes = self.wrap_under(&salt, binding, share)?;
        Ok(Wrapped {
            bytes,
            version: None,
        })
    }

    fn unwrap(&self, binding: &Binding, wrapped: &Wrapped) -> Result<Secret, Error> {
        let open = self.opened()?;
        let parts = wrapped.bytes.split_first_chunk::<32>();
        let (salt, sealed) = parts
            .filter(|_| wrapped.bytes.len() == WRAPPED)
            .ok_or(Error::Mismatch)?;
        let binding = binding.encode();
        open.once(salt, &binding)?
            .open_once(&binding, sealed)
            .map_err(|e| match e.code == Code::EncryptedDataInvalid {
                true => Error::Mismatch,
                false => e.into(),
            })
    }

    fn pinned(&self) -> Option<&dyn Pinned> {
        Some(self)
    }
}

impl Pinned for Soft {
    fn unlock(
        &self,
        pin: &[u8],
        token: &[u8; 16],
        role: Role,
        record: &Record,
    ) -> Result<(), Error> {
        let root = pin::open(record, pin, token, role)?;
        let open = Open::new(*token, root)?;
        *self.open.write() = Some(Arc::new(open));
        Ok(())
    }

    fn check(
        &self,
        pin: &[u8],
        token: &[u8; 16],
        role: Role,
        record: &Record,
    ) -> Result<(), Error> {
        pin::open(record, pin, token, role).map(drop)
    }

    fn rewrap(&self, pin: &[u8], role: Role, cost: Cost) -> Result<Record, Error> {
        let open = self.opened()?;
        pin::seal(&open.root, pin, &open.token, role, cost)
    }

    fn lock(&self) {
        *self.open.write() = None;
    }

    fn is_locked(&self) -> bool {
        self.open.read().is_none()
    }
}

/// A Soft whose root and salts are given: for the published vectors.
#[cfg(test)]
pub(crate) struct Fixed {
    pub(crate) soft: Soft,
    pub(crate) salt: [u8; 32],
}

#[cfg(test)]
impl Fixed {
    pub(crate) fn new(id: &str, token: [u8; 16], root: &[u8], salt: [u8; 32]) -> Self {
        let root = Secret::copy(root).unwrap();
        Self {
            soft: Soft::with_root(id, token, root).unwrap(),
            salt,
        }
    }
}

#[cfg(test)]
impl Sibling for Fixed {
    fn id(&self) -> &str {
        self.soft.id()
    }
    fn master(&self) -> Option<Master> {
        self.soft.master()
    }
    fn wrapped_len(&self) -> usize {
        self.soft.wrapped_len()
    }
    fn wrap(&self, binding: &Binding, share: &Secret) -> Result<Wrapped, Error> {
        let bytes = self.soft.wrap_under(&self.salt, binding, share)?;
        Ok(Wrapped {
            bytes,
            version: None,
        })
    }
    fn unwrap(&self, binding: &Binding, wrapped: &Wrapped) -> Result<Secret, Error> {
        self.soft.unwrap(binding, wrapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory: 8,
        passes: 1,
        lanes: 1,
    };

    fn binding() -> Binding {
        Binding {
            envelope: [1; 16],
            header: [2; 32],
            index: 1,
            opens: None,
            closes: Some(9),
        }
    }

    #[test]
    fn a_share_comes_back_under_its_binding_and_no_other() {
        let soft = Soft::fresh("soft", [5; 16]).unwrap();
        let share = Secret::random(32).unwrap();
        let wrapped = soft.wrap(&binding(), &share).unwrap();
        assert_eq!(wrapped.bytes.len(), soft.wrapped_len());
        assert!(
            soft.unwrap(&binding(), &wrapped)
                .unwrap()
                .is(share.expose())
        );
        for other in [
            Binding {
                envelope: [0; 16],
                ..binding()
            },
            Binding {
                header: [0; 32],
                ..binding()
            },
            Binding {
                index: 2,
                ..binding()
            },
            Binding {
                opens: Some(0),
                ..binding()
            },
            Binding {
                closes: None,
                ..binding()
            },
        ] {
            assert!(
                matches!(soft.unwrap(&other, &wrapped), Err(Error::Mismatch)),
                "{other:?}"
            );
        }
        for at in 0..wrapped.bytes.len() {
            let mut bad = wrapped.clone();
            bad.bytes[at] ^= 1;
            assert!(
                matches!(soft.unwrap(&binding(), &bad), Err(Error::Mismatch)),
                "byte {at}"
            );
        }
    }

    #[test]
    fn both_pins_lead_to_the_same_master_key() {
        let soft = Soft::fresh("soft", [5; 16]).unwrap();
        let fingerprint = soft.master().unwrap().fingerprint;
        let share = Secret::random(32).unwrap();
        let wrapped = soft.wrap(&binding(), &share).unwrap();
        let so = soft.rewrap(b"so pin", Role::So, CHEAP).unwrap();
        let user = soft.rewrap(b"user pin", Role::User, CHEAP).unwrap();

        let later = Soft::locked("soft");
        assert!(later.master().is_none());
        assert!(matches!(
            later.unwrap(&binding(), &wrapped),
            Err(Error::Locked)
        ));
        later.unlock(b"so pin", &[5; 16], Role::So, &so).unwrap();
        assert_eq!(later.master().unwrap().fingerprint, fingerprint);
        later.lock();
        assert!(later.is_locked());
        later
            .unlock(b"user pin", &[5; 16], Role::User, &user)
            .unwrap();
        assert!(
            later
                .unwrap(&binding(), &wrapped)
                .unwrap()
                .is(share.expose())
        );
    }

    #[test]
    fn checking_a_pin_unlocks_nothing_and_a_wrong_one_locks_nothing() {
        let soft = Soft::fresh("soft", [5; 16]).unwrap();
        let record = soft.rewrap(b"1234", Role::User, CHEAP).unwrap();
        let locked = Soft::locked("soft");
        locked
            .check(b"1234", &[5; 16], Role::User, &record)
            .unwrap();
        assert!(locked.is_locked());
        let wrong = soft.unlock(b"4321", &[5; 16], Role::User, &record);
        assert!(matches!(wrong, Err(Error::PinIncorrect)));
        assert!(!soft.is_locked());
    }

    #[test]
    fn no_two_wrappings_of_a_share_are_the_same() {
        let soft = Soft::fresh("soft", [5; 16]).unwrap();
        let share = Secret::random(32).unwrap();
        let once = || soft.wrap(&binding(), &share).unwrap().bytes;
        assert_ne!(once(), once());
    }
}
