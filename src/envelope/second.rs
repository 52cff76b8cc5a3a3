//! A second implementation of docs/envelope.md, on RustCrypto, ciborium and coset: it shares no code
//! with the first. k = n = 1, through Soft. Sections are those of the page.
#![forbid(unsafe_code)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "all else that CBOR can say is refused"
)]

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use ciborium::Value;
use coset::{
    Algorithm, CoseEncrypt, CoseRecipient, EncryptionContext, Header, Label, ProtectedHeader,
    RegisteredLabelWithPrivate, TaggedCborSerializable, enc_structure_data,
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

const ZEQ: i64 = -65_601;
const TICK: i64 = 777_000_000;

/// A Soft sibling (§8).
pub(super) struct Soft {
    pub(super) id: String,
    pub(super) instance: Vec<u8>,
    pub(super) root: Vec<u8>,
}

/// What to seal, and the random bytes to do it with.
pub(super) struct Seal {
    pub(super) id: Vec<u8>,
    pub(super) cek: Vec<u8>,
    pub(super) salt: Vec<u8>,
    pub(super) kind: u64,
    pub(super) created: i64,
    pub(super) opens: Option<u64>,
    pub(super) closes: Option<u64>,
    pub(super) gate: Option<(u64, u64)>,
    pub(super) aad: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

/// The step of §5 that refuses.
pub(super) type Step = &'static str;

// §1

fn cbor(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}

fn list(parts: &[Value]) -> Vec<u8> {
    cbor(&Value::Array(parts.to_vec()))
}

fn text(text: &str) -> Value {
    Value::Text(text.to_string())
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

fn or_nil(number: Option<u64>) -> Value {
    number.map_or(Value::Null, Value::from)
}

fn sha(data: &[u8]) -> Vec<u8> {
    Sha256::digest(data).to_vec()
}

fn derive(ikm: &[u8], salt: &[u8], info: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 32];
    Hkdf::<Sha256>::new(Some(salt), ikm)
        .expand(info, &mut out)
        .unwrap();
    out
}

fn gcm(key: &[u8]) -> Aes256Gcm {
    Aes256Gcm::new_from_slice(key).unwrap()
}

fn encrypt(key: &[u8], aad: &[u8], msg: &[u8]) -> Vec<u8> {
    gcm(key)
        .encrypt(&Nonce::default(), Payload { msg, aad })
        .unwrap()
}

fn decrypt(key: &[u8], aad: &[u8], msg: &[u8]) -> Option<Vec<u8>> {
    gcm(key)
        .decrypt(&Nonce::default(), Payload { msg, aad })
        .ok()
}

// §8

impl Soft {
    fn fingerprint(&self) -> Vec<u8> {
        let name = derive(
            &self.root,
            &self.instance,
            &list(&[text("zeq-byok/1 soft name")]),
        );
        let hex: String = name[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let named = [
            text("zeq-byok/1 key name"),
            text(&format!("soft:{hex}")),
            Value::Null,
        ];
        sha(&list(&named))[..8].to_vec()
    }

    fn once(&self, salt: &[u8], binding: &[u8]) -> Vec<u8> {
        let kek = [text("zeq-byok/1 soft kek"), Value::Null];
        let kek = derive(&self.root, &self.instance, &list(&kek));
        derive(
            &kek,
            salt,
            &list(&[text("zeq-byok/1 soft wrap"), bytes(binding)]),
        )
    }

    fn wrap(&self, salt: &[u8], binding: &[u8], share: &[u8]) -> Vec<u8> {
        [salt, &encrypt(&self.once(salt, binding), binding, share)].concat()
    }

    fn unwrap(&self, binding: &[u8], wrapped: &[u8]) -> Option<Vec<u8>> {
        let (salt, sealed) = wrapped.split_at_checked(32)?;
        decrypt(&self.once(salt, binding), binding, sealed)
    }
}

// §3

fn share_commitment(id: &[u8], share: &[u8]) -> Vec<u8> {
    let parts = [
        text("zeq-byok/1 share"),
        bytes(id),
        Value::from(1),
        bytes(share),
    ];
    sha(&list(&parts))[..16].to_vec()
}

fn cek_commitment(id: &[u8], cek: &[u8]) -> Vec<u8> {
    sha(&list(&[text("zeq-byok/1 cek"), bytes(id), bytes(cek)]))
}

fn aad_tag(id: &[u8], cek: &[u8], aad: &[u8]) -> Vec<u8> {
    let key = derive(cek, id, &list(&[text("zeq-byok/1 aad")]));
    let mac = Hmac::<Sha256>::new_from_slice(&key)
        .unwrap()
        .chain_update(aad);
    mac.finalize().into_bytes().to_vec()
}

fn binding(id: &[u8], digest: &[u8], opens: Option<u64>, closes: Option<u64>) -> Vec<u8> {
    let label = text("zeq-byok/1 binding");
    let ends = [Value::from(1), or_nil(opens), or_nil(closes)];
    list(&[&[label, bytes(id), bytes(digest)], &ends[..]].concat())
}

fn content_key(id: &[u8], cek: &[u8], digest: &[u8]) -> Vec<u8> {
    derive(cek, id, &list(&[text("zeq-byok/1 content"), bytes(digest)]))
}

// §4

fn zeq(soft: &Soft, seal: &Seal) -> Value {
    let gate = seal
        .gate
        .map(|(low, high)| Value::Array(vec![low.into(), high.into()]));
    let window = vec![
        or_nil(seal.opens),
        or_nil(seal.closes),
        gate.unwrap_or(Value::Null),
    ];
    let created = [seal.created / TICK, seal.created % TICK];
    let member = vec![
        (1.into(), bytes(&soft.fingerprint())),
        (2.into(), bytes(&share_commitment(&seal.id, &seal.cek))),
        (3.into(), 6.into()),
        (4.into(), text(&soft.id)),
    ];
    let mut zeq = vec![
        (1.into(), 1.into()),
        (2.into(), bytes(&seal.id)),
        (3.into(), seal.kind.into()),
        (4.into(), Value::Array(created.map(Value::from).to_vec())),
        (5.into(), Value::Array(window)),
        (6.into(), 1.into()),
        (7.into(), bytes(&cek_commitment(&seal.id, &seal.cek))),
        (8.into(), Value::Array(vec![Value::Map(member)])),
    ];
    if !seal.aad.is_empty() {
        zeq.push((9.into(), bytes(&aad_tag(&seal.id, &seal.cek, &seal.aad))));
    }
    Value::Map(zeq)
}

pub(super) fn seal(soft: &Soft, seal: &Seal) -> Vec<u8> {
    let protected = ProtectedHeader {
        original_data: None,
        header: prot(zeq(soft, seal)),
    };
    let Value::Bytes(raw) = protected.clone().cbor_bstr().unwrap() else {
        unreachable!("a byte string")
    };
    let digest = sha(&raw);
    let binding = binding(&seal.id, &digest, seal.opens, seal.closes);
    let aad = enc_structure_data(EncryptionContext::CoseEncrypt, protected.clone(), &[]);
    let key = content_key(&seal.id, &seal.cek, &digest);
    let recipient = CoseRecipient {
        ciphertext: Some(soft.wrap(&seal.salt, &binding, &seal.cek)),
        ..CoseRecipient::default()
    };
    let envelope = CoseEncrypt {
        protected,
        ciphertext: Some(encrypt(&key, &aad, &seal.payload)),
        recipients: vec![recipient],
        ..CoseEncrypt::default()
    };
    envelope.to_tagged_vec().unwrap()
}

fn prot(zeq: Value) -> Header {
    Header {
        alg: Some(Algorithm::PrivateUse(-65_600)),
        crit: vec![RegisteredLabelWithPrivate::PrivateUse(ZEQ)],
        rest: vec![(Label::Int(ZEQ), zeq)],
        ..Header::default()
    }
}

// §2

/// A header's fields, checked.
struct Fields {
    id: Vec<u8>,
    kind: u64,
    opens: Option<u64>,
    closes: Option<u64>,
    gate: Option<(u64, u64)>,
    commitment: Vec<u8>,
    members: Vec<Map>,
    aad_tag: Option<Vec<u8>>,
}

type Map = Vec<(u64, Value)>;

fn decode(data: &[u8]) -> Option<(CoseEncrypt, Vec<u8>, Fields)> {
    let envelope = CoseEncrypt::from_tagged_slice(data).ok()?;
    let raw = envelope.protected.original_data.clone()?;
    let header = envelope.protected.header.clone();
    let [(Label::Int(ZEQ), zeq)] = &header.rest[..] else {
        return None;
    };
    let again: Value = ciborium::from_reader(&raw[..]).ok()?;
    let whole = cbor(&again) == raw
        && in_order(&again, 16)
        && header == prot(zeq.clone())
        && envelope.unprotected == Header::default()
        && envelope.clone().to_tagged_vec().ok()? == data;
    let fields = fields(zeq)?;
    let members = fields.members.iter();
    let recipients = whole
        && envelope.ciphertext.is_some()
        && fields.members.len() == envelope.recipients.len()
        && members
            .zip(&envelope.recipients)
            .all(|(member, one)| recipient(member, one));
    recipients.then_some((envelope, raw, fields))
}

/// Of the kinds that there are, no deeper than that, map keys sorted.
fn in_order(value: &Value, depth: u8) -> bool {
    match value {
        Value::Integer(_) | Value::Bytes(_) | Value::Text(_) | Value::Bool(_) | Value::Null => true,
        Value::Array(items) => depth > 0 && items.iter().all(|item| in_order(item, depth - 1)),
        Value::Map(pairs) => {
            let keys: Vec<_> = pairs.iter().map(|(key, _)| cbor(key)).collect();
            let both = |(key, value): &(Value, Value)| {
                in_order(key, depth - 1) && in_order(value, depth - 1)
            };
            depth > 0 && keys.is_sorted_by(|a, b| a < b) && pairs.iter().all(both)
        }
        _ => false,
    }
}

fn map(value: &Value, known: u64) -> Option<Map> {
    let pairs = value.as_map()?.iter();
    let pairs = pairs.map(|(key, value)| Some((uint(key)?, value.clone())));
    let map: Map = pairs.collect::<Option<_>>()?;
    let fine = |(key, value): &(u64, Value)| {
        (1..=known).contains(key) || (*key >= 24 && in_order(value, 8))
    };
    map.iter().all(fine).then_some(map)
}

fn get(map: &Map, key: u64) -> Option<&Value> {
    map.iter()
        .find(|(found, _)| *found == key)
        .map(|(_, value)| value)
}

fn uint(value: &Value) -> Option<u64> {
    u64::try_from(value.as_integer()?).ok()
}

fn sized(value: &Value, len: usize) -> Option<Vec<u8>> {
    value.as_bytes().filter(|bytes| bytes.len() == len).cloned()
}

/// Absent, or present and right; `None`: present and wrong.
fn optional<T>(value: Option<&Value>, read: impl Fn(&Value) -> Option<T>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(value) => read(value).map(Some),
    }
}

fn nil_or<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Option<T>> {
    optional(Some(value).filter(|value| !value.is_null()), read)
}

fn fields(zeq: &Value) -> Option<Fields> {
    let zeq = map(zeq, 9)?;
    let [_tick, ns] = get(&zeq, 4)?
        .as_array()?
        .iter()
        .map(uint)
        .collect::<Option<Vec<_>>>()?[..]
    else {
        return None;
    };
    let [opens, closes, gate] = &get(&zeq, 5)?.as_array()?[..] else {
        return None;
    };
    let members = get(&zeq, 8)?.as_array()?.iter().map(member);
    let members = members.collect::<Option<Vec<_>>>()?;
    let (opens, closes) = (nil_or(opens, uint)?, nil_or(closes, uint)?);
    let k = uint(get(&zeq, 6)?)?;
    let fine = uint(get(&zeq, 1)?)? == 1
        && ns < 777_000_000
        && opens.unwrap_or(0) <= closes.unwrap_or(u64::MAX)
        && (1..=16).contains(&members.len())
        && (1..=members.len() as u64).contains(&k);
    let fields = Fields {
        id: sized(get(&zeq, 2)?, 16)?,
        kind: uint(get(&zeq, 3)?).filter(|kind| *kind <= 2)?,
        opens,
        closes,
        gate: nil_or(gate, self::gate)?,
        commitment: sized(get(&zeq, 7)?, 32)?,
        members,
        aad_tag: optional(get(&zeq, 9), |tag| sized(tag, 32))?,
    };
    fine.then_some(fields)
}

fn gate(value: &Value) -> Option<(u64, u64)> {
    let [low, high] = &value.as_array()?[..] else {
        return None;
    };
    let (low, high) = (uint(low)?, uint(high)?);
    (low <= 9_999 && (1..=10_000).contains(&high) && low != high).then_some((low, high))
}

fn member(value: &Value) -> Option<Map> {
    let member = map(value, 7)?;
    sized(get(&member, 1)?, 8)?;
    sized(get(&member, 2)?, 16)?;
    uint(get(&member, 3)?).filter(|wrap| *wrap <= 6)?;
    optional(get(&member, 4), |id| id.as_text().map(drop))?;
    optional(get(&member, 5), |strength| {
        uint(strength).filter(|s| [2, 3].contains(s))
    })?;
    let epoch_key = |end: &Value| (1..=32).contains(&end.as_bytes().map_or(0, Vec::len));
    optional(get(&member, 6), |end| {
        (uint(end).is_some() || epoch_key(end)).then_some(())
    })?;
    optional(get(&member, 7), |key| sized(key, 8))?;
    Some(member)
}

fn recipient(member: &Map, one: &CoseRecipient) -> bool {
    let Header { rest, .. } = &one.unprotected;
    let parameter = |label: i64| rest.iter().find(|(found, _)| *found == Label::Int(label));
    let known = Header {
        rest: rest.clone(),
        ..Header::default()
    } == one.unprotected
        && rest.iter().all(|(label, value)| match label {
            Label::Int(-65_602) => uint(value).is_some() && one.ciphertext.is_some(),
            Label::Int(-65_603) => value.is_bytes(),
            _ => false,
        });
    let attested = parameter(-65_603).is_some();
    let announced = match get(member, 7) {
        Some(_) => attested || one.ciphertext.is_none(),
        None => !attested,
    };
    let len = one.ciphertext.as_ref().map_or(1, Vec::len);
    let pairs = rest.iter().map(|(label, value)| match label {
        Label::Int(label) => (Value::from(*label), value.clone()),
        _ => (Value::Null, value.clone()),
    });
    let protected = one.protected.original_data.as_deref();
    known
        && announced
        && in_order(&Value::Map(pairs.collect()), 1)
        && (1..=2048).contains(&len)
        && protected.is_none_or(<[u8]>::is_empty)
        && one.protected.header == Header::default()
}

// §5 and §7

pub(super) fn open(
    soft: &Soft,
    data: &[u8],
    kind: u64,
    aad: &[u8],
    now: i64,
) -> Result<Vec<u8>, Step> {
    let (envelope, raw, fields) = decode(data).ok_or("decode")?;
    (fields.kind == kind).then_some(()).ok_or("kind")?;
    open_now(&fields, now).then_some(()).ok_or("window")?;
    let [only] = &fields.members[..] else {
        return Err("member");
    };
    let ours = get(only, 1) == Some(&bytes(&soft.fingerprint())) && get(only, 3) == Some(&6.into());
    ours.then_some(()).ok_or("member")?;

    let digest = sha(&raw);
    let binding = binding(&fields.id, &digest, fields.opens, fields.closes);
    let wrapped = envelope.recipients[0]
        .ciphertext
        .as_deref()
        .ok_or("share")?;
    let cek = soft.unwrap(&binding, wrapped).ok_or("share")?;
    let fits = get(only, 2) == Some(&bytes(&share_commitment(&fields.id, &cek)));
    fits.then_some(()).ok_or("share")?;
    (fields.commitment == cek_commitment(&fields.id, &cek))
        .then_some(())
        .ok_or("key")?;
    let tag = (!aad.is_empty()).then(|| aad_tag(&fields.id, &cek, aad));
    (fields.aad_tag == tag).then_some(()).ok_or("context")?;

    let associated = enc_structure_data(EncryptionContext::CoseEncrypt, envelope.protected, &[]);
    let content = envelope.ciphertext.unwrap_or_default();
    decrypt(
        &content_key(&fields.id, &cek, &digest),
        &associated,
        &content,
    )
    .ok_or("content")
}

fn open_now(fields: &Fields, now: i64) -> bool {
    let inside = |ns: i64| {
        let tick = u64::try_from(ns / TICK).unwrap();
        fields.opens.is_none_or(|opens| opens <= tick) && fields.closes.is_none_or(|c| tick <= c)
    };
    inside(now) && fields.gate.is_none_or(|gate| in_gate(gate, now % TICK))
}

fn in_gate((low, high): (u64, u64), ns: i64) -> bool {
    let exact = |part: u64| i128::from(part) * i128::from(TICK);
    let phase = i128::from(ns) * 10_000;
    match low < high {
        true => exact(low) <= phase && phase < exact(high),
        false => exact(low) <= phase || phase < exact(high),
    }
}

pub(super) fn decodes(data: &[u8]) -> bool {
    decode(data).is_some()
}
