mod laws;
mod socket;

use std::net::SocketAddr;

use super::*;

const SOURCE: &str = "192.0.2.1:5000";
const DESTINATION: &str = "198.51.100.7:443";

fn client(source: &str, destination: &str) -> Origin {
    let [source, destination]: [SocketAddr; 2] =
        [source, destination].map(|it| it.parse().unwrap());
    Origin::Client {
        source,
        destination,
    }
}

/// A header of version 2 with this command, kind of addresses, and rest.
fn v2(command: u8, kind: u8, rest: &[u8]) -> Vec<u8> {
    let length = (rest.len() as u16).to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, kind][..], &length, rest].concat()
}

fn field(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = (value.len() as u16).to_be_bytes();
    [&[kind][..], &length, value].concat()
}

const ADDRESSES: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 7, 0x13, 0x88, 1, 0xbb];

fn tcp4(fields: &[u8]) -> Vec<u8> {
    v2(0x21, 0x11, &[&ADDRESSES, fields].concat())
}

fn whole(bytes: &[u8]) -> Header {
    match decode(bytes) {
        Ok(Progress::Whole { header, length }) if length == bytes.len() => header,
        other => panic!("{other:?} of {bytes:02x?}"),
    }
}

fn wrong(bytes: &[u8]) -> HeaderError {
    decode(bytes).expect_err("a wrong header")
}

#[test]
fn lines_of_version_1() {
    let of = |line: &str| whole(line.as_bytes()).origin;
    assert_eq!(
        of("PROXY TCP4 192.0.2.1 198.51.100.7 5000 443\r\n"),
        client(SOURCE, DESTINATION)
    );
    assert_eq!(
        of("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"),
        client("[2001:db8::1]:0", "[::1]:65535")
    );
    assert_eq!(
        of("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.7 5000 443\r\n"),
        client(SOURCE, DESTINATION)
    );
    assert_eq!(of("PROXY UNKNOWN\r\n"), Origin::Unknown);
    let full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let longest = format!("PROXY UNKNOWN {full} {full} 65535 65535\r\n");
    assert_eq!(longest.len(), V1_LENGTH_MAX);
    assert_eq!(of(&longest), Origin::Unknown);
}

#[test]
fn lines_that_are_not_by_the_rules() {
    for (line, what) in [
        ("PROXY TCP5 1.2.3.4 1.2.3.4 1 1", "protocol"),
        ("PROXY  TCP4 1.2.3.4 1.2.3.4 1 1", "protocol"),
        ("PROXY UNKNOWNS", "protocol"),
        ("PROXY TCP4", "source address"),
        ("PROXY TCP4 ::1 1.2.3.4 1 1", "source address"),
        ("PROXY TCP4 1.2.3.04 1.2.3.4 1 1", "source address"),
        ("PROXY TCP4 1.2.3.4  1.2.3.4 1 1", "destination address"),
        ("PROXY TCP6 ::1 1.2.3.4 1 1", "destination address"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 1", "source port"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 01 1", "source port"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536", "destination port"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1", "destination port"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 ", "end"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", "destination port"),
        ("PROXY TCP4 1.2.3.4 \u{e9} 1 1", "destination address"),
    ] {
        let line = format!("{line}\r\n");
        assert_eq!(wrong(line.as_bytes()), HeaderError::Line(what), "{line:?}");
    }
    let endless = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 93]].concat();
    assert_eq!(decode(&endless[..106]), Ok(Progress::Partial));
    assert_eq!(wrong(&endless), HeaderError::Endless);
    // An end beyond the limit is none.
    let late = [endless, b"\r\n".to_vec()].concat();
    assert_eq!(wrong(&late), HeaderError::Endless);
}

#[test]
fn addresses_of_version_2() {
    assert_eq!(whole(&tcp4(&[])).origin, client(SOURCE, DESTINATION));
    let mut v6 = [0; 36];
    (v6[15], v6[31], v6[33], v6[35]) = (1, 2, 3, 4);
    assert_eq!(
        whole(&v2(0x21, 0x21, &v6)).origin,
        client("[::1]:3", "[::2]:4")
    );
    // Unspecified, of datagrams, of Unix sockets.
    for (kind, length) in [(0x00, 0), (0x12, 12), (0x22, 36), (0x31, 216), (0x32, 216)] {
        let header = whole(&v2(0x21, kind, &vec![7; length]));
        assert_eq!(header.origin, Origin::Unknown, "{kind:02x}");
    }
}

#[test]
fn a_local_header_is_taken_whatever_else_it_says() {
    for (kind, rest) in [(0, &[][..]), (0x11, &[1, 2, 3]), (0xff, &[5, 255, 255])] {
        assert_eq!(whole(&v2(0x20, kind, rest)), Header::LOCAL);
    }
    assert_eq!(Header::LOCAL.encode(), v2(0x20, 0, &[]));
}

#[test]
fn fields_of_version_2() {
    let id = field(5, b"edge-7");
    let fields = [
        field(4, &[0; 9]),
        field(0xe0, b""),
        id.clone(),
        field(5, b"2nd"),
    ]
    .concat();
    let id_of = |bytes: &[u8]| whole(bytes).unique_id;
    assert_eq!(id_of(&tcp4(&fields)), UniqueId::new(b"edge-7"));
    assert_eq!(id_of(&v2(0x21, 0, &id)), UniqueId::new(b"edge-7"));
    assert_eq!(id_of(&tcp4(&field(5, b""))), None);
    assert_eq!(
        id_of(&tcp4(&field(5, &[255; 128]))),
        UniqueId::new(&[255; 128])
    );
    assert_eq!(
        wrong(&tcp4(&field(5, &[1; 129]))),
        HeaderError::UniqueId(129)
    );
}

/// What HAProxy 2.6 sends, with `proxy-v2-options unique-id,crc32c`.
const HAPROXY: &[u8] = b"\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x1c\x7f\x00\x00\x01\x7f\x00\x00\x01\
    \xa5.\x8a\x19\x03\x00\x04\xd7\x04\x19%\x05\x00\x06edge-7";

#[test]
fn a_checksum_is_looked_at() {
    let header = whole(HAPROXY);
    assert_eq!(header.origin, client("127.0.0.1:42286", "127.0.0.1:35353"));
    assert_eq!(header.unique_id, UniqueId::new(b"edge-7"));
    let addresses_and_sum = (16..28).chain(31..35);
    for at in addresses_and_sum.chain(38..HAPROXY.len()) {
        let mut damaged = HAPROXY.to_vec();
        damaged[at] ^= 1;
        assert_eq!(wrong(&damaged), HeaderError::Checksum, "byte {at}");
    }
    for length in [0, 3, 5] {
        let short = tcp4(&field(3, &vec![0; length]));
        assert_eq!(wrong(&short), HeaderError::Checksum);
    }
}

#[test]
fn headers_that_lie_or_are_of_another_kind() {
    let short = |given, needed| HeaderError::Short { given, needed };
    assert_eq!(wrong(&v2(0x21, 0x11, &[0; 11])), short(11, 12));
    assert_eq!(wrong(&v2(0x21, 0x21, &[0; 35])), short(35, 36));
    assert_eq!(wrong(&v2(0x21, 0x31, &[0; 215])), short(215, 216));
    for fields in [&[5][..], &[5, 0], &[5, 0, 1], &[5, 255, 255, 1, 2]] {
        assert_eq!(wrong(&tcp4(fields)), HeaderError::Field);
    }
    assert_eq!(wrong(&v2(0x31, 0x11, &ADDRESSES)), HeaderError::Version(3));
    assert_eq!(wrong(&v2(0x22, 0x11, &ADDRESSES)), HeaderError::Command(2));
    for kind in [0x13, 0x03, 0x41] {
        assert_eq!(wrong(&v2(0x21, kind, &[0; 300])), HeaderError::Family(kind));
    }
    // Told by the first 16 bytes.
    let long = &v2(0x21, 0x11, &[0; 4081])[..16];
    assert_eq!(wrong(long), HeaderError::TooLong(4097));
    assert_eq!(
        decode(&v2(0x21, 0x11, &[0; 4080])[..16]),
        Ok(Progress::Partial)
    );
}

#[test]
fn what_is_no_header_is_told_by_its_first_bytes() {
    for bytes in [
        &b"\x16\x03\x01"[..],
        b"GET /",
        b"PROXX",
        b"PROXYTCP4",
        b"\r\n\r\n\x01",
        b"\0",
    ] {
        assert_eq!(wrong(bytes), HeaderError::Absent, "{bytes:?}");
    }
}

#[test]
fn errors_say_what_is_wrong() {
    assert_eq!(
        wrong(&tcp4(&[5, 9, 9])).to_string(),
        "a PROXY header that lies about its length: it ends within its last field"
    );
    assert_eq!(
        HeaderError::TooLong(9000).to_string(),
        "a PROXY header of 9000 bytes; the limit is 4096"
    );
}
