//! Tells the linker about the library.

#[path = "../link.rs"]
mod link;

fn main() {
    link::tell("connectoid");
}
