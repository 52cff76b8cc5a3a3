//! The built library, as a host loads it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cognitive_complexity,
    reason = "a test"
)]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    clippy::borrow_as_ptr,
    reason = "a test calls C"
)]

mod support;

use std::ffi::{CString, c_void};
use std::path::PathBuf;
use std::ptr::null_mut;
use std::slice;

use std::time::{Duration, Instant};

use cryptoki_sys::*;
use parking_lot::Mutex;

/// Beside the test.
fn library() -> libloading::Library {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.push("libzeq_byok.so");
    unsafe { libloading::Library::new(path).unwrap() }
}

/// The words of a function list after its version, which is padded to one.
///
/// # Safety
/// `list` is a function list.
unsafe fn functions<T>(list: *const T) -> &'static [usize] {
    let words = size_of::<T>() / size_of::<usize>();
    unsafe { &slice::from_raw_parts(list.cast::<usize>(), words)[1..] }
}

#[test]
fn every_list_has_all_its_functions() {
    let library = library();
    unsafe {
        let get = library.get::<unsafe extern "C" fn(
            *mut CK_UTF8CHAR,
            *mut CK_VERSION,
            *mut *mut CK_INTERFACE,
            CK_FLAGS,
        ) -> CK_RV>(b"C_GetInterface");
        let get = get.unwrap();
        for (major, minor, count) in [(3, 2, 104), (3, 0, 92), (2, 40, 68)] {
            let mut name = *b"PKCS 11\0";
            let mut version = CK_VERSION { major, minor };
            let mut found = null_mut();
            assert_eq!(get(name.as_mut_ptr(), &mut version, &mut found, 0), CKR_OK);
            let list = (*found).pFunctionList;
            let all = match count {
                104 => functions(list.cast::<CK_FUNCTION_LIST_3_2>()),
                92 => functions(list.cast::<CK_FUNCTION_LIST_3_0>()),
                _ => functions(list.cast::<CK_FUNCTION_LIST>()),
            };
            assert_eq!(all.len(), count);
            assert!(all.iter().all(|function| *function != 0));
            let said = list.cast::<CK_VERSION>().read();
            assert_eq!((said.major, said.minor), (major, minor));
            assert_eq!((*found).flags, 0);
        }
    }
}

type List = &'static CK_FUNCTION_LIST_3_2;

/// The library is one a process: tests that start and end it take turns.
static TURN: Mutex<()> = Mutex::new(());

fn list(library: &libloading::Library) -> List {
    unsafe {
        let get = library.get::<unsafe extern "C" fn(
            *mut CK_UTF8CHAR,
            *mut CK_VERSION,
            *mut *mut CK_INTERFACE,
            CK_FLAGS,
        ) -> CK_RV>(b"C_GetInterface");
        let mut found = null_mut();
        let done = get.unwrap()(null_mut(), null_mut(), &mut found, 0);
        assert_eq!(done, CKR_OK);
        &*(*found).pFunctionList.cast::<CK_FUNCTION_LIST_3_2>()
    }
}

/// Started with a store of its own.
fn initialize(list: List, home: &std::path::Path) {
    support::token::configure(home);
    let path = support::token::ours_conf(home);
    let text = format!("zeq_byok_conf='{}'", path.display());
    let reserved = CString::new(text).unwrap();
    let mut arguments = CK_C_INITIALIZE_ARGS {
        flags: CKF_OS_LOCKING_OK,
        pReserved: reserved.as_ptr().cast_mut().cast(),
        ..CK_C_INITIALIZE_ARGS::default()
    };
    let arguments: *mut CK_C_INITIALIZE_ARGS = &mut arguments;
    assert_eq!(
        unsafe { list.C_Initialize.unwrap()(arguments.cast()) },
        CKR_OK
    );
}

fn finalize(list: List) -> CK_RV {
    unsafe { list.C_Finalize.unwrap()(null_mut()) }
}

#[test]
fn an_interface_is_found_by_name_version_and_flags() {
    let library = library();
    unsafe {
        let get = list(&library).C_GetInterface.unwrap();
        let mut found = null_mut();
        let mut version = CK_VERSION { major: 3, minor: 1 };
        let mut name = *b"PKCS 11\0";
        let mut other = *b"PKCS 12\0";
        let (name, other) = (name.as_mut_ptr(), other.as_mut_ptr());
        assert_eq!(get(name, null_mut(), &mut found, 0), CKR_OK);
        let said = (*found).pFunctionList.cast::<CK_VERSION>().read();
        assert_eq!((said.major, said.minor), (3, 2));
        assert_eq!(get(name, &mut version, &mut found, 0), CKR_ARGUMENTS_BAD);
        assert_eq!(get(other, null_mut(), &mut found, 0), CKR_ARGUMENTS_BAD);
        let fork_safe = CKF_INTERFACE_FORK_SAFE;
        assert_eq!(
            get(name, null_mut(), &mut found, fork_safe),
            CKR_ARGUMENTS_BAD
        );
        assert_eq!(get(name, null_mut(), null_mut(), 0), CKR_ARGUMENTS_BAD);
        let all = list(&library).C_GetInterfaceList.unwrap();
        let mut three = [CK_INTERFACE::default(); 3];
        let mut count = 2;
        assert_eq!(all(three.as_mut_ptr(), &mut count), CKR_BUFFER_TOO_SMALL);
        assert_eq!((count, three[0].flags), (3, 0));
        assert_eq!(all(three.as_mut_ptr(), &mut count), CKR_OK);
        let minor = |each: &CK_INTERFACE| each.pFunctionList.cast::<CK_VERSION>().read().minor;
        assert_eq!(three.each_ref().map(minor), [2, 0, 40]);
    }
}

#[test]
fn a_run_starts_once_ends_once_and_starts_again() {
    let _turn = TURN.lock();
    let (library, home) = (library(), tempfile::tempdir().unwrap());
    let list = list(&library);
    unsafe {
        assert_eq!(finalize(list), CKR_CRYPTOKI_NOT_INITIALIZED);
        for _ in 0..3 {
            initialize(list, home.path());
            let again = list.C_Initialize.unwrap()(null_mut());
            assert_eq!(again, CKR_CRYPTOKI_ALREADY_INITIALIZED);
            let mut word = 0_usize;
            let reserved: *mut usize = &mut word;
            assert_eq!(list.C_Finalize.unwrap()(reserved.cast()), CKR_ARGUMENTS_BAD);
            assert_eq!(finalize(list), CKR_OK);
            assert_eq!(finalize(list), CKR_CRYPTOKI_NOT_INITIALIZED);
        }
        let half = CK_C_INITIALIZE_ARGS {
            LockMutex: Some(mutex),
            ..CK_C_INITIALIZE_ARGS::default()
        };
        let half: *const CK_C_INITIALIZE_ARGS = &half;
        let done = list.C_Initialize.unwrap()(half.cast_mut().cast());
        assert_eq!(done, CKR_ARGUMENTS_BAD);
    }
}

/// # Safety
/// None.
unsafe extern "C" fn mutex(_mutex: *mut c_void) -> CK_RV {
    CKR_OK
}

#[test]
fn a_host_that_waits_for_a_slot_event_is_woken_by_the_end() {
    let _turn = TURN.lock();
    let (library, home) = (library(), tempfile::tempdir().unwrap());
    let list = list(&library);
    initialize(list, home.path());
    let wait = |flags| unsafe {
        let mut slot = 0;
        list.C_WaitForSlotEvent.unwrap()(flags, &mut slot, null_mut())
    };
    assert_eq!(wait(CKF_DONT_BLOCK), CKR_NO_EVENT);
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| wait(0));
        std::thread::sleep(Duration::from_millis(50));
        let begun = Instant::now();
        assert_eq!(finalize(list), CKR_OK);
        assert_eq!(waiting.join().unwrap(), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert!(begun.elapsed() < Duration::from_millis(900));
    });
}

/// What each argument is, a letter each: `h`andle, `s`lot, `o`bject, `u` any number, `p`ointer,
/// `n` length of the last pointer, `l` where a length stands, `m`echanism, `t`emplate and its
/// `c`ount, `w` the one flag of a wait, `z` zero.
#[rustfmt::skip]
const SHAPES: &[&str] = &[
    "x", "q", "p", "p", "wpl", "sp", "sp", "spl", "sup", "spnp", "hpn", "hpnpn", "suzzp", "h", "s",
    "hp", "hpl", "hpnoo", "hupn", "h", "htcp", "hotcp", "ho", "hop", "hotc", "hotc", "htc", "hpep",
    "h", "hmo", "hpnpl", "hpnpl", "hpl", "hmo", "hpnpl", "hpnpl", "hpl", "hm", "hpnpl", "hpn", "ho",
    "hpl", "hmo", "hpnpl", "hpn", "hpl", "hmo", "hpnpl", "hmo", "hpnpn", "hpn", "hpn", "hmo",
    "hpnpl", "hpnpl", "hpnpl", "hpnpl", "hpnpl", "hmtcp", "hmtctcpp", "hmoopl", "hmopntcp",
    "hmotcp", "hpn", "hpn", "h", "h", "wpz",
    "pl", "pppu", "hupnpn", "hu",
    "hmo", "hpnpnpnpl", "hpnpn", "hpnpnplu", "h", "hmo", "hpnpnpnpl", "hpnpn", "hpnpnplu", "h",
    "hmo", "hpnpnpl", "hpn", "hpnpnpl", "h", "hmo", "hpnpnpn", "hpn", "hpnpnpn", "h",
    "hmotcplp", "hmotcpnp", "hmopn", "hpn", "hpn", "h", "hup", "hppp", "hppl", "hppp",
    "hmoopnpl", "hmopntcpnp",
];

/// Random words from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (self.0 >> 33) as usize % sides
    }

    fn pick(&mut self, from: &[usize]) -> usize {
        from[self.roll(from.len())]
    }
}

const SIZE: usize = 4096;
const HUGE: &[usize] = &[usize::MAX, usize::MAX / 2 + 1, usize::MAX - 7];

/// Memory that a host hands over, kept until the call is over.
#[derive(Default)]
struct Memory(Vec<Box<[u8; SIZE]>>);

impl Memory {
    fn page(&mut self) -> usize {
        self.0.push(Box::new([0; SIZE]));
        self.0.last_mut().unwrap().as_mut_ptr() as usize
    }

    /// NULL, or a page at any alignment with room for the longest length.
    fn pointer(&mut self, dice: &mut Dice) -> usize {
        match dice.roll(4) {
            0 => 0,
            1 => self.page() + 1,
            _ => self.page(),
        }
    }

    fn holding(&mut self, words: &[usize], dice: &mut Dice) -> usize {
        let at = self.page() + dice.roll(2);
        for (place, word) in words.iter().enumerate() {
            unsafe { (at as *mut usize).add(place).write_unaligned(*word) };
        }
        at
    }
}

fn length(dice: &mut Dice) -> usize {
    let huge = dice.pick(HUGE);
    dice.pick(&[0, 1, 8, 16, 32, 200, huge])
}

fn mechanism(memory: &mut Memory, dice: &mut Dice) -> usize {
    let kinds = [
        CKM_AES_GCM,
        CKM_AES_CBC,
        CKM_AES_KEY_GEN,
        CKM_SHA256,
        CKM_SHA256_HMAC,
        CKM_ECDSA,
        CKM_RSA_PKCS_OAEP,
        CKM_RSA_PKCS_PSS,
        CKM_EC_KEY_PAIR_GEN,
        CKM_HKDF_DERIVE,
        CKM_AES_KEY_WRAP,
        CKM_ECDH1_DERIVE,
        CKM_EDDSA,
        CKM_RSA_AES_KEY_WRAP,
        0x8000_5a45,
        0x4711,
    ];
    let kind = dice.pick(&kinds.map(|kind| kind as usize));
    let parameter = memory.pointer(dice);
    let huge = dice.pick(HUGE);
    let len = dice.pick(&[0, 8, 16, 24, 40, 48, 64, 72, huge]);
    memory.holding(&[kind, parameter, len], dice)
}

/// A template of three attributes.
fn template(memory: &mut Memory, dice: &mut Dice) -> usize {
    let kinds = [
        CKA_CLASS,
        CKA_KEY_TYPE,
        CKA_VALUE,
        CKA_VALUE_LEN,
        CKA_TOKEN,
        CKA_LABEL,
        CKA_WRAP_TEMPLATE,
        CKA_ALLOWED_MECHANISMS,
        CKA_EC_PARAMS,
        CKA_MODULUS_BITS,
        0x8000_0001,
    ];
    let mut words = Vec::new();
    for _ in 0..3 {
        let kind = dice.pick(&kinds.map(|kind| kind as usize));
        let value = memory.pointer(dice);
        let huge = dice.pick(HUGE);
        words.extend([kind, value, dice.pick(&[0, 1, 8, 24, 32, huge])]);
    }
    memory.holding(&words, dice)
}

/// Calls a function with arguments of the right kinds and no sense.
fn call(list: List, place: usize, dice: &mut Dice, handles: [usize; 3]) -> CK_RV {
    let function = unsafe { functions(std::ptr::from_ref(list)) }[place];
    let (mut memory, mut words) = (Memory::default(), [0_usize; 12]);
    for (word, kind) in words.iter_mut().zip(SHAPES[place].chars()) {
        *word = match kind {
            'h' | 's' | 'o' => {
                let handle = handles["hso".find(kind).unwrap()];
                dice.pick(&[handle, handle, handle, handle, handle, 0, usize::MAX])
            }
            'u' => dice.pick(&[0, 1, 2, 4, 6, 8, 0x7f40, usize::MAX]),
            'n' => length(dice),
            'l' => {
                let len = length(dice);
                let at = memory.holding(&[len], dice);
                dice.pick(&[0, at, at, at])
            }
            'm' => {
                let at = mechanism(&mut memory, dice);
                dice.pick(&[0, at, at, at, at])
            }
            't' => {
                let at = template(&mut memory, dice);
                dice.pick(&[0, at, at, at])
            }
            'c' => {
                let huge = dice.pick(HUGE);
                dice.pick(&[0, 1, 2, 3, huge])
            }
            'e' => {
                let huge = dice.pick(HUGE);
                dice.pick(&[0, 1, 20, huge])
            }
            'w' => 1,
            'z' => 0,
            // Not a pointer that would be believed: the run must go on.
            'x' => memory.holding(&[1, 0, 0, 0, 0, 0], dice),
            'q' => memory.page(),
            _ => memory.pointer(dice),
        };
    }
    type Any = unsafe extern "C" fn(
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
    ) -> CK_RV;
    let [a, b, c, d, e, f, g, h, i, j, k, l] = words;
    // Every argument is a word, and more words than a function takes are not looked at.
    unsafe {
        let function = std::mem::transmute::<usize, Any>(function);
        function(a, b, c, d, e, f, g, h, i, j, k, l)
    }
}

#[test]
fn before_the_start_every_function_says_so() {
    let _turn = TURN.lock();
    let library = library();
    let list = list(&library);
    let free = ["C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"];
    assert_eq!(SHAPES.len(), 104, "{free:?} have no state");
    for place in (2..104).filter(|place| ![3, 68, 69].contains(place)) {
        for seed in 0..20 {
            let rv = call(list, place, &mut Dice(seed), [1, 1, 1]);
            assert_eq!(rv, CKR_CRYPTOKI_NOT_INITIALIZED, "function {place}");
        }
    }
}

#[test]
fn no_argument_in_any_state_ends_the_process() {
    let _turn = TURN.lock();
    let (library, home) = (library(), tempfile::tempdir().unwrap());
    let list = list(&library);
    initialize(list, home.path());
    let handles = session(list);
    std::thread::scope(|threads| {
        for thread in 0..2 {
            threads.spawn(move || {
                let mut dice = Dice(thread);
                (0..40).for_each(|_| storm(list, &mut dice, handles));
            });
        }
    });
    assert_eq!(finalize(list), CKR_OK);
}

/// Some hundred calls on a session of its own, which the calls may close.
fn storm(list: List, dice: &mut Dice, handles: Option<[usize; 3]>) {
    let [_, slot, object] = handles.unwrap_or([1, 1, 1]);
    let (mut session, flags) = (1, CKF_SERIAL_SESSION | CKF_RW_SESSION);
    if handles.is_some() {
        let open = list.C_OpenSession.unwrap();
        let done = unsafe { open(slot as CK_SLOT_ID, flags, null_mut(), None, &mut session) };
        assert_eq!(done, CKR_OK);
    }
    for _ in 0..400 {
        let place = dice.roll(104);
        let rare = [LOGIN, CLOSING, OBJECT_IS_GONE].concat().contains(&place);
        if !rare || dice.roll(400) == 0 {
            call(list, place, dice, [session as usize, slot, object]);
        }
    }
}

/// Costs what a PIN's hash costs: C_InitToken, C_InitPIN, C_SetPIN, C_Login, C_LoginUser.
const LOGIN: &[usize] = &[9, 10, 11, 18, 70];
/// C_CloseSession, C_CloseAllSessions, C_Logout.
const CLOSING: &[usize] = &[13, 14, 19];
/// C_DestroyObject.
const OBJECT_IS_GONE: &[usize] = &[22];

/// A session's handle, its slot and an object, where there is a token.
fn session(list: List) -> Option<[usize; 3]> {
    unsafe {
        let (mut slot, mut count, mut session) = (0, 1, 0);
        let found = list.C_GetSlotList.unwrap()(CK_TRUE, &mut slot, &mut count);
        if (found, count) != (CKR_OK, 1) {
            println!("SKIPPED: no slot of one's own");
            return None;
        }
        let (mut pin, mut label) = (*b"12345678", [b' '; 32]);
        let done = list.C_InitToken.unwrap()(slot, pin.as_mut_ptr(), 8, label.as_mut_ptr());
        assert_eq!(done, CKR_OK);
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        let done = list.C_OpenSession.unwrap()(slot, flags, null_mut(), None, &mut session);
        assert_eq!(done, CKR_OK);
        let login = list.C_Login.unwrap();
        assert_eq!(login(session, CKU_SO, pin.as_mut_ptr(), 8), CKR_OK);
        assert_eq!(
            list.C_InitPIN.unwrap()(session, pin.as_mut_ptr(), 8),
            CKR_OK
        );
        assert_eq!(list.C_Logout.unwrap()(session), CKR_OK);
        assert_eq!(login(session, CKU_USER, pin.as_mut_ptr(), 8), CKR_OK);
        Some([session as usize, slot as usize, key(list, session) as usize])
    }
}

/// An AES key that may do everything.
fn key(list: List, session: CK_SESSION_HANDLE) -> CK_OBJECT_HANDLE {
    let (mut len, mut yes, mut key) = (32, CK_TRUE, 0);
    let len: *mut CK_ULONG = &mut len;
    let yes: *mut CK_BBOOL = &mut yes;
    let flag = |kind| CK_ATTRIBUTE {
        type_: kind,
        pValue: yes.cast(),
        ulValueLen: 1,
    };
    let mut template = [
        CK_ATTRIBUTE {
            type_: CKA_VALUE_LEN,
            pValue: len.cast(),
            ulValueLen: 8,
        },
        flag(CKA_ENCRYPT),
        flag(CKA_DECRYPT),
        flag(CKA_SIGN),
        flag(CKA_VERIFY),
        flag(CKA_WRAP),
        flag(CKA_UNWRAP),
        flag(CKA_EXTRACTABLE),
    ];
    let mut how = plain(CKM_AES_KEY_GEN);
    let generate = list.C_GenerateKey.unwrap();
    let done = unsafe { generate(session, &mut how, template.as_mut_ptr(), 8, &mut key) };
    assert_eq!(done, CKR_OK);
    key
}

fn plain(mechanism: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM {
        mechanism,
        pParameter: null_mut(),
        ulParameterLen: 0,
    }
}

#[test]
fn an_operation_stays_until_its_output_is_out_and_ends_with_every_other_fault() {
    let _turn = TURN.lock();
    let (library, home) = (library(), tempfile::tempdir().unwrap());
    let list = list(&library);
    initialize(list, home.path());
    if let Some([session, _, key]) = session(list) {
        let (session, key) = (session as CK_SESSION_HANDLE, key as CK_OBJECT_HANDLE);
        let mut how = plain(CKM_AES_CMAC);
        let (init, sign) = (list.C_SignInit.unwrap(), list.C_Sign.unwrap());
        let (mut data, mut out) = (*b"four", [0_u8; 17]);
        let (data, out) = (data.as_mut_ptr(), out.as_mut_ptr());
        let mut len = 99;
        unsafe {
            assert_eq!(init(session, &mut how, key), CKR_OK);
            assert_eq!(init(session, &mut how, key), CKR_OPERATION_ACTIVE);
            assert_eq!(sign(session, data, 4, null_mut(), &mut len), CKR_OK);
            assert_eq!(len, 16);
            len = 15;
            assert_eq!(sign(session, data, 4, out, &mut len), CKR_BUFFER_TOO_SMALL);
            assert_eq!(len, 16);
            assert_eq!(sign(session, data, 4, out, &mut len), CKR_OK);
            let none = CKR_OPERATION_NOT_INITIALIZED;
            assert_eq!(sign(session, data, 4, out, &mut len), none);

            assert_eq!(init(session, &mut how, key), CKR_OK);
            assert_eq!(
                sign(session, null_mut(), 4, out, &mut len),
                CKR_ARGUMENTS_BAD
            );
            assert_eq!(sign(session, data, 4, out, &mut len), none);
            assert_eq!(
                sign(session, null_mut(), 4, out, &mut len),
                CKR_ARGUMENTS_BAD
            );

            assert_eq!(init(session, &mut how, key), CKR_OK);
            assert_eq!(init(session, null_mut(), 0), CKR_OK, "ends it");
            assert_eq!(init(session, null_mut(), 0), CKR_ARGUMENTS_BAD);

            assert_eq!(init(session, &mut how, key), CKR_OK);
            let update = list.C_SignUpdate.unwrap();
            assert_eq!(update(session, data, 4), CKR_OK);
            assert_eq!(sign(session, data, 4, out, &mut len), CKR_OPERATION_ACTIVE);
            assert_eq!(list.C_SignFinal.unwrap()(session, out, &mut len), none);

            assert_eq!(init(session, &mut how, key), CKR_OK);
            assert_eq!(list.C_SessionCancel.unwrap()(session, CKF_SIGN), CKR_OK);
            assert_eq!(sign(session, data, 4, out, &mut len), none);

            assert_eq!(init(session, &mut how, key), CKR_OK);
            assert_eq!(list.C_Logout.unwrap()(session), CKR_OK);
            assert_eq!(sign(session, data, 4, out, &mut len), none);
        }
    }
    assert_eq!(finalize(list), CKR_OK);
}

#[test]
fn input_and_output_may_be_one_buffer_and_a_length_may_lie_anywhere() {
    let _turn = TURN.lock();
    let (library, home) = (library(), tempfile::tempdir().unwrap());
    let list = list(&library);
    initialize(list, home.path());
    if let Some([session, _, key]) = session(list) {
        let (session, key) = (session as CK_SESSION_HANDLE, key as CK_OBJECT_HANDLE);
        let mut iv = [7_u8; 16];
        let mut how = CK_MECHANISM {
            mechanism: CKM_AES_CBC_PAD,
            pParameter: iv.as_mut_ptr().cast(),
            ulParameterLen: 16,
        };
        let mut memory = *b"one buffer for both, of 32 bytes and room...0123";
        let (before, buffer, mut odd) = (memory, memory.as_mut_ptr(), [0_u8; 9]);
        let len = unsafe { odd.as_mut_ptr().add(1).cast::<CK_ULONG>() };
        unsafe {
            len.write_unaligned(48);
            assert_eq!(list.C_EncryptInit.unwrap()(session, &mut how, key), CKR_OK);
            let encrypt = list.C_Encrypt.unwrap();
            assert_eq!(encrypt(session, buffer, 32, buffer, len), CKR_OK);
            assert_eq!(len.read_unaligned(), 48);
            assert_eq!(list.C_DecryptInit.unwrap()(session, &mut how, key), CKR_OK);
            let decrypt = list.C_Decrypt.unwrap();
            assert_eq!(decrypt(session, buffer, 48, buffer, len), CKR_OK);
            assert_eq!(len.read_unaligned(), 32);
            assert_eq!(slice::from_raw_parts(buffer, 32), &before[..32]);
        }
    }
    assert_eq!(finalize(list), CKR_OK);
}
