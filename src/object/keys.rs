//! `C_GenerateKey`, `C_GenerateKeyPair`, `C_DeriveKey`.
#![forbid(unsafe_code)]

use cryptoki_sys::*;

use super::access;
use super::attribute::{Attributes, Value};
use super::make::{self, Origin};
use super::objects::{self, Draft};
use super::operate::{self, Usable};
use super::template::{Given, Template};
use super::{Caller, Token, windows};
use crate::error::{Code, Result};
use crate::mechanism::{How, NewKey, Params, Salt};

impl Token {
    pub(crate) fn generate(
        &self,
        by: &Caller,
        how: &How,
        template: Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        let line = operate::able(how, CKF_GENERATE)?;
        let key_type = line.does.makes().ok_or(Code::GeneralError)?;
        let given = self.asked(by, template, CKO_SECRET_KEY, key_type, how)?;
        let made = line
            .does
            .generate(&how.params, &make::wanted(&given.attributes))?;
        let draft = drafted(given, made)?;
        self.place(by, draft, "key-generate")
    }

    /// Public, then private.
    pub(crate) fn generate_pair(
        &self,
        by: &Caller,
        how: &How,
        public: Template,
        private: Template,
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let line = operate::able(how, CKF_GENERATE_KEY_PAIR)?;
        let key_type = line.does.makes().ok_or(Code::GeneralError)?;
        let public = self.asked(by, public, CKO_PUBLIC_KEY, key_type, how)?;
        let private = self.asked(by, private, CKO_PRIVATE_KEY, key_type, how)?;
        let made = line
            .does
            .generate_pair(&how.params, &make::wanted(&public.attributes))?;
        let drafts = [drafted(public, made.0)?, drafted(private, made.1)?];
        let [public, private] = self.place_all(by, drafts, "key-generate")?;
        Ok((public, private))
    }

    /// A template of a key that is about to be made, checked before any work is done.
    fn asked(
        &self,
        by: &Caller,
        template: Template,
        class: CK_OBJECT_CLASS,
        key_type: CK_KEY_TYPE,
        how: &How,
    ) -> Result<Given> {
        let (rules, mut given) = make::read(template, Some(class), Some(key_type))?;
        self.default_sensitive(&mut given.attributes, class);
        make::complete(&rules, &mut given, Origin::Generated(how.kind), by)?;
        access::may_write(by, self.pin_less(), &given.attributes)?;
        self.may_keep(by, &given.attributes)?;
        Ok(given)
    }

    /// `sensitive_default = true` (rule 20).
    pub(crate) fn default_sensitive(&self, attributes: &mut Attributes, class: CK_OBJECT_CLASS) {
        if self.shared.config.sensitive_default && class != CKO_PUBLIC_KEY {
            attributes.default_to(CKA_SENSITIVE, Value::Flag(true));
        }
    }

    /// A token object with a secret rests sealed, which wants the login (rule 18): said before a key
    /// is made for nothing.
    pub(crate) fn may_keep(&self, by: &Caller, attributes: &Attributes) -> Result<()> {
        let secret = matches!(
            attributes.number(CKA_CLASS),
            Some(CKO_SECRET_KEY | CKO_PRIVATE_KEY)
        );
        match secret && attributes.flag(CKA_TOKEN) {
            true => self.needs_login(by),
            false => Ok(()),
        }
    }

    pub(crate) fn derive(
        &self,
        by: &Caller,
        how: &How,
        base: CK_OBJECT_HANDLE,
        template: Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        let line = operate::able(how, CKF_DERIVE)?;
        let base = self.permitted(by, base, how, CKA_DERIVE)?;
        if base.attributes.flag(CKA_ALWAYS_AUTHENTICATE) {
            return Err(Code::UserNotLoggedIn.into());
        }
        let salt = self.salt(by, how)?;
        let mut bases = vec![&base.attributes];
        bases.extend(salt.as_ref().map(|salt| &salt.object.attributes));
        let given = self.derived_template(by, template, &bases)?;
        let base = self.usable(by, base)?;
        let wanted = make::wanted(&given.attributes);
        let value = line.does.derive(
            &base.key,
            &how.params,
            &wanted,
            salt.as_ref().map(|salt| &*salt.key),
        )?;
        let draft = objects::secret_draft(given, value)?;
        self.place(by, draft, "key-derive")
    }

    /// No looser than any key that goes into it; the first of them is the base.
    fn derived_template(
        &self,
        by: &Caller,
        template: Template,
        bases: &[&Attributes],
    ) -> Result<Given> {
        let class = template.number(CKA_CLASS)?.or(Some(CKO_SECRET_KEY));
        let key_type = template.number(CKA_KEY_TYPE)?.or(Some(CKK_GENERIC_SECRET));
        if class != Some(CKO_SECRET_KEY) {
            return Err(Code::TemplateInconsistent.into());
        }
        let (rules, mut given) = make::read(template, class, key_type)?;
        for base in bases {
            make::impose(&mut given.attributes, base.nested(CKA_DERIVE_TEMPLATE))?;
            make::inherit(&mut given.attributes, base)?;
        }
        make::complete(&rules, &mut given, Origin::Derived(bases), by)?;
        for base in bases {
            windows::hand_on(base, &mut given.attributes)?;
        }
        access::may_write(by, self.pin_less(), &given.attributes)?;
        self.may_keep(by, &given.attributes)?;
        Ok(given)
    }

    /// The key that HKDF's salt is: derived from like the base, and held to the same.
    fn salt(&self, by: &Caller, how: &How) -> Result<Option<Usable>> {
        let Params::Hkdf {
            salt: Salt::Key(handle),
            ..
        } = &how.params
        else {
            return Ok(None);
        };
        let object = self.permitted(by, *handle, how, CKA_DERIVE)?;
        self.usable(by, object).map(Some)
    }
}

fn drafted(given: Given, made: NewKey) -> Result<Draft> {
    let mut attributes = given.attributes;
    let content = objects::adopt(&mut attributes, made)?;
    Ok(Draft {
        attributes,
        content,
    })
}
