//! `C_FindObjects`: a snapshot of what matches and may be seen.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::access;
use super::attribute::{Attributes, Value};
use super::heap::{Home, Object};
use super::objects::unique_id;
use super::template::Template;
use super::{Caller, Token};
use crate::error::Result;
use crate::store::Query;

/// The types that the store's own columns answer for.
const COLUMNS: [CK_ATTRIBUTE_TYPE; 4] = [CKA_CLASS, CKA_LABEL, CKA_ID, CKA_SUBJECT];

impl Token {
    pub(crate) fn find(&self, by: &Caller, template: &Template) -> Result<Vec<CK_OBJECT_HANDLE>> {
        self.sweep();
        let asked = template.loose()?;
        let mut found = self.find_fixed(by, &asked);
        found.extend(self.find_rows(by, &asked)?);
        found.extend(self.find_in_sessions(by, &asked));
        Ok(found)
    }

    fn find_fixed(&self, by: &Caller, asked: &Attributes) -> Vec<CK_OBJECT_HANDLE> {
        let matching = self
            .fixed
            .iter()
            .filter(|object| self.matches(by, object, asked));
        matching.map(|object| object.handle).collect()
    }

    fn find_in_sessions(&self, by: &Caller, asked: &Attributes) -> Vec<CK_OBJECT_HANDLE> {
        if asked.get(CKA_TOKEN).is_some() && asked.flag(CKA_TOKEN) {
            return Vec::new();
        }
        let mut found: Vec<_> = self.heap.session_candidates(asked);
        found.retain(|object| self.matches(by, object, asked));
        found.iter().map(|object| object.handle).collect()
    }

    /// Rows by the store's indexes; those are read that must be, for other attributes or for privacy.
    fn find_rows(&self, by: &Caller, asked: &Attributes) -> Result<Vec<CK_OBJECT_HANDLE>> {
        if asked.get(CKA_TOKEN).is_some() && !asked.flag(CKA_TOKEN) {
            return Ok(Vec::new());
        }
        let query = Query {
            class: asked.number(CKA_CLASS),
            label: asked.bytes(CKA_LABEL),
            cka_id: asked.bytes(CKA_ID),
            subject: asked.bytes(CKA_SUBJECT),
        };
        let rows = self.row_ids(&query)?;
        let by_columns = asked
            .iter()
            .all(|(kind, _)| COLUMNS.contains(&kind) || kind == CKA_TOKEN);
        let unseen = !access::sees(by, self.pin_less(), &private());
        let mut found = Vec::with_capacity(rows.len());
        for id in rows {
            let handle = self.heap.handle_of(id);
            if (by_columns && !unseen)
                || self
                    .look(handle)
                    .is_ok_and(|object| self.matches(by, &object, asked))
            {
                found.push(handle);
            }
        }
        Ok(found)
    }

    /// Attributes as they show: a secret value never matches.
    fn matches(&self, by: &Caller, object: &Object, asked: &Attributes) -> bool {
        let fits = |(kind, value): (CK_ATTRIBUTE_TYPE, &Value)| match kind {
            CKA_TRUSTED if object.attributes.flag(CKA_TRUSTED) => {
                *value == Value::Flag(self.is_trusted(object))
            }
            CKA_UNIQUE_ID => *value == Value::Bytes(unique_id(object).into()),
            _ => object.attributes.get(kind) == Some(value),
        };
        (object.home == Home::Fixed || access::sees(by, self.pin_less(), &object.attributes))
            && asked.iter().all(fits)
    }
}

fn private() -> Attributes {
    [(CKA_PRIVATE, Value::Flag(true))].into_iter().collect()
}
