//! CS87: the floor under key material. What raw DEFLATE brings under half its length (constants,
//! short periods, long repetitive text) is noticed when it is sealed to a sibling (design.md §3).
#![forbid(unsafe_code)]

use cryptoki_sys::CKA_TOKEN;
use zeroize::Zeroizing;

use super::Token;
use super::objects::{Content, Draft};
use crate::config;
use crate::error::{Code, Error, Reason, Result};
use crate::log;

/// Shorter material is not judged, in bytes.
const SHORTEST: usize = 16;

/// Whether material is under the floor. Never keeps what it compressed.
pub(crate) fn is_under(material: &[u8]) -> bool {
    let floor = || Zeroizing::new(miniz_oxide::deflate::compress_to_vec(material, 9)).len();
    material.len() >= SHORTEST && floor() * 2 < material.len()
}

impl Token {
    /// # Errors
    /// `CKR_KEY_NOT_WRAPPABLE` under policy `refuse`.
    pub(crate) fn check_material(&self, material: &[u8]) -> Result<()> {
        let policy = self.shared.config.cs87;
        if policy == config::Cs87::Off || !is_under(material) {
            return Ok(());
        }
        let error = Error::new(Code::KeyNotWrappable, Reason::MaterialTooSimple);
        match policy {
            config::Cs87::Refuse => Err(error),
            config::Cs87::Warn | config::Cs87::Off => {
                self.warn_of_material(&error);
                Ok(())
            }
        }
    }

    fn warn_of_material(&self, why: &Error) {
        log::warn(format_args!("{}: {}", self.id(), why.reason));
        let entry = self.entry("cs87-warn", why.reason.to_string());
        if let Err(why) = self.shared.store.audit(&entry) {
            log::warn(format_args!("cs87-warn is not in the audit trail: {why}"));
        }
    }

    /// An import that will rest under the sibling's key is sealed to it too.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` under policy `refuse`.
    pub(crate) fn check_floor(&self, draft: &Draft) -> Result<()> {
        let Content::Parts(parts, _) = &draft.content else {
            return Ok(());
        };
        if !draft.attributes.flag(CKA_TOKEN) {
            return Ok(());
        }
        parts.iter().try_for_each(|(_, part)| {
            let refused = |error| Error {
                code: Code::AttributeValueInvalid,
                ..error
            };
            self.check_material(part.expose()).map_err(refused)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_short_periods_and_long_repetition_are_under_the_floor() {
        for material in [
            vec![7; 32],
            b"abcd".repeat(16),
            b"correct horse battery ".repeat(9),
        ] {
            assert!(is_under(&material), "{material:?}");
        }
    }

    #[test]
    fn random_keys_and_short_text_pass() {
        for len in [8, 15, 16, 32, 64, 4096] {
            let mut key = vec![0; len];
            crate::lc::random::fill(&mut key);
            assert!(!is_under(&key));
        }
        assert!(!is_under(b"a passphrase that somebody chose"));
        assert!(!is_under(&[0; 15]));
    }
}
