//! Segments of TCP in any order, overlapping, with any flags. From the root of the repository:
//!
//! ```sh
//! mkdir -p fuzz/corpus/segments
//! cargo +nightly fuzz run segments fuzz/corpus/segments -- -max_len=4000
//! ```

#![no_main]

#[allow(dead_code, reason = "the other half is another target's")]
#[path = "../../gateway/tests/inspect_flow/script.rs"]
mod script;

libfuzzer_sys::fuzz_target!(|segments: &[u8]| script::segments(segments));
