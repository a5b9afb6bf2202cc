//! Files that are not what they should be.

use std::path::Path;

use crate::wire::{HELLO, connection, gzip, pcap, pcapng};
use crate::{Said, of, of_file};

fn packets() -> Vec<crate::wire::Packet> {
    [connection(1, 1, HELLO, 2000), connection(2, 2, HELLO, 2000)].concat()
}

/// That it failed with this sentence, behind the name of the file.
fn check_failed(said: &Said, sentence: &str) {
    assert_eq!(said.code, Some(1), "{}", said.err);
    let last = said.err.lines().last().unwrap();
    assert!(last.starts_with('/') && last.ends_with(sentence), "{last}");
}

#[test]
fn what_is_there_of_a_file_that_was_cut_is_told() {
    let whole = pcap(&packets());
    let said = of(&whole[..whole.len() - 20], &[]);
    assert_eq!(said.out.lines().count(), 2);
    let offset = whole.len() - 16 - 54;
    check_failed(
        &said,
        &format!(
            ": at offset {offset}: the file ends within a packet or block of 70 bytes, of which 50 are there"
        ),
    );
    let said = of(&whole[..24 + 7], &[]);
    check_failed(
        &said,
        ": at offset 24: the file ends within a header, of which 7 bytes are there",
    );
    let ng = pcapng(&packets());
    let said = of(&ng[..ng.len() - 1], &[]);
    assert_eq!(said.out.lines().count(), 2);
    check_failed(&said, "of which 87 are there");
}

/// Every cut of a file is a failure, but for those between two packets.
#[test]
fn a_file_ends_well_only_between_packets() {
    let whole = pcap(&connection(1, 1, b"x", 1));
    let between = [0, 70, 140, 210, 281, 351, 421].map(|len| 24 + len);
    assert_eq!(between[6], whole.len());
    for len in (0..=whole.len()).step_by(7).chain(between) {
        let code = of(&whole[..len], &[]).code;
        assert_eq!(code == Some(0), between.contains(&len), "{len}");
    }
}

#[test]
fn a_packed_file_that_was_cut_says_where() {
    let packed = gzip(&pcap(&packets()));
    let said = of(&packed[..packed.len() - 12], &[]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains(" of what it unpacks to: "),
        "{}",
        said.err
    );
}

#[test]
fn a_length_that_lies_ends_the_file_there() {
    let mut lying = pcap(&packets());
    // The length of the last packet.
    let at = lying.len() - 54 - 8;
    lying[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let said = of(&lying, &[]);
    assert_eq!(said.out.lines().count(), 2);
    let offset = lying.len() - 70;
    check_failed(
        &said,
        &format!(": at offset {offset}: a packet of 4294967295 bytes, where 262144 are allowed"),
    );
}

#[test]
fn what_is_no_capture_is_said() {
    for (bytes, sentence) in [
        (
            &b""[..],
            ": at offset 0: the file ends within its header: it has 0 bytes",
        ),
        (
            b"#!/bin/sh\n",
            ": at offset 0: not a capture file: neither pcap nor pcapng begins with [23, 21, 2f, 62]",
        ),
        (
            b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\x69\0\0\0",
            ": at offset 0: link type 105 is not read",
        ),
    ] {
        check_failed(&of(bytes, &[]), sentence);
    }
    let said = of_file(Path::new("/nowhere/capture"), &[]);
    check_failed(
        &said,
        "/nowhere/capture: cannot be opened: No such file or directory (os error 2)",
    );
}

#[test]
fn packets_of_an_interface_that_is_not_read_are_counted() {
    let mut capture = pcapng(&packets());
    let link_type = 28 + 8;
    capture[link_type] = 105;
    let said = of(&capture, &[]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    let count = packets().len();
    let expected =
        format!("{count} packets not looked at, of interfaces with a link type that is not read");
    assert_eq!(said.err.lines().last(), Some(expected.as_str()));
}

#[test]
fn the_name_of_a_file_is_shown_without_what_a_terminal_obeys() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("a\x1b[2J.pcap");
    std::fs::write(&capture, pcap(&packets())).unwrap();
    let missing = folder.path().join("b\x1b[2J.pcap");
    let missing = missing.to_str().unwrap();
    for (said, wanted) in [
        (of_file(&capture, &[]), r"a\x1b[2J.pcap, link-type "),
        (
            of_file(Path::new(missing), &[]),
            r"b\x1b[2J.pcap: cannot be opened",
        ),
        (
            of_file(&capture, &["-F", missing]),
            r"b\x1b[2J.pcap: cannot be read",
        ),
        (
            of_file(&capture, &["-w", "/nowhere/\x1b"]),
            r"/nowhere/\x1b: cannot be written",
        ),
    ] {
        assert!(said.err.contains(wanted), "{}", said.err);
        assert!(!said.err.contains('\x1b'), "{}", said.err);
    }
}
