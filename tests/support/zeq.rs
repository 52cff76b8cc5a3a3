//! What `include/zeq_byok.h` declares, for the tests that seal and open envelopes.

use cryptoki_sys::*;

pub(crate) const CKM_ZEQ_ENVELOPE: CK_MECHANISM_TYPE = 0x8000_5A45;
pub(crate) const CKA_ZEQ_OPENS: CK_ATTRIBUTE_TYPE = 0x8000_5A01;
pub(crate) const CKA_ZEQ_CLOSES: CK_ATTRIBUTE_TYPE = 0x8000_5A02;
pub(crate) const CKA_ZEQ_ENVELOPE_ID: CK_ATTRIBUTE_TYPE = 0x8000_5A04;
pub(crate) const CKA_ZEQ_WINDOW: CK_ATTRIBUTE_TYPE = 0x8000_5A08;

pub(crate) const NOT_AN_ENVELOPE: CK_ULONG = 1;
pub(crate) const ENVELOPE_DAMAGED: CK_ULONG = 2;
pub(crate) const WRONG_KIND: CK_ULONG = 3;
pub(crate) const OTHER_SIBLING: CK_ULONG = 4;
pub(crate) const WINDOW_CLOSED: CK_ULONG = 5;
pub(crate) const WINDOW_NOT_OPEN: CK_ULONG = 6;
pub(crate) const CLOCK_SET_BACK: CK_ULONG = 9;
pub(crate) const CONTEXT_MISMATCH: CK_ULONG = 11;
pub(crate) const BAD_WINDOW: CK_ULONG = 12;
pub(crate) const BAD_PARAMETERS: CK_ULONG = 13;
pub(crate) const STORE_NOT_WRITABLE: CK_ULONG = 18;
pub(crate) const STORE_DAMAGED: CK_ULONG = 21;
pub(crate) const TOKEN_REPLACED: CK_ULONG = 23;
pub(crate) const TOO_WIDE: CK_ULONG = 25;

/// `CK_ZEQ_ENVELOPE_PARAMS`; the default is version 1, nothing stated.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Params {
    pub(crate) version: CK_ULONG,
    pub(crate) flags: CK_ULONG,
    pub(crate) opens: [u8; 8],
    pub(crate) closes: [u8; 8],
    pub(crate) gate_low: CK_ULONG,
    pub(crate) gate_high: CK_ULONG,
    pub(crate) aad: *mut CK_BYTE,
    pub(crate) aad_len: CK_ULONG,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            version: 1,
            flags: 0,
            opens: [0; 8],
            closes: [0; 8],
            gate_low: 0,
            gate_high: 0,
            aad: std::ptr::null_mut(),
            aad_len: 0,
        }
    }
}

impl Params {
    pub(crate) fn opening(mut self, tick: u64) -> Self {
        (self.flags, self.opens) = (self.flags | 1, tick.to_be_bytes());
        self
    }

    pub(crate) fn closing(mut self, tick: u64) -> Self {
        (self.flags, self.closes) = (self.flags | 2, tick.to_be_bytes());
        self
    }

    pub(crate) fn never(mut self) -> Self {
        self.flags |= 4;
        self
    }
}

/// The tick of now, by this process's clock.
pub(crate) fn tick() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    (now.unwrap().as_nanos() / 777_000_000) as u64
}
