//! Who may see an object, and which way its attributes may change: never looser (rule 40).
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::attribute::{Attributes, Value};
use super::class::{
    self, CHANGES, CHANGES_IN_COPY, Class, FALSE_STAYS, READ_ONLY, Rule, SO_ONLY, TRUE_STAYS, USAGE,
};
use super::{Caller, Login};
use crate::ck;
use crate::error::{Code, Result};

/// By which call attributes change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Set,
    Copy,
}

/// Whether a login may see an object, `pin_less` where the token asks for none (rule 10).
pub(crate) fn sees(by: &Caller, pin_less: bool, attributes: &Attributes) -> bool {
    pin_less || by.login == Login::User || !attributes.flag(CKA_PRIVATE)
}

/// Whether a caller may write an object of this home and privacy.
///
/// # Errors
/// `CKR_USER_NOT_LOGGED_IN` for a private object, `CKR_SESSION_READ_ONLY` for a token object.
pub(crate) fn may_write(by: &Caller, pin_less: bool, attributes: &Attributes) -> Result<()> {
    if !sees(by, pin_less, attributes) {
        return Err(Code::UserNotLoggedIn.into());
    }
    match attributes.flag(CKA_TOKEN) && !by.writes {
        true => Err(Code::SessionReadOnly.into()),
        false => Ok(()),
    }
}

/// Puts `wanted` into `attributes`, one by one, as far as it may.
///
/// # Errors
/// `CKR_ATTRIBUTE_READ_ONLY` for what does not change, or not this way, or not by this user.
pub(crate) fn change(
    attributes: &mut Attributes,
    wanted: &Attributes,
    how: Change,
    by: &Caller,
) -> Result<()> {
    let of = attributes.number(CKA_CLASS).ok_or(Code::GeneralError)?;
    let class = Class::of(of, attributes.number(CKA_KEY_TYPE))?;
    for (kind, value) in wanted.iter() {
        if attributes.get(kind) == Some(value) && class.rule(kind).is_none_or(|r| !r.is(READ_ONLY))
        {
            continue;
        }
        if !may_change(class.rule(kind), attributes, value, how, by) {
            return Err(Code::AttributeReadOnly.into());
        }
        attributes.set(kind, value.clone());
    }
    Ok(())
}

fn may_change(
    rule: Option<&Rule>,
    now: &Attributes,
    value: &Value,
    how: Change,
    by: &Caller,
) -> bool {
    // A vendor's own attribute says nothing to us.
    let Some(rule) = rule else { return true };
    let movable = match how {
        Change::Set => rule.is(CHANGES),
        Change::Copy => rule.is(CHANGES | CHANGES_IN_COPY),
    };
    let (up, down) = (*value == Value::Flag(true), *value == Value::Flag(false));
    let from_envelope = now.get(ck::CKA_ZEQ_ENVELOPE_ID).is_some();
    let windowed = now.get(ck::CKA_ZEQ_CLOSES).is_some();
    movable
        && !rule.is(READ_ONLY)
        && !(rule.is(TRUE_STAYS) && down && now.flag(rule.kind))
        && !(rule.is(FALSE_STAYS) && up && !now.flag(rule.kind))
        && !(rule.is(SO_ONLY) && up && by.login != Login::So)
        && !(from_envelope && rule.is(USAGE) && up)
        && !(windowed && matches!(rule.kind, CKA_START_DATE | CKA_END_DATE))
}

/// What a template says of its own object, whatever was sealed (rule 28).
const OF_THE_TEMPLATE: [CK_ATTRIBUTE_TYPE; 3] = [CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE];

/// Makes `attributes` no looser than `limits` (an envelope's, rule 28): flags that only tighten,
/// usages, allowed mechanisms, templates. Gives the types that it had to tighten.
pub(crate) fn tighten(attributes: &mut Attributes, limits: &Attributes) -> Vec<CK_ATTRIBUTE_TYPE> {
    let mut tightened = Vec::new();
    for (kind, limit) in limits.iter() {
        let Some(rule) = class::known(kind) else {
            continue;
        };
        if !OF_THE_TEMPLATE.contains(&kind) && is_looser(rule, attributes.get(kind), limit) {
            attributes.set(kind, limit.clone());
            tightened.push(kind);
        }
    }
    tightened
}

fn is_looser(rule: &Rule, is: Option<&Value>, limit: &Value) -> bool {
    let on = is == Some(&Value::Flag(true));
    match (limit, is) {
        (Value::Flag(true), _) => rule.is(TRUE_STAYS) && !on,
        (Value::Flag(false), _) => rule.is(USAGE | FALSE_STAYS) && on,
        // An empty list limits nothing (rule 21).
        (Value::Mechanisms(limit), _) if limit.is_empty() => false,
        (Value::Mechanisms(limit), Some(Value::Mechanisms(is))) => {
            is.is_empty() || !is.iter().all(|kind| limit.contains(kind))
        }
        (Value::Nested(limit), Some(Value::Nested(is))) => !is.hold(limit),
        (Value::Mechanisms(_) | Value::Nested(_), _) => true,
        (Value::Number(_) | Value::Bytes(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Caller = Caller {
        session: 1,
        writes: true,
        login: Login::User,
    };

    fn aes(more: &[(CK_ATTRIBUTE_TYPE, Value)]) -> Attributes {
        let base = [
            (CKA_CLASS, Value::Number(CKO_SECRET_KEY)),
            (CKA_KEY_TYPE, Value::Number(CKK_AES)),
            (CKA_SENSITIVE, Value::Flag(true)),
            (CKA_EXTRACTABLE, Value::Flag(false)),
            (CKA_ENCRYPT, Value::Flag(false)),
            (CKA_TRUSTED, Value::Flag(false)),
            (CKA_WRAP_WITH_TRUSTED, Value::Flag(true)),
        ];
        base.into_iter().chain(more.iter().cloned()).collect()
    }

    fn set(mut on: Attributes, kind: CK_ATTRIBUTE_TYPE, to: bool, how: Change) -> Result<()> {
        let wanted = [(kind, Value::Flag(to))].into_iter().collect();
        change(&mut on, &wanted, how, &USER)
    }

    #[test]
    fn sensitive_and_extractable_never_loosen() {
        for how in [Change::Set, Change::Copy] {
            assert!(set(aes(&[]), CKA_SENSITIVE, false, how).is_err());
            assert!(set(aes(&[]), CKA_EXTRACTABLE, true, how).is_err());
            assert!(set(aes(&[]), CKA_WRAP_WITH_TRUSTED, false, how).is_err());
            assert!(set(aes(&[]), CKA_ENCRYPT, true, how).is_ok());
        }
    }

    #[test]
    fn only_the_so_makes_a_key_trusted() {
        assert!(set(aes(&[]), CKA_TRUSTED, true, Change::Set).is_err());
        let so = Caller {
            login: Login::So,
            ..USER
        };
        let wanted = [(CKA_TRUSTED, Value::Flag(true))].into_iter().collect();
        assert!(change(&mut aes(&[]), &wanted, Change::Set, &so).is_ok());
    }

    #[test]
    fn a_usage_that_an_envelope_lacked_stays_away() {
        let unwrapped = aes(&[(ck::CKA_ZEQ_ENVELOPE_ID, Value::Bytes(vec![1; 16]))]);
        assert!(set(unwrapped.clone(), CKA_ENCRYPT, true, Change::Set).is_err());
        assert!(set(unwrapped, CKA_ENCRYPT, true, Change::Copy).is_err());
    }

    #[test]
    fn an_envelope_tightens_what_a_template_loosens() {
        let mut given = aes(&[
            (CKA_SENSITIVE, Value::Flag(false)),
            (CKA_ENCRYPT, Value::Flag(true)),
        ]);
        let tightened = tighten(&mut given, &aes(&[]));
        assert_eq!(tightened, [CKA_SENSITIVE, CKA_ENCRYPT]);
        assert!(given == aes(&[]));
    }
}
