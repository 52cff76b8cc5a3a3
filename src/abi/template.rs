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

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    fn attribute<T>(kind: CK_ATTRIBUTE_TYPE, value: &mut [T]) -> CK_ATTRIBUTE {
        CK_ATTRIBUTE {
            type_: kind,
            pValue: value.as_mut_ptr().cast(),
            ulValueLen: size_of_val(value) as CK_ULONG,
        }
    }

    fn code(attributes: &[CK_ATTRIBUTE], count: CK_ULONG) -> Code {
        // SAFETY: what is wrong is refused before it is read.
        let done = unsafe { read(attributes.as_ptr(), count) };
        done.err().map(|error| error.code).unwrap()
    }

    #[test]
    fn values_are_copied_and_secret_ones_into_secret_memory() {
        let (mut label, mut value) = (*b"name", [7_u8; 16]);
        let given = [
            attribute(CKA_LABEL, &mut label),
            attribute(CKA_VALUE, &mut value),
        ];
        // SAFETY: the arrays are there.
        let Template(read) = unsafe { read(given.as_ptr(), 2) }.unwrap();
        assert!(matches!(&read[0], (CKA_LABEL, Value::Bytes(bytes)) if bytes == b"name"));
        assert!(matches!(&read[1], (CKA_VALUE, Value::Secret(secret)) if secret.is(&[7; 16])));
    }

    #[test]
    fn lengths_that_nothing_has_are_bad_arguments() {
        let mut byte = [1_u8];
        let mut huge = attribute(CKA_LABEL, &mut byte);
        huge.ulValueLen = CK_UNAVAILABLE_INFORMATION;
        assert_eq!(code(&[huge], 1), Code::ArgumentsBad);
        huge.pValue = null_mut();
        huge.ulValueLen = 1;
        assert_eq!(code(&[huge], 1), Code::ArgumentsBad);
        assert_eq!(code(&[], CK_ULONG::MAX), Code::ArgumentsBad);
        // SAFETY: null.
        assert!(unsafe { read(null_mut(), 1) }.is_err());
        // SAFETY: null.
        assert!(unsafe { read(null_mut(), 0) }.unwrap().0.is_empty());
    }

    #[test]
    fn templates_lie_in_templates_to_a_depth() {
        let mut flag = [CK_TRUE];
        let mut inner = [attribute(CKA_ENCRYPT, &mut flag)];
        let mut middle = [attribute(CKA_WRAP_TEMPLATE, &mut inner)];
        let mut outer = [attribute(CKA_WRAP_TEMPLATE, &mut middle)];
        // SAFETY: the arrays are there.
        assert!(unsafe { read(outer.as_ptr(), 1) }.is_ok());
        let deepest = [attribute(CKA_WRAP_TEMPLATE, &mut outer)];
        assert_eq!(code(&deepest, 1), Code::AttributeValueInvalid);
        let mut cut = [attribute(CKA_WRAP_TEMPLATE, &mut inner)];
        cut[0].ulValueLen -= 1;
        assert_eq!(code(&cut, 1), Code::AttributeValueInvalid);
    }

    #[test]
    fn every_attribute_is_answered_and_the_worst_code_is_the_calls() {
        let (mut short, mut room, mut old) = ([0_u8; 2], [0_u8; 8], [9_u8; 4]);
        let mut asked = [
            attribute(CKA_LABEL, &mut short),
            attribute(CKA_VALUE, &mut old),
            attribute(CKA_MODULUS, &mut old),
            attribute(CKA_ID, &mut room),
            attribute::<u8>(CKA_LABEL, &mut []),
        ];
        asked[4].pValue = null_mut();
        // SAFETY: the arrays are there.
        let mut answers = unsafe { Asked::new(asked.as_mut_ptr(), 5) }.unwrap();
        let kinds: Vec<_> = answers.kinds().collect();
        assert_eq!(
            kinds,
            [CKA_LABEL, CKA_VALUE, CKA_MODULUS, CKA_ID, CKA_LABEL]
        );
        answers.show(Ok(Shown::Bytes(b"name")));
        answers.show(Err(Code::AttributeSensitive));
        answers.show(Err(Code::AttributeTypeInvalid));
        answers.show(Ok(Shown::Bytes(b"id")));
        answers.show(Ok(Shown::Bytes(b"name")));
        answers.show(Ok(Shown::Bytes(b"one too many")));
        let code = answers.answer().map_err(|error| error.code);
        assert_eq!(code, Err(Code::AttributeSensitive));
        let none = CK_UNAVAILABLE_INFORMATION;
        assert_eq!(asked.map(|each| each.ulValueLen), [none, none, none, 2, 4]);
        assert_eq!((short, &room[..3], old), ([0; 2], &b"id\0"[..], [9; 4]));
    }
}
