//! Filters, and frames that they judge. From the root of the repository:
//!
//! ```sh
//! mkdir -p fuzz/corpus/filter
//! cargo +nightly fuzz run filter fuzz/corpus/filter -- -max_len=2000
//! ```

#![no_main]

#[path = "../../gateway/tests/filter_laws/bpf.rs"]
mod bpf;
#[path = "../../gateway/tests/filter_laws/laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    laws::hold(input);
});
