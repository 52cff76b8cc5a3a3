//! Objects (PKCS#11 3.2, 5.7).

use cryptoki_sys::*;

use super::args;
use super::entry::entry;
use super::template;
use crate::session::on;

/// Makes an object from its attributes.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_CreateObject(
    session: CK_SESSION_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    object: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_CreateObject", || {
        on(session, |session| {
            args::present(object)?;
            // SAFETY: pointer contract 1.
            let template = unsafe { template::read(attributes, count) }?;
            // SAFETY: pointer contract 2.
            unsafe { args::write(object, session.create(template)?) }
        })
    })
}

/// Copies an object, with changes.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_CopyObject(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    copy: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_CopyObject", || {
        on(session, |session| {
            args::present(copy)?;
            // SAFETY: pointer contract 1.
            let template = unsafe { template::read(attributes, count) }?;
            // SAFETY: pointer contract 2.
            unsafe { args::write(copy, session.copy(object, template)?) }
        })
    })
}

/// Destroys an object.
///
/// # Safety
/// None: no pointers.
pub(super) unsafe extern "C" fn C_DestroyObject(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
) -> CK_RV {
    entry("C_DestroyObject", || {
        on(session, |session| session.destroy(object))
    })
}

/// An object's size in bytes.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetObjectSize(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    size: *mut CK_ULONG,
) -> CK_RV {
    entry("C_GetObjectSize", || {
        on(session, |session| {
            args::present(size)?;
            // SAFETY: pointer contract 2.
            unsafe { args::write(size, session.size(object)?) }
        })
    })
}

/// Reads attributes.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_GetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    entry("C_GetAttributeValue", || {
        on(session, |session| {
            // SAFETY: pointer contract 1, 2 and 3; used in this call only.
            let mut asked = unsafe { template::Asked::new(attributes, count) }?;
            let mut kinds = asked.kinds();
            session.attributes(object, &mut kinds, &mut |_, value| asked.show(value))?;
            asked.answer()
        })
    })
}

/// Changes attributes.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_SetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    entry("C_SetAttributeValue", || {
        on(session, |session| {
            // SAFETY: pointer contract 1.
            let template = unsafe { template::read(attributes, count) }?;
            session.set_attributes(object, template)
        })
    })
}

/// Starts a search.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_FindObjectsInit(
    session: CK_SESSION_HANDLE,
    attributes: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    entry("C_FindObjectsInit", || {
        on(session, |session| {
            // SAFETY: pointer contract 1.
            let template = unsafe { template::read(attributes, count) }?;
            session.find_init(&template)
        })
    })
}

/// The next objects that a search found.
///
/// # Safety
/// The pointer contract of [`super`].
pub(super) unsafe extern "C" fn C_FindObjects(
    session: CK_SESSION_HANDLE,
    objects: *mut CK_OBJECT_HANDLE,
    most: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    entry("C_FindObjects", || {
        on(session, |session| {
            args::present(count)?;
            let most = args::length::<CK_OBJECT_HANDLE>(most)?;
            if most > 0 {
                args::present(objects)?;
            }
            let found = session.find(most, |place, handle| {
                // SAFETY: pointer contract 2; `place` is less than `most`.
                unsafe { args::write(objects.wrapping_add(place), handle) }
            })?;
            // SAFETY: pointer contract 2.
            unsafe { args::write(count, found as CK_ULONG) }
        })
    })
}

/// Ends a search.
///
/// # Safety
/// None: no pointers.
pub(super) unsafe extern "C" fn C_FindObjectsFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    entry("C_FindObjectsFinal", || {
        on(session, |session| session.find_final())
    })
}
