//! Records put together, however they are cut.

use super::*;

/// A handshake message that claims `body` to be a ClientHello's.
fn message(body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[CLIENT_HELLO], &len[1..], body].concat()
}

fn record(content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[CONTENT_HANDSHAKE, 3, 1], &len[..], content].concat()
}

fn push(bytes: &[u8]) -> Result<Progress, HelloError> {
    Reassembly::default().push(bytes, &HelloBounds::default())
}

/// The verdict, and after how many bytes it fell when they came one at a time.
fn verdict(bytes: &[u8], bounds: &HelloBounds) -> (usize, HelloError) {
    let mut reassembly = Reassembly::default();
    for (before, byte) in bytes.iter().enumerate() {
        if let Err(error) = reassembly.push(&[*byte], bounds) {
            return (before + 1, error);
        }
    }
    panic!("no verdict on {bytes:02x?}");
}

fn malformed(bytes: &[u8]) -> (usize, Malformed) {
    match verdict(bytes, &HelloBounds::default()) {
        (at, HelloError::Malformed(malformed)) => (at, malformed),
        (_, other) => panic!("{other}"),
    }
}

#[test]
fn nothing_is_incomplete() {
    assert_eq!(push(&[]).unwrap(), Progress::Incomplete);
    assert!(Reassembly::default().message().is_empty());
}

#[test]
fn one_record_gives_the_body() {
    let mut reassembly = Reassembly::default();
    let progress = reassembly.push(&record(&message(b"body")), &HelloBounds::default());
    assert_eq!(progress.unwrap(), Progress::Complete);
    assert_eq!(reassembly.message(), b"body");
}

#[test]
fn a_message_header_may_be_split_over_records() {
    let records: Vec<u8> = message(b"body").chunks(1).flat_map(record).collect();
    let mut reassembly = Reassembly::default();
    let progress = reassembly.push(&records, &HelloBounds::default());
    assert_eq!(progress.unwrap(), Progress::Complete);
    assert_eq!(reassembly.message(), b"body");
    assert_eq!(reassembly.raw_len(), records.len());
}

#[test]
fn bytes_after_the_hello_are_left_alone() {
    let hello = record(&message(b"body"));
    let mut reassembly = Reassembly::default();
    let with_more = [&hello[..], b"GET /"].concat();
    let progress = reassembly.push(&with_more, &HelloBounds::default());
    assert_eq!(progress.unwrap(), Progress::Complete);
    assert_eq!(reassembly.raw_len(), hello.len());
    let progress = reassembly.push(b"anything", &HelloBounds::default());
    assert_eq!(progress.unwrap(), Progress::Complete);
    assert_eq!(reassembly.message(), b"body");
}

#[test]
fn a_record_may_hold_more_than_the_hello() {
    let content = [message(b"body"), b"next message".to_vec()].concat();
    let mut reassembly = Reassembly::default();
    let progress = reassembly.push(&record(&content), &HelloBounds::default());
    assert_eq!(progress.unwrap(), Progress::Complete);
    assert_eq!(reassembly.message(), b"body");
}

#[test]
fn the_record_version_is_ignored() {
    for version in [[3, 0], [3, 3], [3, 4], [0x7f, 0x1c], [0, 0]] {
        let mut bytes = record(&message(b"body"));
        bytes[1..3].copy_from_slice(&version);
        assert_eq!(push(&bytes).unwrap(), Progress::Complete, "{version:02x?}");
    }
}

#[test]
fn other_protocols_are_not_tls_from_the_first_byte() {
    for bytes in [
        &b"GET / HTTP/1.1"[..],
        b"SSH-2.0",
        b"\x15\x03\x01\x00\x02",
        b"\0",
    ] {
        let (at, error) = verdict(bytes, &HelloBounds::default());
        assert!(matches!(error, HelloError::NotTls), "{error}");
        assert_eq!(at, 1, "{bytes:02x?}");
    }
}

#[test]
fn sslv2_is_known_by_its_version_and_not_before() {
    for version in [[0, 2], [3, 0], [3, 1], [3, 3]] {
        let bytes = [0x80, 0x2e, 1, version[0], version[1]];
        let (at, error) = verdict(&bytes, &HelloBounds::default());
        assert!(matches!(error, HelloError::SslV2), "{error}");
        assert_eq!(at, 5);
    }
}

#[test]
fn what_only_resembles_sslv2_is_not_tls() {
    for (at, bytes) in [
        (3, [0x80, 0x2e, 2, 0, 2]),
        (4, [0xff, 0xfe, 1, 9, 9]),
        (5, [0x80, 0x2e, 1, 0, 3]),
    ] {
        let (decided, error) = verdict(&bytes, &HelloBounds::default());
        assert!(matches!(error, HelloError::NotTls), "{error}");
        assert_eq!(decided, at, "{bytes:02x?}");
    }
}

#[test]
fn a_record_without_content_is_malformed() {
    assert_eq!(malformed(&[22, 3, 1, 0, 0]), (5, Malformed::EmptyRecord));
    let later = [record(b"\x01\0"), vec![22, 3, 1, 0, 0]].concat();
    assert_eq!(malformed(&later), (12, Malformed::EmptyRecord));
}

#[test]
fn a_record_of_more_than_2_to_the_14_is_malformed() {
    assert_eq!(push(&[22, 3, 1, 0x40, 0x00]).unwrap(), Progress::Incomplete);
    assert_eq!(
        malformed(&[22, 3, 1, 0x40, 0x01]),
        (5, Malformed::RecordTooLong(16_385))
    );
}

#[test]
fn another_content_type_in_the_middle_is_malformed_at_once() {
    let bytes = [record(b"\x01"), vec![21]].concat();
    assert_eq!(malformed(&bytes), (7, Malformed::ForeignRecord(21)));
}

#[test]
fn another_handshake_message_is_malformed_at_its_first_byte() {
    assert_eq!(
        malformed(&record(b"\x02\0\0\0")),
        (6, Malformed::NotClientHello(2))
    );
}

#[test]
fn too_long_is_known_with_the_length() {
    let bounds = HelloBounds {
        handshake_bytes: 4,
        ..HelloBounds::default()
    };
    let hello = record(&message(b"body"));
    let progress = Reassembly::default().push(&hello, &bounds);
    assert_eq!(progress.unwrap(), Progress::Complete, "at the bound");

    let (at, error) = verdict(&record(b"\x01\0\0\x05"), &bounds);
    assert!(
        matches!(error, HelloError::TooLong { bytes: 5, limit: 4 }),
        "{error}"
    );
    assert_eq!(at, 9);
}

#[test]
fn raw_bytes_are_bounded_however_they_are_pushed() {
    let hello = record(&message(b"body"));
    let exact = HelloBounds {
        raw_bytes: hello.len(),
        ..HelloBounds::default()
    };
    let progress = Reassembly::default().push(&hello, &exact);
    assert_eq!(progress.unwrap(), Progress::Complete, "at the bound");

    let less = HelloBounds {
        raw_bytes: hello.len() - 1,
        ..exact
    };
    let (_, in_pieces) = verdict(&hello, &less);
    let whole = Reassembly::default().push(&hello, &less).unwrap_err();
    for error in [in_pieces, whole] {
        assert!(
            matches!(
                error,
                HelloError::TooLong {
                    bytes: 13,
                    limit: 12
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn memory_follows_what_arrived_not_what_is_claimed() {
    let bounds = HelloBounds::default();
    let claim = [&[CLIENT_HELLO, 0, 0x40, 0][..], &[0; 16 * 1024]].concat();
    let mut reassembly = Reassembly::default();
    for segment in record(&claim[..9000]).chunks(7) {
        let progress = reassembly.push(segment, &bounds);
        assert_eq!(progress.unwrap(), Progress::Incomplete);
        let (len, capacity) = (reassembly.handshake.len(), reassembly.handshake.capacity());
        assert!(capacity <= (2 * len).max(16), "{capacity} bytes for {len}");
    }
}
