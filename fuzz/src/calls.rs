//! The functions of PKCS#11 3.2 and what each takes.

use cryptoki_sys::*;

/// What each argument is, a letter each: `h`andle of a session, `s`lot, `o`bject, `k`ey, `u` any
/// number, `p`ointer, `n` length of the last pointer, `l` where a length stands, `m`echanism,
/// `t`emplate and its `c`ount, `e` how many handles, `O` where an object's handle goes and `S` a
/// session's, `w` the flag of a call that would wait, `z` zero, `x` the start's arguments, `q` NULL
/// or not. In the order of `CK_FUNCTION_LIST_3_2`.
#[rustfmt::skip]
pub(crate) const SHAPES: &[&str] = &[
    "x", "q", "p", "p", "wpl", "sp", "sp", "spl", "sup", "spnp", "hpn", "hpnpn", "suzzS", "h", "s",
    "hp", "hpl", "hpnoo", "hupn", "h", "htcO", "hotcO", "ho", "hop", "hotc", "hotc", "htc", "hOep",
    "h", "hmo", "hpnpl", "hpnpl", "hpl", "hmo", "hpnpl", "hpnpl", "hpl", "hm", "hpnpl", "hpn", "ho",
    "hpl", "hmo", "hpnpl", "hpn", "hpl", "hmo", "hpnpl", "hmo", "hpnpn", "hpn", "hpn", "hmo",
    "hpnpl", "hpnpl", "hpnpl", "hpnpl", "hpnpl", "hmtcO", "hmtctcOO", "hmoopl", "hmopntcO",
    "hmotcO", "hpn", "hpn", "h", "h", "wpz",
    "pl", "pppu", "hupnpn", "hu",
    "hmo", "hpnpnpnpl", "hpnpn", "hpnpnplu", "h", "hmo", "hpnpnpnpl", "hpnpn", "hpnpnplu", "h",
    "hmo", "hpnpnpl", "hpn", "hpnpnpl", "h", "hmo", "hpnpnpn", "hpn", "hpnpnpn", "h",
    "hmotcplO", "hmotcpnO", "hmopn", "hpn", "hpn", "h", "hup", "hppp", "hppl", "hppp",
    "hmoopnpl", "hmopntcpnO",
];

/// Functions that end much of a run (the start, the end, tokens, PINs, sessions), that are called
/// only where a second byte says so.
pub(crate) const RARE: &[usize] = &[0, 1, 9, 10, 11, 13, 14, 18, 19, 22, 70];

/// They cost what a PIN's hash costs, and are called twice a run at most.
pub(crate) const LOGIN: &[usize] = &[9, 10, 11, 18, 70];

/// Calls a function with words; every argument is one, and more than it takes are not looked at.
pub(crate) fn call(list: &CK_FUNCTION_LIST_3_2, place: usize, words: &[usize; 12]) -> CK_RV {
    type Word = usize;
    #[rustfmt::skip]
    type Any = unsafe extern "C" fn(
        Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word,
    ) -> CK_RV;
    let start = std::ptr::from_ref(list).cast::<usize>();
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *words;
    // SAFETY: after the version, which is padded to a word, a list is pointers to functions.
    let function = unsafe { std::mem::transmute::<usize, Any>(start.add(1 + place).read()) };
    // SAFETY: the pointers among them are NULL or have memory, see `arguments`.
    unsafe { function(a, b, c, d, e, f, g, h, i, j, k, l) }
}
