//! Arguments made of bytes: numbers, pages of memory, mechanisms, templates.

use cryptoki_sys::*;

/// The bytes that lead a run; none left is 0 for ever.
pub(crate) struct Choices<'a>(pub(crate) &'a [u8]);

impl Choices<'_> {
    pub(crate) fn more(&self) -> bool {
        !self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> usize {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                usize::from(*first)
            }
            None => 0,
        }
    }

    pub(crate) fn pick(&mut self, from: &[usize]) -> usize {
        from[self.byte() % from.len()]
    }

    pub(crate) fn length(&mut self) -> usize {
        self.pick(LENGTHS)
    }
}

/// Longer than any memory.
const HUGE: usize = usize::MAX;

const LENGTHS: &[usize] = &[
    0,
    1,
    2,
    4,
    5,
    6,
    7,
    8,
    11,
    12,
    13,
    15,
    16,
    17,
    20,
    24,
    28,
    31,
    32,
    33,
    40,
    48,
    52,
    56,
    64,
    65,
    72,
    96,
    97,
    128,
    132,
    133,
    255,
    256,
    257,
    384,
    512,
    513,
    1000,
    1024,
    4000,
    60_000,
    HUGE,
    HUGE / 2 + 1,
    HUGE - 7,
];

/// One page holds the longest output of the longest length above.
const PAGE: usize = 64 * 1024;

/// Memory that a host hands over. Its pages live as long as a run, so that what one call wrote is
/// what another reads.
pub(crate) struct Memory {
    pages: Vec<Box<[u8]>>,
    /// Of one call.
    words: Vec<Box<[usize]>>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let pages = (0..8_u8).map(|fill| vec![fill * 31; PAGE].into_boxed_slice());
        let mut memory = Self {
            pages: pages.collect(),
            words: Vec::new(),
        };
        for (page, text) in TEXTS.iter().enumerate() {
            memory.pages[page][..text.len()].copy_from_slice(text);
        }
        memory
    }

    pub(crate) fn forget(&mut self) {
        self.words.clear();
    }

    /// NULL or a page, at any alignment.
    pub(crate) fn pointer(&mut self, choices: &mut Choices<'_>) -> usize {
        let byte = choices.byte();
        match byte {
            0 => 0,
            _ => self.page(byte) + usize::from(byte >= 192),
        }
    }

    /// Never NULL.
    pub(crate) fn page(&mut self, number: usize) -> usize {
        let page = number % self.pages.len();
        self.pages[page].as_mut_ptr() as usize
    }

    /// Words at an address that may be odd.
    pub(crate) fn holding(&mut self, words: &[usize], odd: bool) -> usize {
        let mut memory = vec![0; words.len() + 1].into_boxed_slice();
        let at = memory.as_mut_ptr() as usize + usize::from(odd);
        self.words.push(memory);
        for (place, word) in words.iter().enumerate() {
            // SAFETY: there is a word more than is written.
            unsafe { (at as *mut usize).add(place).write_unaligned(*word) };
        }
        at
    }

    /// Where a length stands.
    pub(crate) fn length(&mut self, choices: &mut Choices<'_>) -> usize {
        let len = choices.length();
        match choices.byte() {
            0 => 0,
            byte => self.holding(&[len], byte & 1 == 1),
        }
    }

    pub(crate) fn mechanism(&mut self, choices: &mut Choices<'_>) -> usize {
        let (kind, layout) = MECHANISMS[choices.byte() % MECHANISMS.len()];
        let size = layout.len() * size_of::<usize>();
        let (parameter, len) = match choices.byte() {
            0..=23 => (0, 0),
            24..=31 => (0, choices.length()),
            // Shorter than any structure, and longer than all.
            32..=39 => (
                self.structure(choices, layout),
                choices.pick(&[0, 1, 7, HUGE]),
            ),
            40..=47 => (self.structure(choices, layout), size.saturating_sub(1)),
            _ => (self.structure(choices, layout), size),
        };
        match choices.byte() {
            255 => 0,
            byte => self.holding(&[kind as usize, parameter, len], byte & 1 == 1),
        }
    }

    /// A parameter structure, a letter a word: any n`u`mber, a `p`ointer, a le`n`gth, OAEP's
    /// `s`tructure.
    fn structure(&mut self, choices: &mut Choices<'_>, layout: &str) -> usize {
        let mut words = Vec::new();
        for kind in layout.chars() {
            words.push(match kind {
                'p' => self.pointer(choices),
                'n' => choices.length(),
                's' if choices.byte() != 0 => self.structure(choices, OAEP),
                's' => 0,
                _ => choices.pick(NUMBERS),
            });
        }
        self.holding(&words, choices.byte() & 1 == 1)
    }

    /// A template and its count.
    pub(crate) fn template(&mut self, choices: &mut Choices<'_>, deeper: u8) -> (usize, usize) {
        let byte = choices.byte();
        let count = byte & 7;
        let mut words = Vec::new();
        for _ in 0..count {
            words.extend(self.attribute(choices, deeper));
        }
        let at = self.holding(&words, byte & 8 != 0);
        match byte >> 4 {
            15 => (0, count),
            14 => (at, HUGE),
            _ => (at, count),
        }
    }

    fn attribute(&mut self, choices: &mut Choices<'_>, deeper: u8) -> [usize; 3] {
        let kind = choices.pick(ATTRIBUTES);
        let (value, len) = match (kind as CK_ULONG & CKF_ARRAY_ATTRIBUTE, choices.byte()) {
            (0, byte @ 0..=63) => (self.holding(&[byte & 1], false), 1),
            (0, byte @ 64..=127) => (self.holding(&[NUMBERS[byte % NUMBERS.len()]], false), 8),
            (0, byte @ 128..=159) => self.text(CURVES[byte % CURVES.len()]),
            (0, byte @ 160..=239) => (self.page(byte), choices.length()),
            (0, _) => (self.pointer(choices), choices.length()),
            (_, 0..=239) if deeper > 0 && kind as CK_ULONG != CKA_ALLOWED_MECHANISMS => {
                let (at, count) = self.template(choices, deeper - 1);
                (at, count.saturating_mul(24))
            }
            // What it points to is no templates, so no length is a template's.
            (_, byte) if kind as CK_ULONG != CKA_ALLOWED_MECHANISMS => {
                (self.page(byte), choices.pick(&[0, 1, 23, 25, HUGE]))
            }
            (_, byte) => (self.page(byte), choices.length()),
        };
        [kind, value, len]
    }

    fn text(&mut self, text: &[u8]) -> (usize, usize) {
        let mut words = vec![0_usize; text.len().div_ceil(8) + 1];
        for (place, byte) in text.iter().enumerate() {
            words[place / 8] |= usize::from(*byte) << (place % 8 * 8);
        }
        (self.holding(&words, false), text.len())
    }
}

/// What the first pages begin with: the PINs, a seed of nothing.
const TEXTS: &[&[u8]] = &[b"", super::host::PIN, super::host::SO_PIN];

/// OIDs of P-256, P-384, P-521, Ed25519; Ed25519 by name; a public exponent; a date.
const CURVES: &[&[u8]] = &[
    &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
    &[6, 5, 0x2b, 0x81, 4, 0, 0x22],
    &[6, 5, 0x2b, 0x81, 4, 0, 0x23],
    &[6, 3, 0x2b, 0x65, 0x70],
    b"\x13\x0cedwards25519",
    &[1, 0, 1],
    b"20300101",
    b"name",
];

const NUMBERS: &[usize] = &[
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    12,
    16,
    20,
    24,
    31,
    32,
    64,
    96,
    128,
    256,
    2048,
    1 << 40,
    HUGE,
    CKM_SHA_1 as usize,
    CKM_SHA256 as usize,
    CKM_SHA384 as usize,
    CKM_SHA512 as usize,
    CKM_SHA3_256 as usize,
    CKM_AES_GCM as usize,
    CKM_AES_KEY_GEN as usize,
    CKK_AES as usize,
    CKK_EC_EDWARDS as usize,
    CKK_SHA256_HMAC as usize,
    CKK_HKDF as usize,
];

/// CK_RSA_PKCS_OAEP_PARAMS.
const OAEP: &str = "uuupn";

/// Mechanisms, and how their parameters are laid out.
const MECHANISMS: &[(CK_MECHANISM_TYPE, &str)] = &[
    (CKM_AES_KEY_GEN, ""),
    (CKM_AES_ECB, ""),
    (CKM_AES_CBC, "uu"),
    (CKM_AES_CBC_PAD, "uu"),
    (CKM_AES_CTR, "uuu"),
    (CKM_AES_GCM, "pnupnu"),
    (CKM_AES_GCM, "pnpnu"),
    (CKM_AES_CMAC, ""),
    (CKM_AES_CMAC_GENERAL, "u"),
    (CKM_AES_KEY_WRAP, "u"),
    (CKM_AES_KEY_WRAP_PAD, ""),
    (CKM_AES_KEY_WRAP_KWP, "u"),
    (CKM_GENERIC_SECRET_KEY_GEN, ""),
    (CKM_SHA_1, ""),
    (CKM_SHA256, ""),
    (CKM_SHA512, ""),
    (CKM_SHA3_256, ""),
    (CKM_SHA_1_HMAC, ""),
    (CKM_SHA256_HMAC, ""),
    (CKM_SHA256_HMAC_GENERAL, "u"),
    (CKM_RSA_PKCS_KEY_PAIR_GEN, ""),
    (CKM_RSA_PKCS, ""),
    (CKM_RSA_X_509, ""),
    (CKM_RSA_PKCS_OAEP, OAEP),
    (CKM_RSA_PKCS_PSS, "uuu"),
    (CKM_SHA256_RSA_PKCS, ""),
    (CKM_SHA256_RSA_PKCS_PSS, "uuu"),
    (CKM_RSA_AES_KEY_WRAP, "us"),
    (CKM_EC_KEY_PAIR_GEN, ""),
    (CKM_EC_EDWARDS_KEY_PAIR_GEN, ""),
    (CKM_ECDSA, ""),
    (CKM_ECDSA_SHA256, ""),
    (CKM_ECDH1_DERIVE, "unpnp"),
    (CKM_EDDSA, "unp"),
    (CKM_HKDF_DERIVE, "uuupnupn"),
    (CKM_HKDF_KEY_GEN, ""),
    (0x8000_5a45, "uuuuuupn"),
    (0x4711, "u"),
];

const ATTRIBUTES: &[usize] = &[
    CKA_CLASS as usize,
    CKA_TOKEN as usize,
    CKA_PRIVATE as usize,
    CKA_LABEL as usize,
    CKA_UNIQUE_ID as usize,
    CKA_APPLICATION as usize,
    CKA_VALUE as usize,
    CKA_OBJECT_ID as usize,
    CKA_CERTIFICATE_TYPE as usize,
    CKA_ISSUER as usize,
    CKA_SERIAL_NUMBER as usize,
    CKA_TRUSTED as usize,
    CKA_CERTIFICATE_CATEGORY as usize,
    CKA_CHECK_VALUE as usize,
    CKA_KEY_TYPE as usize,
    CKA_SUBJECT as usize,
    CKA_ID as usize,
    CKA_SENSITIVE as usize,
    CKA_ENCRYPT as usize,
    CKA_DECRYPT as usize,
    CKA_WRAP as usize,
    CKA_UNWRAP as usize,
    CKA_SIGN as usize,
    CKA_VERIFY as usize,
    CKA_DERIVE as usize,
    CKA_START_DATE as usize,
    CKA_END_DATE as usize,
    CKA_MODULUS as usize,
    CKA_MODULUS_BITS as usize,
    CKA_PUBLIC_EXPONENT as usize,
    CKA_PRIVATE_EXPONENT as usize,
    CKA_PRIME_1 as usize,
    CKA_PRIME_2 as usize,
    CKA_PUBLIC_KEY_INFO as usize,
    CKA_VALUE_LEN as usize,
    CKA_EXTRACTABLE as usize,
    CKA_LOCAL as usize,
    CKA_NEVER_EXTRACTABLE as usize,
    CKA_ALWAYS_SENSITIVE as usize,
    CKA_KEY_GEN_MECHANISM as usize,
    CKA_MODIFIABLE as usize,
    CKA_COPYABLE as usize,
    CKA_DESTROYABLE as usize,
    CKA_EC_PARAMS as usize,
    CKA_EC_POINT as usize,
    CKA_ALWAYS_AUTHENTICATE as usize,
    CKA_WRAP_WITH_TRUSTED as usize,
    CKA_WRAP_TEMPLATE as usize,
    CKA_UNWRAP_TEMPLATE as usize,
    CKA_DERIVE_TEMPLATE as usize,
    CKA_ALLOWED_MECHANISMS as usize,
    CKA_PROFILE_ID as usize,
    0x8000_0001,
    0x8000_5a01,
];
