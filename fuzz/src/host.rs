//! A host with a token of its own in a folder of its own, put right again before every run.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::ptr::null_mut;

use cryptoki_sys::*;
use tempfile::TempDir;

use super::arguments::{Choices, Memory};
use super::calls;

pub(crate) const PIN: &[u8] = b"123456";
pub(crate) const SO_PIN: &[u8] = b"12345678";

/// The most calls of one run.
const CALLS: usize = 64;
/// Token objects that a run may leave before the token is made anew.
const LEFT: usize = 64;

/// A module under test, its token, and a session that stays logged in between runs.
pub struct Host {
    list: &'static CK_FUNCTION_LIST_3_2,
    home: TempDir,
    reserved: CString,
    anchor: CK_SESSION_HANDLE,
    slot: CK_SLOT_ID,
    /// The objects that every run begins with.
    ours: Vec<CK_OBJECT_HANDLE>,
}

impl Host {
    /// # Panics
    /// Where the module does not work at all.
    #[must_use]
    pub fn fresh() -> Self {
        let home = home();
        let mut host = Self {
            list: zeq_byok::fuzzing::functions(),
            reserved: reserved(&home),
            home,
            anchor: 0,
            slot: 0,
            ours: Vec::new(),
        };
        host.token();
        host
    }

    /// One sequence of calls.
    ///
    /// # Panics
    /// Where the token cannot be put right afterwards.
    pub fn run(&mut self, bytes: &[u8]) {
        Run {
            choices: Choices(bytes),
            memory: Memory::new(),
            sessions: vec![self.anchor, self.session()],
            objects: self.ours.clone(),
            logins: 0,
            host: self,
        }
        .all();
        self.mend();
    }

    fn mend(&mut self) {
        let whole = self.state() == Some(CKS_RW_USER_FUNCTIONS) || self.again();
        if !whole || self.objects().len() > self.ours.len() + LEFT || !self.as_they_were() {
            self.finalize();
            self.home = home();
            self.reserved = reserved(&self.home);
            self.token();
        }
    }

    /// Logs in again, if the token still lets us.
    fn again(&mut self) -> bool {
        self.finalize();
        if self.initialize() != CKR_OK {
            return false;
        }
        self.anchor = self.session();
        let found = self.login(CKU_USER, PIN) == CKR_OK;
        self.ours = self.objects();
        found
    }

    fn as_they_were(&self) -> bool {
        let found = self.objects();
        self.ours.iter().all(|object| found.contains(object)) && self.ours.len() >= 9
    }

    /// A new token with a key of each kind.
    fn token(&mut self) {
        assert_eq!(self.initialize(), CKR_OK, "C_Initialize");
        let (mut count, mut label) = (1, [b' '; 32]);
        let list = self.list;
        // SAFETY: all that is pointed to is there.
        let (found, made) = unsafe {
            let found = list.C_GetSlotList.unwrap()(CK_TRUE, &raw mut self.slot, &raw mut count);
            let (pin, len) = (SO_PIN.as_ptr().cast_mut(), SO_PIN.len() as CK_ULONG);
            let made = list.C_InitToken.unwrap()(self.slot, pin, len, label.as_mut_ptr());
            (found, made)
        };
        assert_eq!((found, made), (CKR_OK, CKR_OK), "C_InitToken");
        self.anchor = self.session();
        assert_eq!(self.login(CKU_SO, SO_PIN), CKR_OK, "C_Login");
        // SAFETY: the PIN is there.
        unsafe {
            let (pin, len) = (PIN.as_ptr().cast_mut(), PIN.len() as CK_ULONG);
            assert_eq!(list.C_InitPIN.unwrap()(self.anchor, pin, len), CKR_OK);
            assert_eq!(list.C_Logout.unwrap()(self.anchor), CKR_OK);
        }
        assert_eq!(self.login(CKU_USER, PIN), CKR_OK, "C_Login");
        self.keys();
        self.ours = self.objects();
    }

    /// A key of each kind, that may do all that its kind may.
    fn keys(&self) {
        let mut flags = [CKA_TOKEN, CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY].to_vec();
        flags.extend([CKA_WRAP, CKA_UNWRAP, CKA_DERIVE, CKA_EXTRACTABLE]);
        self.secret_key(CKM_AES_KEY_GEN, &flags);
        self.secret_key(CKM_GENERIC_SECRET_KEY_GEN, &flags);
        let p256 = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let ed25519 = [6, 3, 0x2b, 0x65, 0x70];
        self.pair(
            CKM_EC_KEY_PAIR_GEN,
            CKA_EC_PARAMS,
            &p256,
            &[CKA_SIGN, CKA_DERIVE],
        );
        self.pair(
            CKM_EC_EDWARDS_KEY_PAIR_GEN,
            CKA_EC_PARAMS,
            &ed25519,
            &[CKA_SIGN],
        );
        let (bits, uses) = (2048_u64.to_ne_bytes(), [CKA_SIGN, CKA_DECRYPT, CKA_UNWRAP]);
        self.pair(CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_MODULUS_BITS, &bits, &uses);
    }

    fn secret_key(&self, kind: CK_MECHANISM_TYPE, flags: &[CK_ATTRIBUTE_TYPE]) {
        let len = 32_u64.to_ne_bytes();
        let mut template = flags_and(flags, CKA_VALUE_LEN, &len);
        let (mut how, mut key, count) = (plain(kind), 0, template.len() as CK_ULONG);
        let generate = self.list.C_GenerateKey.unwrap();
        let at = template.as_mut_ptr();
        // SAFETY: all that is pointed to is there.
        let done = unsafe { generate(self.anchor, &raw mut how, at, count, &raw mut key) };
        assert_eq!(done, CKR_OK, "C_GenerateKey {kind:#x}");
    }

    fn pair(
        &self,
        kind: CK_MECHANISM_TYPE,
        parameter: CK_ATTRIBUTE_TYPE,
        value: &[u8],
        uses: &[CK_ATTRIBUTE_TYPE],
    ) {
        let mut public = flags_and(&[CKA_TOKEN], parameter, value);
        let mut private = flags_and(&[&[CKA_TOKEN], uses].concat(), CKA_LABEL, b"fuzz");
        let (mut how, mut handles) = (plain(kind), [0; 2]);
        let [first, second] = &mut handles;
        let generate = self.list.C_GenerateKeyPair.unwrap();
        // SAFETY: all that is pointed to is there.
        let done = unsafe {
            generate(
                self.anchor,
                &raw mut how,
                public.as_mut_ptr(),
                public.len() as CK_ULONG,
                private.as_mut_ptr(),
                private.len() as CK_ULONG,
                first,
                second,
            )
        };
        assert_eq!(done, CKR_OK, "C_GenerateKeyPair {kind:#x}");
    }

    fn initialize(&self) -> CK_RV {
        let mut arguments = CK_C_INITIALIZE_ARGS {
            flags: CKF_OS_LOCKING_OK,
            pReserved: self.reserved.as_ptr().cast_mut().cast(),
            ..CK_C_INITIALIZE_ARGS::default()
        };
        // SAFETY: the arguments are there.
        unsafe { self.list.C_Initialize.unwrap()((&raw mut arguments).cast()) }
    }

    fn finalize(&self) {
        // SAFETY: NULL.
        unsafe { self.list.C_Finalize.unwrap()(null_mut()) };
    }

    fn session(&self) -> CK_SESSION_HANDLE {
        let (mut session, flags) = (0, CKF_SERIAL_SESSION | CKF_RW_SESSION);
        let open = self.list.C_OpenSession.unwrap();
        // SAFETY: `session` is there.
        let done = unsafe { open(self.slot, flags, null_mut(), None, &raw mut session) };
        assert_eq!(done, CKR_OK, "C_OpenSession");
        session
    }

    fn login(&self, user: CK_USER_TYPE, pin: &[u8]) -> CK_RV {
        let (pin, len) = (pin.as_ptr().cast_mut(), pin.len() as CK_ULONG);
        // SAFETY: the PIN is there.
        unsafe { self.list.C_Login.unwrap()(self.anchor, user, pin, len) }
    }

    fn state(&self) -> Option<CK_STATE> {
        let mut info = CK_SESSION_INFO::default();
        // SAFETY: `info` is there.
        let done = unsafe { self.list.C_GetSessionInfo.unwrap()(self.anchor, &raw mut info) };
        (done == CKR_OK).then_some(info.state)
    }

    fn objects(&self) -> Vec<CK_OBJECT_HANDLE> {
        let (list, mut found, mut count) = (self.list, [0; 256], 0);
        // SAFETY: all that is pointed to is there.
        unsafe {
            list.C_SessionCancel.unwrap()(self.anchor, CKF_FIND_OBJECTS);
            list.C_FindObjectsInit.unwrap()(self.anchor, null_mut(), 0);
            list.C_FindObjects.unwrap()(self.anchor, found.as_mut_ptr(), 256, &raw mut count);
            list.C_FindObjectsFinal.unwrap()(self.anchor);
        }
        found[..count as usize].to_vec()
    }
}

/// One sequence of calls under way.
struct Run<'a> {
    host: &'a Host,
    choices: Choices<'a>,
    memory: Memory,
    sessions: Vec<CK_SESSION_HANDLE>,
    objects: Vec<CK_OBJECT_HANDLE>,
    logins: usize,
}

impl Run<'_> {
    fn all(mut self) {
        for _ in 0..CALLS {
            if !self.choices.more() {
                break;
            }
            self.one();
            self.memory.forget();
        }
        self.end();
    }

    fn one(&mut self) {
        let place = self.choices.byte() % calls::SHAPES.len();
        if calls::RARE.contains(&place) && self.choices.byte() != 0x5a {
            return;
        }
        if calls::LOGIN.contains(&place) {
            self.logins += 1;
            if self.logins > 2 {
                return;
            }
        }
        let shape = calls::SHAPES[place];
        let words = self.words(shape);
        let done = calls::call(self.host.list, place, &words);
        if done == CKR_OK {
            self.keep(shape, &words);
        }
    }

    fn words(&mut self, shape: &str) -> [usize; 12] {
        let (mut words, mut count) = ([0; 12], 0);
        let Self {
            host,
            choices,
            memory,
            sessions,
            objects,
            logins: _,
        } = self;
        for (word, kind) in words.iter_mut().zip(shape.chars()) {
            *word = match kind {
                'h' => handle(choices, sessions),
                's' => handle(choices, &[host.slot]),
                'o' => handle(choices, objects),
                'u' => choices.pick(&[0, 1, 2, 4, 6, 8, 0x7f40, usize::MAX]),
                'n' => choices.length(),
                'l' => memory.length(choices),
                'm' => memory.mechanism(choices),
                't' => {
                    let (at, len) = memory.template(choices, 3);
                    count = len;
                    at
                }
                'c' => count,
                'e' => choices.length(),
                'O' | 'S' => match choices.byte() {
                    0 => 0,
                    byte => memory.holding(&[0; 2], byte & 1 == 1),
                },
                'w' => 1,
                'z' => 0,
                'x' => memory.holding(&[0, 0, 0, 0, 2, host.reserved.as_ptr() as usize], true),
                'q' => memory.pointer(choices) * (choices.byte() & 1),
                _ => memory.pointer(choices),
            };
            if kind == 'O' && shape.contains('e') && *word != 0 {
                *word = memory.page(7);
            }
        }
        words
    }

    /// Handles that a call gave.
    fn keep(&mut self, shape: &str, words: &[usize; 12]) {
        for (kind, at) in shape.chars().zip(words) {
            // SAFETY: the call answered CKR_OK, so it wrote there, and the memory still is.
            let handle = || unsafe { (*at as *const CK_ULONG).read_unaligned() };
            match kind {
                'S' if *at != 0 => self.sessions.push(handle()),
                'O' if *at != 0 => self.objects.push(handle()),
                _ => {}
            }
        }
    }

    /// Takes back what the run made.
    fn end(&self) {
        let list = self.host.list;
        for object in self
            .objects
            .iter()
            .filter(|one| !self.host.ours.contains(one))
        {
            // SAFETY: no pointers.
            unsafe { list.C_DestroyObject.unwrap()(self.host.anchor, *object) };
        }
        for session in self.sessions.iter().skip(1) {
            // SAFETY: no pointers.
            unsafe { list.C_CloseSession.unwrap()(*session) };
        }
    }
}

/// One that there is, or seldom none.
fn handle(choices: &mut Choices<'_>, from: &[CK_ULONG]) -> usize {
    match choices.byte() {
        255 => usize::MAX,
        254 => 0,
        byte => from[from.len() - 1 - byte % from.len()] as usize,
    }
}

fn plain(mechanism: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM {
        mechanism,
        pParameter: null_mut(),
        ulParameterLen: 0,
    }
}

static YES: CK_BBOOL = CK_TRUE;

/// Flags that are TRUE, and one more attribute.
fn flags_and(
    flags: &[CK_ATTRIBUTE_TYPE],
    kind: CK_ATTRIBUTE_TYPE,
    value: &[u8],
) -> Vec<CK_ATTRIBUTE> {
    let attribute = |type_, value: &[u8]| CK_ATTRIBUTE {
        type_,
        pValue: value.as_ptr().cast_mut().cast(),
        ulValueLen: value.len() as CK_ULONG,
    };
    let yes = std::slice::from_ref(&YES);
    let flags = flags.iter().map(|flag| attribute(*flag, yes));
    flags.chain([attribute(kind, value)]).collect()
}

/// A folder with a configuration: one Soft token, no log.
fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a temporary folder");
    let conf = home.path().join("config.toml");
    let text = "store = \"sqlite:store.db\"\nlog = \"off\"\n\n[[sibling]]\nid = \"soft\"\n\
                provider = \"soft\"\nwindow = \"never\"\n";
    fs::write(&conf, text).expect("a file");
    fs::set_permissions(&conf, fs::Permissions::from_mode(0o600)).expect("permissions");
    home
}

fn reserved(home: &TempDir) -> CString {
    let conf = home.path().join("config.toml");
    CString::new(format!("zeq_byok_conf='{}'", conf.display())).expect("no NUL")
}
