//! The generator of the Kotlin and Swift sides of the bindings, as `cargo xtask natives` calls it.

fn main() {
    uniffi::uniffi_bindgen_main();
}
