//! What holds of `sni` for every file, also one that nobody would write.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod whole;
#[path = "../sni/wire.rs"]
#[allow(
    dead_code,
    reason = "the other half is for the tests of the subcommand"
)]
mod wire;

use proptest::collection::vec;
use proptest::prelude::*;

use whole::inspected;
use wire::{HELLO, connection, gzip, pcap, pcapng};

/// Sound files in every format, of three connections each.
fn files() -> [Vec<u8>; 3] {
    let packets: Vec<_> = [700, 100, 20]
        .into_iter()
        .zip(1..)
        .flat_map(|(size, port)| connection(port, 1, HELLO, size))
        .collect();
    [pcap(&packets), pcapng(&packets), gzip(&pcap(&packets))]
}

#[test]
fn sound_files_tell_all_of_their_hellos() {
    for file in files() {
        let said = inspected(&file);
        assert_eq!(said.matches("sni=currency.dc1").count(), 3, "{said}");
    }
}

proptest! {
    /// Bytes that were changed, and a file that was cut.
    #[test]
    fn a_damaged_file_is_no_harm(
        which in 0..3_usize,
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut file = files()[which].clone();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        inspected(&file);
        inspected(&file[..cut.index(file.len())]);
    }

    #[test]
    fn noise_is_no_harm(mut bytes in vec(any::<u8>(), 0..4000), which in 0..3_usize) {
        let begin = &files()[which][..24];
        inspected(&bytes);
        bytes.splice(0..0, begin.iter().copied());
        inspected(&bytes);
    }
}
