//! What holds for every header, and for bytes that are none.

use std::net::{IpAddr, SocketAddr};

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::*;

fn address() -> impl Strategy<Value = SocketAddr> {
    let ip = any::<IpAddr>().prop_map(|it| it.to_canonical());
    (ip, any::<u16>()).prop_map(SocketAddr::from)
}

fn header() -> impl Strategy<Value = Header> {
    let client = (address(), address()).prop_map(|(source, destination)| Origin::Client {
        source,
        destination,
    });
    let origin = prop_oneof![8 => client, 1 => Just(Origin::Unknown)];
    let id = vec(any::<u8>(), 0..=UNIQUE_ID_MAX).prop_map(|it| UniqueId::new(&it));
    let header = (origin, id).prop_map(|(origin, unique_id)| Header { origin, unique_id });
    prop_oneof![9 => header, 1 => Just(Header::LOCAL)]
}

/// The line of version 1 that says the same, as far as a line can.
fn line(header: &Header) -> String {
    match header.origin {
        Origin::Client {
            source,
            destination,
        } if source.is_ipv4() == destination.is_ipv4() => {
            let family = if source.is_ipv4() { 4 } else { 6 };
            let (from, to) = (source.ip(), destination.ip());
            let (from_port, to_port) = (source.port(), destination.port());
            format!("PROXY TCP{family} {from} {to} {from_port} {to_port}\r\n")
        }
        _ => "PROXY UNKNOWN whatever is here\r\n".to_owned(),
    }
}

fn assert_grows(bytes: &[u8], then: &[u8]) -> Result<Header, TestCaseError> {
    for end in 0..bytes.len() {
        prop_assert_eq!(decode(&bytes[..end]), Ok(Progress::Partial));
    }
    let followed = [bytes, then].concat();
    match decode(&followed) {
        Ok(Progress::Whole { header, length }) => {
            prop_assert_eq!(length, bytes.len());
            Ok(header)
        }
        other => Err(TestCaseError::fail(format!("{other:?}"))),
    }
}

proptest! {
    /// Whatever is written is read, whole, and not before; what follows is left alone.
    #[test]
    fn what_is_written_is_read(header in header(), then in vec(any::<u8>(), 0..40)) {
        let encoded = header.encode();
        prop_assert!(encoded.len() <= 183);
        prop_assert_eq!(assert_grows(&encoded, &then)?, header);
    }

    #[test]
    fn a_line_is_read_whole_and_not_before(header in header(), then in vec(any::<u8>(), 0..40)) {
        let line = line(&header);
        let read = assert_grows(line.as_bytes(), &then)?;
        let is_client = line.starts_with("PROXY TCP");
        prop_assert_eq!(read.origin, if is_client { header.origin } else { Origin::Unknown });
    }

    /// Any length but the right one is told, or waited for; the bytes behind are never lost to it
    /// unseen.
    #[test]
    fn a_length_that_lies_never_gives_more_than_it_says(header in header(), lie in any::<u16>()) {
        let mut bytes = header.encode();
        bytes[14..16].copy_from_slice(&lie.to_be_bytes());
        match decode(&bytes) {
            Ok(Progress::Whole { length, .. }) => prop_assert_eq!(length, 16 + usize::from(lie)),
            Ok(Progress::Partial) => {
                let length = 16 + usize::from(lie);
                prop_assert!(length > bytes.len() && length <= V2_LENGTH_MAX);
            }
            Err(_) => {}
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..300)) {
        for mark in [&b""[..], b"PROXY ", b"PROXY TCP4 ", b"\r\n\r\n\0\r\nQUIT\n", b"\r\n\r\n\0\r\nQUIT\n\x21"] {
            let bytes = [mark, &bytes].concat();
            if let Ok(Progress::Whole { length, .. }) = decode(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }

    /// One wrong byte anywhere, every cut.
    #[test]
    fn damage_never_makes_it_panic(header in header(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for mut bytes in [header.encode(), line(&header).into_bytes()] {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let mut is_decided = false;
            for end in 0..=bytes.len() {
                let is_partial = decode(&bytes[..end]) == Ok(Progress::Partial);
                // Once it is told what the bytes are, more of them do not make it a question again.
                prop_assert!(!(is_decided && is_partial));
                is_decided = !is_partial;
            }
        }
    }
}
