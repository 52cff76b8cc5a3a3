//! Random bytes (PKCS#11 3.2, 5.19).

use std::slice;

use cryptoki_sys::*;

use super::args;
use super::entry::entry;
use crate::session::on;

/// Takes a host's seed, and has no use for it: the generator seeds itself from the system.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_SeedRandom(
    session: CK_SESSION_HANDLE,
    seed: *mut CK_BYTE,
    seed_len: CK_ULONG,
) -> CK_RV {
    entry("C_SeedRandom", || {
        on(session, |_session| {
            // SAFETY: pointer contract 1 and 3; not looked at.
            unsafe { args::bytes((seed.cast_const(), seed_len)) }?;
            Ok(())
        })
    })
}

/// Random bytes; none is a length too.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GenerateRandom(
    session: CK_SESSION_HANDLE,
    random: *mut CK_BYTE,
    len: CK_ULONG,
) -> CK_RV {
    entry("C_GenerateRandom", || {
        on(session, |session| {
            let len = args::length::<CK_BYTE>(len)?;
            if len == 0 {
                return Ok(());
            }
            args::present(random)?;
            // SAFETY: pointer contract 2; the length fits a slice.
            session.random(unsafe { slice::from_raw_parts_mut(random, len) });
            Ok(())
        })
    })
}
