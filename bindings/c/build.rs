//! Tells the linker about the library.

#[path = "../link.rs"]
mod link;

fn main() {
    link::tell("connectoid", &format!(".{}", series()));
}

/// What goes together: equal minor versions, and from 1.0 on equal major ones.
fn series() -> String {
    let (major, minor) = (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
    if major == "0" { format!("{major}.{minor}") } else { major.to_owned() }
}
