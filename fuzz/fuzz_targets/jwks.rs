#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bearward_fuzz::jwks::run(data));
