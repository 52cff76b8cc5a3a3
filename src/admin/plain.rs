//! Bytes in the clear, in key memory, on their way in or out; and the spellings that databases read.
#![forbid(unsafe_code)]

use std::io::{self, Read};

use super::error::{Error, Failure, Result};
use crate::secret::Secret;

/// Bytes in the clear, wiped when dropped.
pub struct Plain {
    held: Secret,
    /// How many of them count.
    len: usize,
}

/// How plaintext is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As it is.
    Raw,
    /// Lower case, no line feed.
    Hex,
    /// RFC 4648, 4, padded, no line feed.
    Base64,
    /// A line of MariaDB's `file_key_management_filename`: `1;hex`.
    MariaDb,
}

/// The most that is read, in bytes.
const MOST: usize = 1 << 30;

/// What the first read makes room for.
const FIRST: usize = 4096;

impl Plain {
    /// All of an input. Nothing that it outgrows is left behind.
    ///
    /// # Errors
    /// What reading says; over a GiB.
    pub fn read(mut from: impl Read) -> io::Result<Self> {
        let mut plain = Self::room(FIRST)?;
        loop {
            let room = plain.held.expose_mut().get_mut(plain.len..);
            match from.read(room.unwrap_or_default()) {
                Ok(0) => return Ok(plain),
                Ok(read) => plain.len += read,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
            if plain.len == plain.held.len() {
                plain = plain.grown()?;
            }
        }
    }

    fn room(len: usize) -> io::Result<Self> {
        let held = Secret::zeroed(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        Ok(Self { held, len: 0 })
    }

    fn grown(&self) -> io::Result<Self> {
        if self.len >= MOST {
            return Err(io::Error::other("more than a GiB"));
        }
        let mut larger = Self::room(self.held.len().saturating_mul(2))?;
        larger.push(self.bytes());
        Ok(larger)
    }

    fn push(&mut self, bytes: &[u8]) {
        let to = self.len + bytes.len();
        if let Some(place) = self.held.expose_mut().get_mut(self.len..to) {
            place.copy_from_slice(bytes);
            self.len = to;
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.held.expose().get(..self.len).unwrap_or_default()
    }

    /// The same in another spelling.
    ///
    /// # Errors
    /// [`Failure::Other`]: no memory, or a length that MariaDB takes for no key.
    pub fn spelled(self, format: Format) -> Result<Self> {
        match format {
            Format::Raw => Ok(self),
            Format::Hex => self.into_hex(b"", b""),
            Format::Base64 => self.into_base64(),
            Format::MariaDb if [16, 24, 32].contains(&self.len) => self.into_hex(b"1;", b"\n"),
            Format::MariaDb => Err(Error::new(
                Failure::Other,
                format!("{} bytes are no key of MariaDB's", self.len),
            )
            .hint("its keys have 16, 24 or 32 bytes: see --format")),
        }
    }

    fn into_hex(self, before: &[u8], after: &[u8]) -> Result<Self> {
        let mut out = Self::room(before.len() + 2 * self.len + after.len()).map_err(no_memory)?;
        out.push(before);
        for byte in self.bytes() {
            out.push(&[hex(byte >> 4), hex(byte & 15)]);
        }
        out.push(after);
        Ok(out)
    }

    fn into_base64(self) -> Result<Self> {
        let mut out = Self::room(self.len.div_ceil(3) * 4).map_err(no_memory)?;
        for group in self.bytes().chunks(3) {
            out.push(&base64(group));
        }
        Ok(out)
    }
}

impl From<Secret> for Plain {
    fn from(held: Secret) -> Self {
        let len = held.len();
        Self { held, len }
    }
}

fn no_memory(_: io::Error) -> Error {
    Error::new(Failure::Other, "out of memory")
}

/// Arithmetic, not a table: which key bytes there are shows in no cache line.
fn hex(nibble: u8) -> u8 {
    nibble + if nibble < 10 { b'0' } else { b'a' - 10 }
}

/// One to three bytes.
fn base64(group: &[u8]) -> [u8; 4] {
    let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
    let all = byte(0) << 16 | byte(1) << 8 | byte(2);
    let [a, b, c, d] = [18, 12, 6, 0].map(|shift| digit(all >> shift & 63));
    match group.len() {
        1 => [a, b, b'=', b'='],
        2 => [a, b, c, b'='],
        _ => [a, b, c, d],
    }
}

fn digit(sextet: u32) -> u8 {
    let byte = u8::try_from(sextet).unwrap_or(0);
    match byte {
        0..26 => b'A' + byte,
        26..52 => b'a' + (byte - 26),
        52..62 => b'0' + (byte - 52),
        62 => b'+',
        _ => b'/',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(bytes: &[u8]) -> Plain {
        Plain::read(bytes).unwrap()
    }

    #[test]
    fn an_input_of_any_length_is_read_whole() {
        for len in [0, 1, FIRST - 1, FIRST, FIRST + 1, 65_536, 100_000] {
            let bytes: Vec<u8> = (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect();
            assert_eq!(plain(&bytes).bytes(), bytes);
        }
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, spelled) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let out = plain(text.as_bytes()).spelled(Format::Base64).unwrap();
            assert_eq!(out.bytes(), spelled.as_bytes());
        }
        let out = plain(&[0xfb, 0xef, 0xff]).spelled(Format::Base64).unwrap();
        assert_eq!(out.bytes(), b"++//");
    }

    #[test]
    fn hex_is_lower_case_without_an_end_and_mariadb_has_lines() {
        let out = plain(&[0, 0x9a, 0xff]).spelled(Format::Hex).unwrap();
        assert_eq!(out.bytes(), b"009aff");
        let out = plain(&[0x11; 16]).spelled(Format::MariaDb).unwrap();
        assert_eq!(out.bytes(), format!("1;{}\n", "11".repeat(16)).as_bytes());
        assert!(plain(&[0; 17]).spelled(Format::MariaDb).is_err());
    }
}
