//! Tells the linker about the library.

#[path = "../link.rs"]
mod link;

fn main() {
    // Whoever loads it checks by itself that it is the very one.
    link::tell("connectoid_ffi", "");
}
