//! PROXY headers, and what is none. From the root of the repository:
//!
//! ```sh
//! mkdir -p fuzz/corpus/proxy
//! cargo +nightly fuzz run proxy fuzz/corpus/proxy gateway/testdata/proxy -- -max_len=5000
//! ```

#![no_main]

#[path = "../../gateway/tests/proxy_laws/laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|first: &[u8]| {
    laws::hold(first);
});
