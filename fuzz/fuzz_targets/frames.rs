//! Frames of any kind that hold anything: links, tags, tunnels, fragments. From the root of the
//! repository:
//!
//! ```sh
//! mkdir -p fuzz/corpus/frames
//! cargo +nightly fuzz run frames fuzz/corpus/frames -- -max_len=4000
//! ```

#![no_main]

#[allow(dead_code, reason = "the other half is another target's")]
#[path = "../../gateway/tests/inspect_flow/script.rs"]
mod script;

libfuzzer_sys::fuzz_target!(|frames: &[u8]| script::frames(frames));
