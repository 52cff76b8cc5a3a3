//! How the library is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}
