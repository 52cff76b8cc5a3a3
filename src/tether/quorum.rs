//! The fan-out: every member wraps, any k unwrap. Members are asked one after the other here; with
//! more than one they will be asked at once.
#![forbid(unsafe_code)]

use std::sync::Arc;

use super::Error;
use crate::secret::Secret;
use crate::sibling;
use crate::sibling::{Binding, Cost, Pinned, Record, Role, Sibling, Wrapped};

/// A sibling or a tether: who can open what was sealed to it.
#[derive(Clone)]
pub(crate) struct Quorum {
    #[expect(dead_code, reason = "a tether's name, for its slot and its log")]
    id: String,
    k: u8,
    members: Vec<Arc<dyn Sibling>>,
}

/// A wrapped share and whom to ask for it.
pub(crate) struct Given<'a> {
    pub(crate) member: &'a dyn Sibling,
    pub(crate) binding: Binding,
    pub(crate) wrapped: Wrapped,
}

impl Quorum {
    /// One sibling on its own.
    pub(crate) fn lone(sibling: Arc<dyn Sibling>) -> Self {
        Self {
            id: sibling.id().to_string(),
            k: 1,
            members: vec![sibling],
        }
    }

    pub(crate) fn k(&self) -> u8 {
        self.k
    }

    /// In the order of their shares.
    pub(crate) fn members(&self) -> &[Arc<dyn Sibling>] {
        &self.members
    }

    pub(crate) fn siblings(&self) -> impl Iterator<Item = &dyn Sibling> {
        self.members.iter().map(|member| &**member)
    }

    /// Wraps a share for each member, under the binding of the same place.
    ///
    /// # Errors
    /// [`Error::TooFew`] with the first that did not.
    pub(crate) fn wrap_all(
        &self,
        shares: &[Secret],
        bindings: &[Binding],
    ) -> Result<Vec<Wrapped>, Error> {
        let work = self.members.iter().zip(shares).zip(bindings);
        work.map(|((member, share), binding)| {
            member
                .wrap(binding, share)
                .map_err(|why| Error::one(member.id(), why))
        })
        .collect()
    }

    /// Asks until `want` shares have come that `fits` takes, and gives them with their indices.
    ///
    /// # Errors
    /// [`Error::TooFew`] with each that did not, and why; a share that does not fit is
    /// [`sibling::Error::Mismatch`].
    pub(crate) fn unwrap_any(
        &self,
        given: &[Given<'_>],
        want: usize,
        fits: impl Fn(u8, &Secret) -> bool,
    ) -> Result<Vec<(u8, Secret)>, Error> {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for one in given {
            match unwrap(one, &fits) {
                Ok(share) => good.push((one.binding.index, share)),
                Err(why) => bad.push((one.member.id().to_string(), why)),
            }
            if good.len() >= want {
                return Ok(good);
            }
        }
        Err(Error::TooFew(bad))
    }

    // A PIN: what object/token.rs asks of the one member that has one.

    /// Opens the root that a record holds and takes it into use.
    pub(crate) fn unlock(
        &self,
        pin: &[u8],
        token: &[u8; 16],
        role: Role,
        record: &Record,
    ) -> Result<(), Error> {
        self.ask(|soft| soft.unlock(pin, token, role, record))
    }

    /// Checks a PIN; nothing changes.
    pub(crate) fn check_pin(
        &self,
        pin: &[u8],
        token: &[u8; 16],
        role: Role,
        record: &Record,
    ) -> Result<(), Error> {
        self.ask(|soft| soft.check(pin, token, role, record))
    }

    /// A new record of the root that is in use, under a fresh salt.
    pub(crate) fn rewrap(&self, pin: &[u8], role: Role, cost: Cost) -> Result<Record, Error> {
        self.ask(|soft| soft.rewrap(pin, role, cost))
    }

    /// Wipes what [`Self::unlock`] opened.
    pub(crate) fn lock(&self) {
        self.pinned().for_each(|(_, member)| member.lock());
    }

    /// Whether a member wants a PIN first.
    pub(crate) fn is_locked(&self) -> bool {
        self.pinned().any(|(_, member)| member.is_locked())
    }

    /// That a member wants a PIN first, as the answer of who asked.
    pub(crate) fn locked(&self) -> Error {
        let locked = self.pinned().filter(|(_, member)| member.is_locked());
        Error::TooFew(
            locked
                .map(|(id, _)| (id.to_string(), sibling::Error::Locked))
                .collect(),
        )
    }

    /// Whether any member keeps its master key under a PIN.
    pub(crate) fn has_pin(&self) -> bool {
        self.pinned().next().is_some()
    }

    fn ask<T>(
        &self,
        question: impl FnOnce(&dyn Pinned) -> Result<T, sibling::Error>,
    ) -> Result<T, Error> {
        let (id, member) = self.pinned().next().ok_or(Error::NoPin)?;
        question(member).map_err(|why| Error::one(id, why))
    }

    fn pinned(&self) -> impl Iterator<Item = (&str, &dyn Pinned)> {
        self.members
            .iter()
            .filter_map(|member| Some((member.id(), member.pinned()?)))
    }
}

fn unwrap(
    given: &Given<'_>,
    fits: &impl Fn(u8, &Secret) -> bool,
) -> Result<Secret, sibling::Error> {
    let Given {
        member,
        binding,
        wrapped,
    } = given;
    let share = member.unwrap(binding, wrapped)?;
    match fits(binding.index, &share) {
        true => Ok(share),
        false => Err(sibling::Error::Mismatch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tether;

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
            closes: None,
        }
    }

    #[test]
    fn a_share_that_does_not_fit_is_that_members_fault() {
        let quorum = tether::fresh_soft("soft", [4; 16]).unwrap();
        let share = [Secret::random(32).unwrap()];
        let wrapped = quorum.wrap_all(&share, &[binding()]).unwrap().remove(0);
        let given = [Given {
            member: &*quorum.members()[0],
            binding: binding(),
            wrapped,
        }];
        let shares = quorum.unwrap_any(&given, 1, |_, _| true).unwrap();
        assert!(shares[0].1.is(share[0].expose()));
        let Err(Error::TooFew(why)) = quorum.unwrap_any(&given, 1, |_, _| false) else {
            panic!("taken")
        };
        assert!(
            matches!(&why[..], [(id, sibling::Error::Mismatch)] if id == "soft"),
            "{why:?}"
        );
    }

    #[test]
    fn a_pin_reaches_the_one_member_that_has_one() {
        let quorum = tether::fresh_soft("soft", [4; 16]).unwrap();
        let record = quorum.rewrap(b"1234", Role::User, CHEAP).unwrap();
        let later = tether::soft("soft");
        assert!(later.has_pin() && later.is_locked());
        later
            .check_pin(b"1234", &[4; 16], Role::User, &record)
            .unwrap();
        assert!(later.is_locked());
        let wrong = later.unlock(b"0000", &[4; 16], Role::User, &record);
        assert!(wrong.is_err() && later.is_locked());
        later
            .unlock(b"1234", &[4; 16], Role::User, &record)
            .unwrap();
        assert!(!later.is_locked());
        later.lock();
        assert!(later.is_locked());
    }
}
