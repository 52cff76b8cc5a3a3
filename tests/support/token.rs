//! Fresh tokens, a folder each: SoftHSM's and ours, with the same PINs and labels.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cryptoki_sys::*;

use super::answer::Rv;
use super::module::Module;
use super::session::Session;

pub(crate) const SO_PIN: &str = "12345678";
pub(crate) const PIN: &str = "123456";
pub(crate) const LABEL: &str = "fixture";

/// Where each module's configuration stands under a test's folder.
pub(crate) fn softhsm_conf(home: &Path) -> PathBuf {
    home.join("softhsm2.conf")
}

pub(crate) fn ours_conf(home: &Path) -> PathBuf {
    home.join("zeq-byok.toml")
}

/// Writes both configurations; every store lies under `home`.
pub(crate) fn configure(home: &Path) {
    fs::create_dir_all(home.join("tokens")).unwrap();
    let template = include_str!("../../softhsm-fixtures/softhsm2.conf.in");
    let text = template.replace("@FOLDER@", home.to_str().unwrap());
    fs::write(softhsm_conf(home), text).unwrap();
    configure_ours(home, "");
}

/// One Soft sibling; `more` are further lines of its table.
pub(crate) fn configure_ours(home: &Path, more: &str) {
    let home_text = home.to_str().unwrap();
    let text = format!(
        "store = \"sqlite:{home_text}/store.db\"\nlog = \"file:{home_text}/log\"\n\n\
         [[sibling]]\nid = \"soft\"\nprovider = \"soft\"\nwindow = \"never\"\n{more}\n"
    );
    fs::write(ours_conf(home), text).unwrap();
    fs::set_permissions(ours_conf(home), fs::Permissions::from_mode(0o600)).unwrap();
}

/// An initialised token whose user has a PIN and is not logged in.
pub(crate) struct Token {
    pub(crate) module: Module,
    pub(crate) slot: CK_SLOT_ID,
}

impl Token {
    /// Initialises the last slot: SoftHSM's free one, or the only one of ours.
    pub(crate) fn fresh(module: Module) -> Self {
        module.initialize().unwrap();
        Self::in_last_slot(module)
    }

    /// Ours, made by whoever was first in this folder.
    pub(crate) fn existing() -> Self {
        let module = Module::ours();
        module.initialize().unwrap();
        let slot = *module.slots(true).unwrap().last().unwrap();
        Self { module, slot }
    }

    pub(crate) fn in_last_slot(module: Module) -> Self {
        let slot = *module.slots(true).unwrap().last().unwrap();
        module.init_token(slot, SO_PIN, LABEL).unwrap();
        let token = Self { module, slot };
        let session = token.session();
        session.login(CKU_SO, SO_PIN).unwrap();
        session.init_pin(PIN).unwrap();
        session.logout().unwrap();
        session.close().unwrap();
        token
    }

    /// A public read/write session.
    pub(crate) fn session(&self) -> Session<'_> {
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        self.module.session(self.slot, flags).unwrap()
    }

    pub(crate) fn read_only(&self) -> Session<'_> {
        self.module.session(self.slot, CKF_SERIAL_SESSION).unwrap()
    }

    /// A read/write session with the user logged in, now or before.
    pub(crate) fn user(&self) -> Session<'_> {
        let session = self.session();
        match session.login(CKU_USER, PIN) {
            Ok(()) | Err(Rv(CKR_USER_ALREADY_LOGGED_IN)) => session,
            Err(other) => panic!("C_Login: {other:?}"),
        }
    }
}
