//! What the linker has to know of the library: its name, by which programs find it wherever it was built, and on Android
//! the largest pages, without which Google Play does not take it
//! (<https://developer.android.com/guide/practices/page-sizes>).

fn main() {
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let flags: &[&str] = match system.as_str() {
        "linux" => &["-soname,libconnectoid_ffi.so"],
        "android" => &["-soname,libconnectoid_ffi.so", "-z,max-page-size=16384"],
        "macos" | "ios" => &["-install_name,@rpath/libconnectoid_ffi.dylib"],
        _ => &[],
    };
    for flag in flags {
        println!("cargo:rustc-link-arg-cdylib=-Wl,{flag}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
