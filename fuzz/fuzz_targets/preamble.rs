//! What may stand before TLS: the verdict depends on the bytes, not on how they are cut, and TLS begins
//! only with the first byte of a handshake record. From the root of the repository:
//!
//! ```sh
//! mkdir -p fuzz/corpus/preamble
//! cargo +nightly fuzz run preamble fuzz/corpus/preamble gateway/testdata/proxy -- -max_len=5000
//! ```

#![no_main]

use gateway::inspect::preamble::{Preamble, Speaker, Step};

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    let [chunk, stream @ ..] = script else {
        return;
    };
    let mut preamble = Preamble::default();
    // A greeting is known by what comes at once, so both begin with the same.
    let (first, rest) = stream.split_at(stream.len().min(8));
    let whole = verdict(&mut preamble, &[first, rest]);
    let chunks = rest.chunks(usize::from(*chunk).max(1));
    let chunks: Vec<_> = std::iter::once(first).chain(chunks).collect();
    assert_eq!(verdict(&mut Preamble::default(), &chunks), whole);
    if let Some(at) = whole {
        assert_eq!(stream[at], 0x16);
    }
});

/// Where TLS begins, if it does.
fn verdict(preamble: &mut Preamble, chunks: &[&[u8]]) -> Option<usize> {
    let mut before = 0;
    for chunk in chunks {
        match preamble.push(Speaker::Opener, chunk) {
            Step::More => before += chunk.len(),
            Step::TlsAt(at) => return Some(before + at),
            Step::NotTls => return None,
        }
    }
    None
}
