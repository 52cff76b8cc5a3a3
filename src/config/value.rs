//! Values as the file writes them, typed. What is wrong with one is said in words that fit after
//! its key.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use toml::de::DeValue;
use zeroize::Zeroizing;

use super::Cs87;
use super::Gate;
use super::Login;
use super::Separation;
use super::Templates;
use super::Witness;
use super::section;
use crate::clock::Span;
use crate::log::Sink;
use crate::os;

pub(super) trait FromToml: Sized {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String>;
}

/// Where a secret is, since it is never in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    File(PathBuf),
    Environment(String),
}

/// What Argon2id costs: KiB, passes, lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PinCost {
    pub(crate) memory: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

/// An attribute in a template table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AttributeValue {
    Flag(bool),
    Number(u64),
    Text(String),
}

impl Source {
    /// The secret, without the end of its line. A set-uid process reads no environment.
    ///
    /// # Errors
    /// What could not be read, never what was read.
    pub(crate) fn read(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut secret = Zeroizing::new(match self {
            Self::File(path) => {
                fs::read(path).map_err(|why| format!("{}: {why}", path.display()))?
            }
            Self::Environment(name) if os::secure() => {
                return Err(format!("{name}: a set-uid process reads no environment"));
            }
            Self::Environment(name) => env::var_os(name)
                .map(std::os::unix::ffi::OsStringExt::into_vec)
                .ok_or_else(|| format!("{name} is not in the environment"))?,
        });
        while secret.last().is_some_and(|byte| b"\r\n".contains(byte)) {
            secret.pop();
        }
        Ok(secret)
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "a source is wanted, never the secret itself: file:PATH or env:NAME";
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("env", name)) if !name.is_empty() => Ok(Self::Environment(name.into())),
            _ => Err(wanted.into()),
        }
    }
}

impl FromToml for Source {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        text(value)?.parse()
    }
}

impl FromToml for PinCost {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let wanted = "{ memory = KiB, passes = N, lanes = N } is wanted, \
            19456 to 1048576, 2 to 16 and 1 to 8";
        let mut given = section::entries::<u32>(value)?;
        let mut take = |name, least, most| {
            let number = given.remove(name).unwrap_or(least);
            Some(number)
                .filter(|n| (least..=most).contains(n))
                .ok_or(wanted)
        };
        let cost = Self {
            memory: take("memory", 19_456, 1_048_576)?,
            passes: take("passes", 2, 16)?,
            lanes: take("lanes", 1, 8)?,
        };
        match given.is_empty() {
            true => Ok(cost),
            false => Err(wanted.into()),
        }
    }
}

impl FromToml for AttributeValue {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        match value {
            DeValue::Boolean(flag) => Ok(Self::Flag(*flag)),
            DeValue::Integer(_) => u64::from_toml(value).map(Self::Number),
            DeValue::String(text) => Ok(Self::Text(text.to_string())),
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                Err("true, false, a number or a text is wanted".into())
            }
        }
    }
}

impl FromToml for Sink {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        match (text, text.strip_prefix("file:")) {
            ("syslog", _) => Ok(Self::Syslog),
            ("off", _) => Ok(Self::Off),
            ("stderr", _) => Ok(Self::Stderr),
            (_, Some(path)) if path.starts_with('/') => Ok(Self::File(path.into())),
            _ => Err("syslog, off, stderr or file:/PATH is wanted".into()),
        }
    }
}

macro_rules! words {
    ($($kind:ident: $($word:literal = $value:ident),*;)*) => {$(
        impl FromToml for $kind {
            fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
                match text(value)? {
                    $($word => Ok(Self::$value),)*
                    _ => Err([$(concat!("\"", $word, "\"")),*].join(" or ") + " is wanted"),
                }
            }
        }
    )*};
}

words! {
    Cs87: "warn" = Warn, "refuse" = Refuse, "off" = Off;
    Templates: "clamp" = Clamp, "strict" = Strict;
    Separation: "off" = Off, "strict" = Strict;
    Gate: "wait" = Wait, "reject" = Reject;
    Witness: "optional" = Optional, "required" = Required;
    Login: "none" = None, "auto" = Auto, "required" = Required;
}

impl FromToml for String {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        text(value).map(str::to_string)
    }
}

impl FromToml for Span {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let span: Self = text(value)?.parse().map_err(|why| format!("{why}"))?;
        match span.closes(os::realtime_ns()) {
            Ok(_) => Ok(span),
            Err(why) => Err(why.to_string()),
        }
    }
}

impl FromToml for bool {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        value
            .as_bool()
            .ok_or_else(|| "true or false is wanted".into())
    }
}

impl FromToml for u64 {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        value
            .as_integer()
            .and_then(|number| Self::from_str_radix(number.as_str(), number.radix()).ok())
            .ok_or_else(|| "a whole number is wanted".into())
    }
}

impl FromToml for u32 {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let number = u64::from_toml(value)?;
        Self::try_from(number).map_err(|_| format!("{number} is too much"))
    }
}

impl FromToml for usize {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let number = u64::from_toml(value)?;
        Self::try_from(number).map_err(|_| format!("{number} is too much"))
    }
}

impl<T: FromToml> FromToml for Vec<T> {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let array = value.as_array().ok_or("a list is wanted: [ … ]")?;
        array
            .iter()
            .map(|one| T::from_toml(one.get_ref()))
            .collect()
    }
}

impl<T: FromToml> FromToml for BTreeMap<String, T> {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        section::entries(value)
    }
}

fn text<'a>(value: &'a DeValue<'_>) -> Result<&'a str, String> {
    value
        .as_str()
        .ok_or_else(|| "a text is wanted: \"…\"".into())
}
