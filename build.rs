//! How the library is linked: what it must not take from its host, and what it must not show it.
//! docs/decisions/{exports,allocator,fork}.md say why.

/// aws-lc's weak imports, which would otherwise bind to a host that happens to define them.
const ALLOCATOR: [&str; 5] = [
    "OPENSSL_memory_alloc",
    "OPENSSL_memory_free",
    "OPENSSL_memory_get_size",
    "OPENSSL_memory_realloc",
    "sdallocx",
];

/// What aws-lc and SQLite lock with, and `src/lc/gate.rs` counts.
const LOCKS: [&str; 6] = [
    "pthread_rwlock_rdlock",
    "pthread_rwlock_wrlock",
    "pthread_rwlock_unlock",
    "pthread_mutex_lock",
    "pthread_mutex_trylock",
    "pthread_mutex_unlock",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Stay mapped after dlclose, and keep no writable table of function pointers.
    for keyword in ["nodelete", "now", "relro"] {
        library(&format!("-Wl,-z,{keyword}"));
    }
    for what in ALLOCATOR {
        library(&format!("-Wl,--defsym={what}=0"));
    }
    println!("cargo:rustc-check-cfg=cfg(fork_gate)");
    if gated() {
        println!("cargo:rustc-cfg=fork_gate");
        for lock in LOCKS {
            library(&format!("-Wl,--wrap={lock}"));
        }
    }
}

/// The gate's entry points are a line of assembly for each of these.
fn gated() -> bool {
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    target("OS") == "linux" && ["x86_64", "aarch64"].contains(&target("ARCH").as_str())
}

/// Only the shared library is loaded by others: the command and the tests link as usual.
fn library(argument: &str) {
    println!("cargo:rustc-cdylib-link-arg={argument}");
}
