//! The KEK objects of a token, and what they do: seal into envelopes and open them (rules 17, 27, 31,
//! 33 to 35).
#![forbid(unsafe_code)]

use std::sync::Arc;

use cryptoki_sys::*;

use super::attribute::{Attributes, Value};
use super::blame::{self, During};
use super::buffered::{Buffered, Output};
use super::heap::Object;
use super::{Caller, Token, named, windows};
use crate::ck;
use crate::clock::{Gate, Span};
use crate::config;
use crate::envelope::{self, Kind, Opened, Request, Sealed, Window};
use crate::error::{Code, Error, Reason, Result};
use crate::log;
use crate::mechanism::{Cipher, Closes, EnvelopeParams, How, Params};
use crate::os;

/// A KEK object's default window.
#[derive(Clone, Copy)]
pub(crate) struct Kek {
    handle: CK_OBJECT_HANDLE,
    window: Span,
}

/// The mechanisms that stand for an envelope on a KEK, so that software that knows no vendor's works
/// unmodified.
const ALIASES: [CK_MECHANISM_TYPE; 3] =
    [CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_KWP];

/// How often an opening waits for a gate before it says that it is outside.
const GATE_WAITS: u8 = 4;

/// The KEK object of a sibling, and one for each of its `windows`.
///
/// # Errors
/// `CKR_GENERAL_ERROR` for a template of the configuration that is none.
pub(crate) fn objects(
    settings: &config::Sibling,
    default: Span,
) -> Result<Vec<(Kek, Arc<Object>)>> {
    let id = &settings.id;
    let own = (id.clone(), settings.window.unwrap_or(default));
    let more = settings
        .windows
        .iter()
        .map(|(name, window)| (format!("{id}/{name}"), *window));
    let object = |(label, window): (String, Span)| {
        let object = Object::fixed(attributes(settings, &label)?);
        Ok((
            Kek {
                handle: object.handle,
                window,
            },
            Arc::new(object),
        ))
    };
    std::iter::once(own).chain(more).map(object).collect()
}

/// Rule 17.
fn attributes(settings: &config::Sibling, label: &str) -> Result<Attributes> {
    let yes = [
        CKA_TOKEN,
        CKA_SENSITIVE,
        CKA_ALWAYS_SENSITIVE,
        CKA_NEVER_EXTRACTABLE,
        CKA_ENCRYPT,
        CKA_DECRYPT,
        CKA_WRAP,
        CKA_UNWRAP,
    ];
    let no = [
        CKA_PRIVATE,
        CKA_EXTRACTABLE,
        CKA_MODIFIABLE,
        CKA_COPYABLE,
        CKA_DESTROYABLE,
        CKA_LOCAL,
        CKA_SIGN,
        CKA_VERIFY,
        CKA_DERIVE,
        CKA_WRAP_WITH_TRUSTED,
    ];
    let mut all: Attributes = yes.iter().map(|kind| (*kind, Value::Flag(true))).collect();
    no.iter()
        .for_each(|kind| all.set(*kind, Value::Flag(false)));
    all.set(CKA_CLASS, Value::Number(CKO_SECRET_KEY));
    all.set(CKA_KEY_TYPE, Value::Number(CKK_AES));
    all.set(CKA_VALUE_LEN, Value::Number(32));
    all.set(CKA_LABEL, Value::Bytes(label.into()));
    all.set(CKA_ID, Value::Bytes(label.into()));
    all.set(CKA_START_DATE, Value::Bytes(Vec::new()));
    all.set(CKA_END_DATE, Value::Bytes(Vec::new()));
    all.set(
        CKA_KEY_GEN_MECHANISM,
        Value::Number(CK_UNAVAILABLE_INFORMATION),
    );
    all.set(CKA_TRUSTED, Value::Flag(settings.trusted));
    all.set(
        ck::CKA_ZEQ_SIBLING,
        Value::Bytes(settings.id.clone().into()),
    );
    let aliases = if settings.envelope_aliases {
        &ALIASES[..]
    } else {
        &[]
    };
    let does = std::iter::once(ck::CKM_ZEQ_ENVELOPE).chain(aliases.iter().copied());
    all.set(CKA_ALLOWED_MECHANISMS, Value::Mechanisms(does.collect()));
    let templates = [
        (CKA_WRAP_TEMPLATE, &settings.wrap_template),
        (CKA_UNWRAP_TEMPLATE, &settings.unwrap_template),
    ];
    for (kind, table) in templates {
        let template = named::template(table);
        let wrong = |why| Error::new(Code::GeneralError, Reason::Configuration).because(why);
        if let Some(template) = template.map_err(wrong)? {
            all.set(kind, Value::Nested(template));
        }
    }
    Ok(all)
}

impl Token {
    /// The KEK that an object is, if it is one.
    pub(crate) fn kek(&self, object: &Object) -> Option<Kek> {
        self.keks
            .iter()
            .find(|kek| kek.handle == object.handle)
            .copied()
    }

    /// C_Encrypt: data into an envelope.
    pub(crate) fn kek_encrypt(&self, by: &Caller, kek: Kek, how: &How) -> Result<Box<dyn Cipher>> {
        only_envelope(how)?;
        self.needs_login(by)?;
        let params = params(how);
        let token = self.itself()?;
        let window = self.window_for(kek, params, None)?;
        let aad = params.map(|p| p.aad.clone()).unwrap_or_default();
        let extra = self.len_bound(window, 0, !aad.is_empty());
        Ok(Box::new(Buffered::new(
            self.max_data(),
            extra,
            move |data| {
                let sealed = token.seal(Kind::Data, window, data, &aad)?;
                Ok(Output::Open(sealed.bytes))
            },
        )))
    }

    /// C_Decrypt: the data of an envelope.
    pub(crate) fn kek_decrypt(&self, by: &Caller, how: &How) -> Result<Box<dyn Cipher>> {
        only_envelope(how)?;
        self.needs_login(by)?;
        let aad = opening_context(how)?;
        let token = self.itself()?;
        Ok(Box::new(Buffered::new(
            self.max_data().saturating_add(4096),
            0,
            move |data| {
                let opened = token.open_envelope(data, Kind::Data, &aad, During::Decrypt)?;
                Ok(Output::Secret(opened.payload))
            },
        )))
    }

    /// Seals, verified, and writes it down.
    pub(crate) fn seal(
        &self,
        kind: Kind,
        window: Window,
        payload: &[u8],
        aad: &[u8],
    ) -> Result<Sealed> {
        if kind == Kind::Data {
            self.check_material(payload)?;
        }
        let unix_ns = self.judge(&window)?;
        let request = Request {
            kind,
            window,
            payload,
            aad,
            unix_ns,
            verify: true,
        };
        let sealed = envelope::seal(&self.quorum, &request)
            .map_err(|error| blame::envelope(error, During::Seal))?;
        self.note("envelope-seal", &sealed.header.id);
        Ok(sealed)
    }

    /// Opens, waits for the gate where the configuration says so, and writes it down.
    pub(crate) fn open_envelope(
        &self,
        bytes: &[u8],
        kind: Kind,
        aad: &[u8],
        during: During,
    ) -> Result<Opened> {
        let header = envelope::inspect(bytes).map_err(|error| blame::envelope(error, during))?;
        let opened = self.open_at_gate(&header.window, bytes, kind, aad);
        let opened = opened.and_then(|opened| opened.map_err(|e| blame::envelope(e, during)));
        match &opened {
            Ok(_) => self.note("envelope-open", &header.id),
            Err(error) => self.note_refusal(&header.id, error),
        }
        opened
    }

    /// Opens inside the gate: a sleep can overshoot a narrow one, so it waits more than once.
    fn open_at_gate(
        &self,
        window: &Window,
        bytes: &[u8],
        kind: Kind,
        aad: &[u8],
    ) -> Result<std::result::Result<Opened, envelope::Error>> {
        let mut waits = if self.settings.gate == config::Gate::Wait {
            GATE_WAITS
        } else {
            0
        };
        loop {
            let now = self.judge(window)?;
            match envelope::open(&self.quorum, bytes, kind, aad, now) {
                Err(envelope::Error::OutsideGate { wait_ns }) if waits > 0 => {
                    waits -= 1;
                    envelope::wait_for_gate(wait_ns);
                }
                done => return Ok(done),
            }
        }
    }

    /// The window of what is sealed now: what the parameters say, else the KEK's default, no wider
    /// than `key` allows.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` for a window that is none, `CKR_KEY_NOT_WRAPPABLE` for one that
    /// the key's own does not meet.
    pub(crate) fn window_for(
        &self,
        kek: Kek,
        params: Option<&EnvelopeParams>,
        key: Option<&Attributes>,
    ) -> Result<Window> {
        let now = os::realtime_ns();
        let stated = stated(kek, params, now)?;
        stated
            .seals(now)
            .map_err(|_| Error::new(Code::MechanismParamInvalid, Reason::BadWindow))?;
        let Some(key) = key else { return Ok(stated) };
        let limit = limit(key, now)?;
        stated
            .narrow(&limit)
            .filter(|both| both.seals(now).is_ok())
            .ok_or_else(|| Error::new(Code::KeyNotWrappable, Reason::TooWide))
    }

    /// An upper bound of an envelope of so many bytes; no network.
    pub(crate) fn len_bound(&self, window: Window, payload: usize, has_aad: bool) -> usize {
        envelope::len_bound(&self.quorum, window, payload, has_aad)
    }

    fn max_data(&self) -> usize {
        self.shared.config.max_data
    }

    /// The trail of envelopes is kept where it can be: a read-only store opens them all the same.
    fn note(&self, what: &str, id: &[u8; 16]) {
        let entry = self.entry(what, super::rows::name(id));
        if let Err(why) = self.shared.store.audit(&entry) {
            log::warn(format_args!(
                "{what} {} is not in the audit trail: {why}",
                entry.detail
            ));
        }
    }

    pub(crate) fn note_refusal(&self, id: &[u8; 16], error: &Error) {
        let entry = self.entry(
            "envelope-refuse",
            format!("{}: {}", super::rows::name(id), error.reason),
        );
        if let Err(why) = self.shared.store.audit(&entry) {
            log::warn(format_args!(
                "{} is not in the audit trail: {why}",
                entry.detail
            ));
        }
    }
}

/// Whether a mechanism on a KEK means an envelope.
pub(crate) fn is_envelope(how: &How) -> bool {
    how.kind == ck::CKM_ZEQ_ENVELOPE || ALIASES.contains(&how.kind)
}

/// The parameters of CKM_ZEQ_ENVELOPE; an alias's are ignored (rule 27).
pub(crate) fn params(how: &How) -> Option<&EnvelopeParams> {
    match &how.params {
        Params::Envelope(params) => Some(params),
        Params::None
        | Params::Iv(_)
        | Params::Ctr { .. }
        | Params::Gcm { .. }
        | Params::Oaep { .. }
        | Params::Pss { .. }
        | Params::RsaAes { .. }
        | Params::Ecdh { .. }
        | Params::Hkdf { .. }
        | Params::Eddsa { .. }
        | Params::MacLength(_) => None,
    }
}

/// To open, parameters give the associated data and nothing else (rule 34).
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub(crate) fn opening_context(how: &How) -> Result<Vec<u8>> {
    let Some(params) = params(how) else {
        return Ok(Vec::new());
    };
    match params.opens.is_some() || params.closes.is_some() || params.gate.is_some() {
        true => Err(Error::new(
            Code::MechanismParamInvalid,
            Reason::BadParameters,
        )),
        false => Ok(params.aad.clone()),
    }
}

fn only_envelope(how: &How) -> Result<()> {
    match how.kind {
        ck::CKM_ZEQ_ENVELOPE => Ok(()),
        _ => Err(Code::MechanismInvalid.into()),
    }
}

fn stated(kek: Kek, params: Option<&EnvelopeParams>, now: i64) -> Result<Window> {
    let bad = || Error::new(Code::MechanismParamInvalid, Reason::BadWindow);
    let default = || kek.window.closes(now).map_err(|_| bad());
    let gate = |(low, high): (u32, u32)| Gate::new(low.into(), high.into()).ok_or_else(bad);
    Ok(Window {
        opens: params.and_then(|params| params.opens),
        closes: match params.and_then(|params| params.closes) {
            Some(Closes::At(tick)) => Some(tick),
            Some(Closes::Never) => None,
            None => default()?,
        },
        gate: params
            .and_then(|params| params.gate)
            .map(gate)
            .transpose()?,
    })
}

/// How wide a key may be sealed: its own window (rule 32), its CKA_ZEQ_WINDOW (33), its END_DATE (31).
fn limit(key: &Attributes, now: i64) -> Result<Window> {
    if let Some(own) = windows::window(key) {
        return Ok(own);
    }
    let span = key
        .bytes(ck::CKA_ZEQ_WINDOW)
        .map(|text| span(text, now))
        .transpose()?
        .flatten();
    let day = windows::end_date(key, now)?;
    let closes = [span, day].into_iter().flatten().min();
    Ok(Window {
        closes,
        ..Window::default()
    })
}

fn span(text: &[u8], now: i64) -> Result<Option<u64>> {
    let bad = || Error::new(Code::KeyNotWrappable, Reason::BadWindow);
    let span: Span = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(bad)?;
    span.closes(now).map_err(|_| bad())
}
