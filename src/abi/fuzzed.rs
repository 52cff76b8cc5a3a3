//! What the fuzz targets need of the boundary: its function list, and the template reader by itself.

use std::ptr::null_mut;

use cryptoki_sys::*;

use super::function_list::C_GetInterface;
use super::template;
use crate::error::Result;
use crate::session::Template;

/// The newest function list.
pub(crate) fn functions() -> &'static CK_FUNCTION_LIST_3_2 {
    let mut found = null_mut();
    // SAFETY: NULL asks for the newest; `found` is there.
    let done = unsafe { C_GetInterface(null_mut(), null_mut(), &raw mut found, 0) };
    assert_eq!(done, CKR_OK, "there is always one");
    // SAFETY: it was found, and lies in a static.
    let interface = unsafe { found.read() };
    // SAFETY: the newest interface's list is of 3.2, and a static.
    unsafe { &*interface.pFunctionList.cast::<CK_FUNCTION_LIST_3_2>() }
}

/// Reads the template that the bytes describe.
pub(crate) fn template(mut recipe: &[u8]) -> Result<Template> {
    let mut memory = Memory::default();
    let (attributes, count) = memory.attributes(&mut recipe, 4);
    // SAFETY: `memory` holds the attributes and all that they point to; a length that is not that of
    // what it belongs to has no memory, or is longer than any slice.
    unsafe { template::read(attributes, count) }
}

/// What the attributes point to.
#[derive(Default)]
struct Memory {
    values: Vec<Vec<u8>>,
    templates: Vec<Vec<CK_ATTRIBUTE>>,
}

impl Memory {
    /// Up to seven attributes.
    fn attributes(&mut self, recipe: &mut &[u8], deeper: u32) -> (*const CK_ATTRIBUTE, CK_ULONG) {
        let (flavour, count) = take(recipe).map_or((0, 0), |byte| (byte >> 3, byte & 7));
        let made: Vec<_> = (0..count).map(|_| self.attribute(recipe, deeper)).collect();
        let (start, len) = (made.as_ptr(), made.len() as CK_ULONG);
        self.templates.push(made);
        match flavour {
            30 => (std::ptr::null(), len),
            31 => (start, CK_ULONG::MAX),
            _ => (start, len),
        }
    }

    fn attribute(&mut self, recipe: &mut &[u8], deeper: u32) -> CK_ATTRIBUTE {
        let (kind, shape) = (kind(recipe), take(recipe).unwrap_or(0));
        // Bytes are no attributes: where those are meant, never of their length.
        let longest = match kind & CKF_ARRAY_ATTRIBUTE {
            0 => 64,
            _ => size_of::<CK_ATTRIBUTE>(),
        };
        let (value, len) = match (shape, deeper) {
            (255, 1..) => self.nested(recipe, deeper - 1),
            (254, _) => (null_mut(), CK_UNAVAILABLE_INFORMATION),
            (253, _) => (null_mut(), 1),
            (252, _) => self.bytes(recipe, 8),
            (len, _) => self.bytes(recipe, usize::from(len) % longest),
        };
        CK_ATTRIBUTE {
            type_: kind,
            pValue: value,
            ulValueLen: len,
        }
    }

    fn nested(&mut self, recipe: &mut &[u8], deeper: u32) -> (CK_VOID_PTR, CK_ULONG) {
        let (start, count) = self.attributes(recipe, deeper);
        let len = count.saturating_mul(size_of::<CK_ATTRIBUTE>() as CK_ULONG);
        (start.cast_mut().cast(), len)
    }

    fn bytes(&mut self, recipe: &mut &[u8], len: usize) -> (CK_VOID_PTR, CK_ULONG) {
        let (value, rest) = recipe.split_at(len.min(recipe.len()));
        *recipe = rest;
        let mut value = value.to_vec();
        let found = (value.as_mut_ptr().cast(), value.len() as CK_ULONG);
        self.values.push(value);
        found
    }
}

/// Two bytes give a type of the standard's; a first byte of 255, one of any number.
fn kind(recipe: &mut &[u8]) -> CK_ATTRIBUTE_TYPE {
    let byte = |recipe: &mut &[u8]| CK_ATTRIBUTE_TYPE::from(take(recipe).unwrap_or(0));
    match byte(recipe) {
        255 => (0..8).fold(0, |number, _| number << 8 | byte(recipe)),
        254 => CKA_VENDOR_DEFINED | byte(recipe),
        253 => CKF_ARRAY_ATTRIBUTE | 0x200 | byte(recipe),
        252 => CKA_ALLOWED_MECHANISMS,
        high => high << 8 | byte(recipe),
    }
}

fn take(recipe: &mut &[u8]) -> Option<u8> {
    let (first, rest) = recipe.split_first()?;
    *recipe = rest;
    Some(*first)
}
