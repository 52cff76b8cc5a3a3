//! What the companion command does with a token beyond what hosts do: seals bytes and keys that no
//! object holds, and gives a key out that may be seen.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::blame::{self, During};
use super::kek::Kek;
use super::make::{self, Origin};
use super::objects::{self, Content};
use super::template::{Template, Value};
use super::{Caller, Login, Token, payload};
use crate::clock::{Gate, Span};
use crate::envelope::{self, Header, Kind, Sealed};
use crate::error::{Code, Error, Reason, Result};
use crate::mechanism::{Closes, EnvelopeParams};
use crate::os;
use crate::secret::Secret;

/// How bytes are to be sealed; `None` is the KEK object's default.
pub(crate) struct Sealing<'a> {
    /// The label of a KEK object: a sibling's id, or `id/name`.
    pub(crate) kek: &'a str,
    pub(crate) window: Option<Span>,
    pub(crate) gate: Option<Gate>,
    /// The associated data; empty: none.
    pub(crate) context: &'a [u8],
    /// The type of a key; `None`: plain data.
    pub(crate) key_type: Option<CK_KEY_TYPE>,
}

/// The command itself, which has given the user's PIN.
const COMMAND: Caller = Caller {
    session: 0,
    writes: true,
    login: Login::User,
};

impl Token {
    /// Whether one of the token's KEK objects has this label.
    pub(crate) fn has_kek(&self, label: &str) -> bool {
        self.kek_of(label).is_some()
    }

    /// Where the configuration says that the PIN comes from, if it does.
    pub(crate) fn has_pin_source(&self) -> bool {
        self.settings.pin.is_some()
    }

    fn kek_of(&self, label: &str) -> Option<Kek> {
        let named = |object: &&std::sync::Arc<super::Object>| {
            object.attributes.bytes(CKA_LABEL) == Some(label.as_bytes())
        };
        self.fixed
            .iter()
            .filter(named)
            .find_map(|object| self.kek(object))
    }

    /// Seals bytes into a `data` envelope, or as a `key` that whoever opens it may read.
    ///
    /// # Errors
    /// As C_WrapKey; `CKR_KEY_SIZE_RANGE` for a length that no key of the type has.
    pub(crate) fn seal_bytes(&self, how: &Sealing<'_>, bytes: &[u8]) -> Result<Sealed> {
        let kek = self.kek_of(how.kek).ok_or(Code::WrappingKeyHandleInvalid)?;
        let window = self.window_for(kek, Some(&params(how)?), None)?;
        match how.key_type {
            None => self.seal(Kind::Data, window, bytes, how.context),
            Some(key_type) => {
                self.check_material(bytes)?;
                let payload = readable_key(key_type, bytes)?;
                self.seal(Kind::Key, window, payload.expose(), how.context)
            }
        }
    }

    /// Refuses an envelope that must not be opened now, before anybody is asked for a PIN.
    ///
    /// # Errors
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED`.
    pub(crate) fn may_open(&self, header: &Header) -> Result<()> {
        let refused = |error| blame::envelope(error, During::Decrypt);
        let judged = self.judge(&header.window);
        let held = judged.and_then(|now| header.window.holds(now).map_err(refused));
        held.inspect_err(|error| self.note_refusal(&header.id, error))
    }

    /// The bytes of a `data` envelope, or of a `key` that is extractable and not sensitive.
    ///
    /// # Errors
    /// As C_Decrypt; `CKR_ATTRIBUTE_SENSITIVE` for a key that is not to be seen.
    pub(crate) fn open_bytes(&self, envelope: &[u8], context: &[u8]) -> Result<Secret> {
        let header =
            envelope::inspect(envelope).map_err(|error| blame::envelope(error, During::Decrypt))?;
        match header.kind {
            Kind::Key => {
                let opened = self.open_envelope(envelope, Kind::Key, context, During::Decrypt)?;
                visible_value(opened.payload.expose())
            }
            // A token's own key is nobody's data: the kind is wrong, and so it is told.
            Kind::Data | Kind::Token => {
                let opened = self.open_envelope(envelope, Kind::Data, context, During::Decrypt)?;
                Ok(opened.payload)
            }
        }
    }
}

fn params(how: &Sealing<'_>) -> Result<EnvelopeParams> {
    let bad = |_| Error::new(Code::MechanismParamInvalid, Reason::BadWindow);
    let closes = |span: Span| span.closes(os::realtime_ns()).map_err(bad);
    let closes = how.window.map(closes).transpose()?;
    Ok(EnvelopeParams {
        opens: None,
        closes: closes.map(|tick| tick.map_or(Closes::Never, Closes::At)),
        gate: how.gate.map(|gate| (gate.low, gate.high)),
        aad: how.context.to_vec(),
    })
}

/// What C_WrapKey would seal of a key that C_CreateObject made extractable and not sensitive.
fn readable_key(key_type: CK_KEY_TYPE, value: &[u8]) -> Result<Secret> {
    let number = |number: CK_ULONG| Value::Bytes(number.to_ne_bytes().to_vec());
    let flag = |flag: bool| Value::Bytes(vec![flag.into()]);
    let template = Template(vec![
        (CKA_CLASS, number(CKO_SECRET_KEY)),
        (CKA_KEY_TYPE, number(key_type)),
        (CKA_EXTRACTABLE, flag(true)),
        (CKA_SENSITIVE, flag(false)),
        (CKA_VALUE, Value::Secret(Secret::copy(value)?)),
    ]);
    let (class, mut given) = make::read(template, None, None)?;
    make::complete(&class, &mut given, Origin::Created, &COMMAND)?;
    let (_, value) = given.parts.pop().ok_or(Code::GeneralError)?;
    let draft = objects::secret_draft(given, value)?;
    match &draft.content {
        Content::Parts(parts, _) => payload::encode(&draft.attributes, parts),
        Content::None | Content::Envelope(..) | Content::Shared(_) => {
            Err(Code::GeneralError.into())
        }
    }
}

fn visible_value(payload: &[u8]) -> Result<Secret> {
    let damaged = || Error::new(Code::EncryptedDataInvalid, Reason::EnvelopeDamaged);
    let key = payload::decode(payload).ok_or_else(damaged)?;
    let (sensitive, extractable) = (
        key.attributes.flag(CKA_SENSITIVE),
        key.attributes.flag(CKA_EXTRACTABLE),
    );
    if sensitive || !extractable {
        return Err(Code::AttributeSensitive.into());
    }
    if key.attributes.number(CKA_CLASS) != Some(CKO_SECRET_KEY) {
        return Err(Code::KeyTypeInconsistent.into());
    }
    let value = key.parts.into_iter().find(|(kind, _)| *kind == CKA_VALUE);
    value.map(|(_, value)| value).ok_or_else(damaged)
}
