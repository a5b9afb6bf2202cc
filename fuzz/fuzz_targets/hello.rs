//! Hellos, read by us and by rustls. From the root of the repository:
//!
//! ```sh
//! mkdir -p fuzz/corpus/hello
//! cargo +nightly fuzz run hello fuzz/corpus/hello gateway/testdata/hello -- -max_len=20000
//! ```

#![no_main]

#[path = "../../gateway/tests/hello/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|flight: &[u8]| {
    oracle::compare(flight);
});
