//! Hands whatever the fuzzer comes up with to the target of this name.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fanfare_fuzz::filter_index(data));
