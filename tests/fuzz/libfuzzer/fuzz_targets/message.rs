#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| connectoid_fuzz::run("message", bytes));
