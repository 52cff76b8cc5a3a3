//! `CKM_EC_KEY_PAIR_GEN` and `CKM_EC_EDWARDS_KEY_PAIR_GEN`: the curve is what `CKA_EC_PARAMS` names,
//! and both keys give that back as it came (rule 38).
#![forbid(unsafe_code)]

use std::sync::Arc;

use cryptoki_sys::{CK_KEY_TYPE, CKK_EC, CKK_EC_EDWARDS};

use crate::error::{Code, Result};
use crate::lc::ec::Ec;
use crate::lc::ed25519::Private;
use crate::mechanism::{Mechanism, NewKey, Params, Wanted, ec_key, ed_key};

/// P-256, P-384, P-521.
pub(super) struct EcKeyGen;

impl Mechanism for EcKeyGen {
    fn makes(&self) -> Option<CK_KEY_TYPE> {
        Some(CKK_EC)
    }
    fn generate_pair(&self, _params: &Params, wanted: &Wanted) -> Result<(NewKey, NewKey)> {
        let params = params_for(CKK_EC, wanted)?;
        let key = Ec::generate(ec_key::curve(params)?)?;
        let public = ec_key::new_public(key.to_public()?, params)?;
        Ok((public, ec_key::new_private(key, params)?))
    }
}

/// Ed25519.
pub(super) struct EdKeyGen;

impl Mechanism for EdKeyGen {
    fn makes(&self) -> Option<CK_KEY_TYPE> {
        Some(CKK_EC_EDWARDS)
    }
    fn generate_pair(&self, _params: &Params, wanted: &Wanted) -> Result<(NewKey, NewKey)> {
        let params = params_for(CKK_EC_EDWARDS, wanted)?;
        ed_key::check(params)?;
        let key = Arc::new(Private::generate()?);
        let public = ed_key::new_public(key.public()?, params);
        Ok((public, ed_key::new_private(key, params)?))
    }
}

fn params_for(key_type: CK_KEY_TYPE, wanted: &Wanted) -> Result<&[u8]> {
    if wanted.key_type.is_some_and(|kind| kind != key_type) {
        return Err(Code::TemplateInconsistent.into());
    }
    let params = wanted.ec_params.as_deref();
    params.ok_or_else(|| Code::TemplateIncomplete.into())
}
