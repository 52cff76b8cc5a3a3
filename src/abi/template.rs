//! Templates: read from the host's memory, and attributes written to it.

use std::ffi::c_void;
use std::ptr;

use cryptoki_sys::*;

use super::args;
use crate::error::{Code, Result};
use crate::secret::Secret;
use crate::session::{Shown, Template, Value};

/// Templates inside templates: a wrap template may hold one, and that another.
const DEEPEST: usize = 2;

/// A deep copy of a template.
///
/// # Safety
/// Pointer contract 1 of [`super`], for the values and nested templates too.
pub(super) unsafe fn read(attributes: *const CK_ATTRIBUTE, count: CK_ULONG) -> Result<Template> {
    // SAFETY: pointer contract 1.
    unsafe { read_within(attributes, count, DEEPEST) }
}

/// # Safety
/// The pointer contract of [`super`].
unsafe fn read_within(
    attributes: *const CK_ATTRIBUTE,
    count: CK_ULONG,
    deeper: usize,
) -> Result<Template> {
    let count = args::length::<CK_ATTRIBUTE>(count)?;
    if count > 0 {
        args::present(attributes)?;
    }
    let mut template = Vec::new();
    template
        .try_reserve_exact(count)
        .map_err(|_| Code::HostMemory)?;
    for place in 0..count {
        // SAFETY: pointer contract 1; `place` is less than the count.
        let attribute = unsafe { args::read(attributes.wrapping_add(place)) }?;
        // SAFETY: pointer contract 1.
        template.push((attribute.type_, unsafe { value(attribute, deeper) }?));
    }
    Ok(Template(template))
}

/// # Safety
/// The pointer contract of [`super`].
unsafe fn value(attribute: CK_ATTRIBUTE, deeper: usize) -> Result<Value> {
    if is_nested(attribute.type_) {
        // SAFETY: pointer contract 1.
        return unsafe { nested(attribute, deeper) };
    }
    let given = (
        attribute.pValue.cast::<CK_BYTE>().cast_const(),
        attribute.ulValueLen,
    );
    // SAFETY: pointer contract 1; copied before the call ends.
    let bytes = unsafe { args::bytes(given) }?;
    match Template::is_secret(attribute.type_) {
        true => Secret::copy(bytes).map(Value::Secret),
        false => args::copy(bytes).map(Value::Bytes),
    }
}

/// # Safety
/// The pointer contract of [`super`].
unsafe fn nested(attribute: CK_ATTRIBUTE, deeper: usize) -> Result<Value> {
    const SIZE: CK_ULONG = size_of::<CK_ATTRIBUTE>() as CK_ULONG;
    let (count, rest) = (attribute.ulValueLen / SIZE, attribute.ulValueLen % SIZE);
    match (deeper.checked_sub(1), rest) {
        (Some(deeper), 0) => {
            let attributes = attribute.pValue.cast::<CK_ATTRIBUTE>().cast_const();
            // SAFETY: pointer contract 1.
            unsafe { read_within(attributes, count, deeper) }.map(Value::Nested)
        }
        _ => Err(Code::AttributeValueInvalid.into()),
    }
}

/// `CKA_WRAP_TEMPLATE` and its kin; `CKA_ALLOWED_MECHANISMS` is an array of something else.
fn is_nested(kind: CK_ATTRIBUTE_TYPE) -> bool {
    kind & CKF_ARRAY_ATTRIBUTE != 0
        && kind & CKA_VENDOR_DEFINED == 0
        && kind != CKA_ALLOWED_MECHANISMS
}

/// The attributes that a host asks for, answered one after the other.
pub(super) struct Asked {
    attributes: *mut CK_ATTRIBUTE,
    count: usize,
    next: usize,
    worst: Option<Code>,
}

impl Asked {
    /// # Safety
    /// Pointer contract 1, 2 and 3 of [`super`], for as long as it lives.
    pub(super) unsafe fn new(attributes: *mut CK_ATTRIBUTE, count: CK_ULONG) -> Result<Self> {
        let count = args::length::<CK_ATTRIBUTE>(count)?;
        if count > 0 {
            args::present(attributes)?;
        }
        Ok(Self {
            attributes,
            count,
            next: 0,
            worst: None,
        })
    }

    /// The types, in order.
    pub(super) fn kinds(&self) -> impl Iterator<Item = CK_ATTRIBUTE_TYPE> + use<> {
        let attributes = self.attributes.cast_const();
        (0..self.count).map_while(move |place| {
            // SAFETY: pointer contract 1, by the promise of `new`.
            let attribute = unsafe { args::read(attributes.wrapping_add(place)) };
            attribute.ok().map(|attribute| attribute.type_)
        })
    }

    /// Answers the next one.
    pub(super) fn show(&mut self, value: Result<Shown<'_>, Code>) {
        if self.next < self.count {
            let place = self.attributes.wrapping_add(self.next);
            self.next += 1;
            // SAFETY: pointer contract 1 and 2, by the promise of `new`.
            if let Err(code) = unsafe { answer(place, value) } {
                self.worst = Some(worse(self.worst, code));
            }
        }
    }

    /// The code of the whole call (rule 21).
    pub(super) fn answer(self) -> Result<()> {
        self.worst.map_or(Ok(()), |code| Err(code.into()))
    }
}

/// Which of two codes a call answers.
fn worse(old: Option<Code>, new: Code) -> Code {
    #[expect(clippy::wildcard_enum_match_arm, reason = "any other code comes first")]
    let rank = |code: Code| match code {
        Code::BufferTooSmall => 0,
        Code::AttributeTypeInvalid => 1,
        Code::AttributeSensitive => 2,
        _ => 3,
    };
    old.filter(|old| rank(*old) >= rank(new)).unwrap_or(new)
}

/// Writes one answer: the value, or its length, or that there is none.
///
/// # Safety
/// Pointer contract 1 and 2 of [`super`]; `place` is not null.
unsafe fn answer(place: *mut CK_ATTRIBUTE, value: Result<Shown<'_>, Code>) -> Result<(), Code> {
    // SAFETY: pointer contract 1.
    let mut attribute = unsafe { ptr::read_unaligned(place) };
    let done = value.and_then(|value| {
        // SAFETY: pointer contract 2.
        unsafe { put(&attribute, value) }
    });
    attribute.ulValueLen = *done.as_ref().unwrap_or(&CK_UNAVAILABLE_INFORMATION);
    // SAFETY: pointer contract 2.
    unsafe { ptr::write_unaligned(place, attribute) };
    done.map(drop)
}

/// Writes a value and gives its length.
///
/// # Safety
/// The pointer contract of [`super`].
unsafe fn put(to: &CK_ATTRIBUTE, value: Shown<'_>) -> Result<CK_ULONG, Code> {
    let needed = match value {
        Shown::Bytes(bytes) => bytes.len(),
        Shown::Nested(attributes) => attributes.iter().count() * size_of::<CK_ATTRIBUTE>(),
    } as CK_ULONG;
    if to.pValue.is_null() {
        return Ok(needed);
    }
    if to.ulValueLen < needed {
        return Err(Code::BufferTooSmall);
    }
    match value {
        // SAFETY: pointer contract 2; the room is there.
        Shown::Bytes(bytes) => unsafe { copy(bytes, to.pValue) },
        Shown::Nested(attributes) => {
            let first = to.pValue.cast::<CK_ATTRIBUTE>();
            let mut worst = Ok(());
            for (place, (kind, value)) in attributes.iter().enumerate() {
                let place = first.wrapping_add(place);
                // SAFETY: pointer contract 1 and 2; in bounds of the room.
                let done = value.show(|value| unsafe { put_nested(place, kind, value) });
                worst = worst.and(done);
            }
            worst?;
        }
    }
    Ok(needed)
}

/// One attribute inside another: its type is ours to write, its buffer, if any, is the host's.
///
/// # Safety
/// Pointer contract 1 and 2 of [`super`]; `place` is not null.
unsafe fn put_nested(
    place: *mut CK_ATTRIBUTE,
    kind: CK_ATTRIBUTE_TYPE,
    value: Shown<'_>,
) -> Result<(), Code> {
    // SAFETY: pointer contract 2: the type is the structure's first field.
    unsafe { ptr::write_unaligned(place.cast::<CK_ATTRIBUTE_TYPE>(), kind) };
    // SAFETY: pointer contract 1 and 2.
    unsafe { answer(place, Ok(value)) }
}

/// # Safety
/// The pointer contract of [`super`].
unsafe fn copy(bytes: &[u8], to: *mut c_void) {
    // SAFETY: pointer contract 2; the bytes are ours, so they do not overlap.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to.cast::<u8>(), bytes.len()) };
}
