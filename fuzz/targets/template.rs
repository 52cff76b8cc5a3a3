#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| zeq_byok::fuzzing::template(bytes));
