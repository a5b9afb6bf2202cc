//! The laws of PROXY headers, over recorded ones and what becomes of them by damage. The fuzz target
//! `proxy` begins from the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod laws;

use std::path::Path;

use l4_failover::socket::proxy::{Progress, decode};
use proptest::prelude::*;
use proptest::sample::Index;

/// Headers as others send them, a file each, with the first bytes behind some of them.
fn recorded() -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/proxy");
    let files = std::fs::read_dir(directory).unwrap();
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect()
}

#[test]
fn what_others_send_is_read() {
    let recorded = recorded();
    assert!(recorded.len() >= 9);
    for bytes in recorded {
        laws::hold(&bytes);
        let read = decode(&bytes);
        assert!(matches!(read, Ok(Progress::Whole { .. })), "{read:?}");
    }
}

proptest! {
    /// One byte of it another, some cut off, and some more behind.
    #[test]
    fn damage_breaks_no_law(
        which in any::<Index>(),
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 0..3),
        keep in any::<Index>(),
        more in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let recorded = recorded();
        let mut bytes = which.get(&recorded).clone();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - keep.index(bytes.len()) / 4);
        bytes.extend(more);
        laws::hold(&bytes);
    }
}
