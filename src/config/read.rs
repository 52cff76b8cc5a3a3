//! The file's sections, by design.md §11. Keys of providers that this build lacks are known, so that
//! a later configuration is understood and only the provider is refused.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use toml::de::DeTable;

use super::Config;
use super::Error;
use super::Separation;
use super::Sibling;
use super::Source;
use super::section::Document;
use super::section::Section;
use crate::clock::Span;

const TOP: &[&str] = &[
    "store",
    "slots",
    "default_window",
    "cs87",
    "templates",
    "separation",
    "sensitive_default",
    "pin_tries",
    "max_data",
    "tolerance",
    "log",
    "sibling",
    "tether",
];
const SIBLING: &[&str] = &[
    "id",
    "provider",
    "key",
    "previous_keys",
    "public_key",
    "token_key",
    "remote_keys",
    "window",
    "windows",
    "token_window",
    "gate",
    "lease",
    "witness",
    "verify_wrap",
    "store_under",
    "login",
    "login_as",
    "pin",
    "envelope_aliases",
    "trusted",
    "wrap_template",
    "unwrap_template",
    "timeouts",
];
const TETHER: &[&str] = &[
    "id",
    "threshold",
    "siblings",
    "retired",
    "wrap_quorum",
    "window",
    "windows",
    "token_window",
    "gate",
    "lease",
    "witness",
    "login",
];
/// A provider, and the keys that only it has.
const PROVIDERS: &[(&str, &[&str])] = &[
    ("soft", &["kind", "pin_cost"]),
    ("aws", &["region", "endpoint", "profile", "role_arn"]),
    ("gcp", &["endpoint", "credentials"]),
    (
        "vault",
        &[
            "address",
            "mount",
            "role_id",
            "secret_id",
            "token",
            "namespace",
            "ca",
        ],
    ),
    ("pulse", &["module", "token", "signing_key"]),
];

/// # Errors
/// With the line of what is wrong.
pub(super) fn config(file: &Path, text: &str) -> Result<Config, Error> {
    let document = Document { file, text };
    let root = DeTable::parse(text).map_err(|why| {
        let offset = why.span().map_or(0, |span| span.start);
        document.error(offset, why.message().to_string())
    })?;
    let top = Section::new(document, 0, root.get_ref());
    top.only(&[TOP])?;
    let default = Config::default();
    let config = Config {
        file: Some(file.to_path_buf()),
        store: store(&top, file)?.unwrap_or(default.store),
        slots: top.get("slots")?,
        default_window: top.get_or("default_window", default.default_window)?,
        cs87: top.get_or("cs87", default.cs87)?,
        templates: top.get_or("templates", default.templates)?,
        separation: top.get_or("separation", default.separation)?,
        sensitive_default: top.get_or("sensitive_default", default.sensitive_default)?,
        pin_tries: top.get_or("pin_tries", default.pin_tries)?,
        max_data: top.get_or("max_data", default.max_data)?,
        tolerance: top.get_or("tolerance", default.tolerance)?,
        log: top.get_or("log", default.log)?,
        siblings: siblings(&top)?.unwrap_or(default.siblings),
    };
    whole(&top, &config)?;
    Ok(config)
}

/// What no single key shows.
fn whole(top: &Section<'_>, config: &Config) -> Result<(), Error> {
    if !(1..=1000).contains(&config.pin_tries) {
        return Err(top.error_at("pin_tries", "1 to 1000 are wanted"));
    }
    // Nobody may believe that keys are kept apart when they are not.
    if config.separation == Separation::Strict {
        return Err(top.error_at("separation", "\"strict\" is not in this build"));
    }
    let known = |id: &String| config.siblings.iter().any(|sibling| sibling.id == *id);
    let unknown = config.slots.iter().flatten().find(|id| !known(id));
    if let Some(id) = unknown {
        return Err(top.error_at("slots", &format!("{id:?} is no sibling's id")));
    }
    let tethers = top.tables("tether")?;
    for tether in &tethers {
        self::tether(tether, config)?;
    }
    match tethers.first() {
        Some(tether) => Err(tether.error("tethers are not in this build".into())),
        None => Ok(()),
    }
}

/// `sqlite:PATH`, from the configuration's own folder where it is relative.
fn store(top: &Section<'_>, file: &Path) -> Result<Option<PathBuf>, Error> {
    let Some(text) = top.get::<String>("store")? else {
        return Ok(None);
    };
    let path = match text.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => path,
        None if text.starts_with('/') => &text,
        Some(("postgres" | "postgresql", _)) => {
            return Err(top.error_at("store", "PostgreSQL is not in this build"));
        }
        _ => return Err(top.error_at("store", "sqlite:PATH is wanted")),
    };
    let folder = file.parent().unwrap_or(file);
    Ok(Some(folder.join(path)))
}

/// `None`: the file names none.
fn siblings(top: &Section<'_>) -> Result<Option<Vec<Sibling>>, Error> {
    let mut read: Vec<Sibling> = Vec::new();
    for section in top.tables("sibling")? {
        let sibling = sibling(&section)?;
        if read.iter().any(|other| other.id == sibling.id) {
            return Err(section.error_at("id", "another sibling has it"));
        }
        read.push(sibling);
    }
    Ok(Some(read).filter(|read| !read.is_empty()))
}

fn sibling(section: &Section<'_>) -> Result<Sibling, Error> {
    let provider: String = section.must("provider")?;
    let Some((name, own)) = PROVIDERS.iter().find(|(name, _)| *name == provider) else {
        let names: Vec<_> = PROVIDERS.iter().map(|(name, _)| *name).collect();
        let what = format!("{provider:?} is none of {}", names.join(", "));
        return Err(section.error_at("provider", &what));
    };
    section.only(&[SIBLING, own])?;
    kinds(section, name)?;
    if *name != "soft" {
        let what = format!("provider {name:?} is not in this build");
        return Err(section.error_at("provider", &what));
    }
    soft(section)
}

fn soft(section: &Section<'_>) -> Result<Sibling, Error> {
    let kind = section.get_or("kind", "aes-256".to_string())?;
    if kind != "aes-256" {
        return Err(section.error_at("kind", "only \"aes-256\" is in this build"));
    }
    let default = Sibling::soft(id(section)?);
    Ok(Sibling {
        window: section.get("window")?,
        windows: windows(section)?,
        token_window: section.get_or("token_window", default.token_window)?,
        gate: section.get_or("gate", default.gate)?,
        lease: section.get_or("lease", default.lease)?,
        witness: section.get_or("witness", default.witness)?,
        verify_wrap: section.get_or("verify_wrap", default.verify_wrap)?,
        login: section.get("login")?,
        pin: section.get("pin")?,
        envelope_aliases: section.get_or("envelope_aliases", default.envelope_aliases)?,
        trusted: section.get_or("trusted", default.trusted)?,
        wrap_template: section.get_or("wrap_template", BTreeMap::new())?,
        unwrap_template: section.get_or("unwrap_template", BTreeMap::new())?,
        pin_cost: section.get("pin_cost")?,
        ..default
    })
}

/// Keys that Soft does not use are still of their kind.
fn kinds(section: &Section<'_>, provider: &str) -> Result<(), Error> {
    section.check::<Vec<String>>(&["previous_keys", "remote_keys"])?;
    section.check::<BTreeMap<String, Span>>(&["timeouts"])?;
    section.check::<String>(&["key", "public_key", "token_key", "store_under", "login_as"])?;
    section.check::<String>(&[
        "region", "endpoint", "profile", "role_arn", "address", "mount",
    ])?;
    section.check::<String>(&["namespace", "ca", "module", "signing_key", "kind"])?;
    section.check::<Source>(&["credentials", "role_id", "secret_id", "pin"])?;
    match provider {
        // A device's token has a label, Vault's is a secret.
        "vault" => section.check::<Source>(&["token"]),
        _ => section.check::<String>(&["token"]),
    }
}

fn tether(section: &Section<'_>, config: &Config) -> Result<(), Error> {
    section.only(&[TETHER])?;
    id(section)?;
    windows(section)?;
    let members: Vec<String> = section.must("siblings")?;
    let known = |id: &&String| config.siblings.iter().any(|sibling| sibling.id == **id);
    if let Some(id) = members.iter().find(|id| !known(id)) {
        return Err(section.error_at("siblings", &format!("{id:?} is no sibling's id")));
    }
    let threshold: usize = section.must("threshold")?;
    match (1..=members.len()).contains(&threshold) {
        true => Ok(()),
        false => Err(section.error_at("threshold", "1 to the number of siblings is wanted")),
    }
}

fn windows(section: &Section<'_>) -> Result<BTreeMap<String, Span>, Error> {
    let windows: BTreeMap<String, Span> = section.get_or("windows", BTreeMap::new())?;
    match windows.keys().find(|name| !is_id(name)) {
        Some(name) => Err(section.error_at("windows", &format!("{name:?}: {ID}"))),
        None => Ok(windows),
    }
}

const ID: &str = "1 to 32 of a-z, 0-9 and '-' are wanted";

fn id(section: &Section<'_>) -> Result<String, Error> {
    let id: String = section.must("id")?;
    match is_id(&id) {
        true => Ok(id),
        false => Err(section.error_at("id", ID)),
    }
}

fn is_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(fits)
}
