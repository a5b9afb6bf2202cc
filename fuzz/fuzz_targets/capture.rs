//! Files of any kind that hold anything, through the whole inspector. From the root of the repository:
//!
//! ```sh
//! mkdir -p fuzz/corpus/capture
//! cargo +nightly fuzz run capture fuzz/corpus/capture -- -max_len=20000
//! ```

#![no_main]

#[path = "../../gateway/tests/sni_laws/whole.rs"]
mod whole;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    whole::inspected(file);
});
