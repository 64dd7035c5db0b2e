//! What the linker has to know of a library, for the build scripts beside: its name, by which programs find it wherever
//! it was built, and on Android the largest pages, without which Google Play does not take it
//! (<https://developer.android.com/guide/practices/page-sizes>).

/// `ending` stands behind `.so` on Linux: of libraries with the same one, any may take the place of another.
pub(crate) fn tell(name: &str, ending: &str) {
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let flags = match system.as_str() {
        "linux" => vec![format!("-soname,lib{name}.so{ending}")],
        "android" => vec![format!("-soname,lib{name}.so"), "-z,max-page-size=16384".to_owned()],
        // Dart writes a longer name in when it runs a program that was not packaged.
        "macos" | "ios" => {
            vec![format!("-install_name,@rpath/lib{name}.dylib"), "-headerpad_max_install_names".to_owned()]
        }
        _ => Vec::new(),
    };
    for flag in flags {
        println!("cargo:rustc-link-arg-cdylib=-Wl,{flag}");
    }
    for file in ["build.rs", "../link.rs"] {
        println!("cargo:rerun-if-changed={file}");
    }
}
