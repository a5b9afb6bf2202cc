//! Openings, whole and cut; and what resembles them.

use proptest::prelude::*;

use super::Speaker::{Opener, Other};
use super::*;

const TLS: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

const LDAP: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
const SEARCH: &[u8] = b"\x30\x84\0\0\0\x08\x02\x01\x07\x63\x03\x04\x01a";
const MYSQL: &[u8] = b"\x20\0\0\x01\x05\xae\x03\0\0\0\0\x01\x21\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const POSTGRES: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const PROXY_2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x50\x01\xbb";

/// What a client may say before TLS, by itself.
const PREAMBLES: [(&str, &[u8]); 24] = [
    ("nothing", b""),
    ("PROXY 1", b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\n"),
    ("PROXY 2", PROXY_2),
    ("CONNECT", b"CONNECT currency.dc1:443 HTTP/1.1\r\nHost: currency.dc1\r\n\r\n"),
    ("CONNECT twice", b"CONNECT a:1 HTTP/1.1\r\n\r\nCONNECT a:1 HTTP/1.1\r\nProxy-Authorization: x\r\n\r\n"),
    ("SOCKS 4", b"\x04\x01\x01\xbb\xc0\0\x02\x01user\0"),
    ("SOCKS 4a", b"\x04\x01\x01\xbb\0\0\0\x01user\0currency.dc1\0"),
    ("SOCKS 5", b"\x05\x01\0\x05\x01\0\x01\xc0\0\x02\x01\x01\xbb"),
    ("SOCKS 5 by name", b"\x05\x02\0\x02\x05\x01\0\x03\x0ccurrency.dc1\x01\xbb"),
    ("SOCKS 5 with a password", b"\x05\x01\x02\x01\x04user\x06secret\x05\x01\0\x04................\x01\xbb"),
    ("SMTP", b"EHLO a\r\nSTARTTLS\r\n"),
    ("LMTP", b"LHLO a\r\nstarttls\r\n"),
    ("IMAP", b"a1 CAPABILITY\r\na2 STARTTLS\r\n"),
    ("POP3", b"CAPA\r\nSTLS\r\n"),
    ("FTP", b"FEAT\r\nAUTH TLS\r\n"),
    ("NNTP", b"CAPABILITIES\r\nSTARTTLS\r\n"),
    ("ManageSieve", b"STARTTLS\r\n"),
    ("XMPP", b"<?xml version='1.0'?><stream:stream to='dc1' version='1.0'>\n<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
    ("XMPP, otherwise", b"<stream:stream to='dc1'><starttls xmlns='x'></starttls>"),
    ("LDAP", LDAP),
    ("LDAP in the long form", b"\x30\x84\0\0\0\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"),
    ("PostgreSQL", POSTGRES),
    ("MySQL", MYSQL),
    ("RDP", b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0"),
];

/// Where TLS begins in these bytes, if they come in chunks of so many.
fn tls_at(bytes: &[u8], chunk: usize) -> Result<usize, Step> {
    let mut preamble = Preamble::default();
    let mut before = 0;
    for chunk in bytes.chunks(chunk) {
        match preamble.push(Opener, chunk) {
            Step::More => before += chunk.len(),
            Step::TlsAt(at) => return Ok(before + at),
            Step::NotTls => return Err(Step::NotTls),
        }
    }
    Err(Step::More)
}

#[test]
fn tls_begins_behind_every_preamble_however_it_is_cut() {
    for (name, preamble) in PREAMBLES {
        let stream = [preamble, TLS].concat();
        for chunk in 1..=stream.len() {
            let at = tls_at(&stream, chunk);
            assert_eq!(at, Ok(preamble.len()), "{name}, {chunk} bytes at a time");
        }
    }
}

#[test]
fn preambles_may_follow_one_another() {
    let wrappers = [
        PROXY_2,
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"EHLO a\r\nSTARTTLS\r\n",
    ]
    .concat();
    let stream = [&wrappers, TLS].concat();
    assert_eq!(tls_at(&stream, 9), Ok(wrappers.len()));
    let search = [SEARCH, LDAP].concat();
    assert_eq!(tls_at(&[&search, TLS].concat(), 9), Ok(search.len()));
}

#[test]
fn no_preamble_is_tls_by_itself() {
    for (name, preamble) in PREAMBLES {
        for len in 0..=preamble.len() {
            let step = tls_at(&preamble[..len], 7);
            assert_eq!(step, Err(Step::More), "{name}, {len} bytes");
        }
    }
}

#[test]
fn tls_inside_of_a_unit_is_not_tls() {
    for bytes in [
        &b"EHLO a\r\n"[..],
        b"EHLO a\r\nSTARTTLS please\r\n",
        b"EHLO a\r\nSTARTTLS\r\nMAIL FROM:<a@dc1>\r\n",
        b"a1 STARTTLS now\r\n",
        b"<?xml version='1.0'?>",
        b"<stream:stream><starttls xmlns='x'>",
        b"\x05\x01\0",
        b"\0\0\0\x08\x04\xd2\x16\x2e",
        SEARCH,
    ] {
        let step = tls_at(&[bytes, TLS].concat(), 9);
        assert_eq!(step, Err(Step::NotTls), "{}", bytes.escape_ascii());
    }
}

#[test]
fn what_is_not_known_ends_at_once() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x13BitTorrent protocol",
        b"CONNECTED to something\r\n",
        b"PROXY and so on\r\n",
        b"\x05\0",
        b"\x04\x03\0\x50",
        b"\x21\0\0\x01\x05\xae\x03\0",
        b"\x20\0\0\x01\x05\xa6\x03\0",
        b"\x30\x05\x04\x03abc",
        b"\x03\0\0\x13\x02\xf0",
        b"\0\0\0\x54\0\x03\0\0user",
        b"hello there\r\n",
        b"\xff\xfd\x18",
    ] {
        let step = tls_at(&[bytes, TLS].concat(), 64);
        assert_eq!(step, Err(Step::NotTls), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_server_may_speak_first_and_its_words_are_passed_over() {
    for (greeting, request) in [
        (
            &b"220 mail.dc1 ESMTP\r\n"[..],
            &b"EHLO a\r\nSTARTTLS\r\n"[..],
        ),
        (
            b"220-ftp.dc1\r\n220 ready\r\n",
            b"USER anonymous\r\nAUTH SSL\r\n",
        ),
        (b"* OK [CAPABILITY STARTTLS] ready\r\n", b"x STARTTLS\r\n"),
        (b"+OK ready\r\n", b"STLS\r\n"),
        (b"200 news.dc1\r\n", b"STARTTLS\r\n"),
        (b"\"STARTTLS\"\r\nOK\r\n", b"STARTTLS\r\n"),
        (b"\x4a\0\0\0\x0a8.0.36\0....", MYSQL),
    ] {
        for (server, client) in [(Other, Opener), (Opener, Other)] {
            let mut preamble = Preamble::default();
            let step = preamble.push(server, greeting);
            assert_eq!(step, Step::More, "{}", greeting.escape_ascii());
            assert_eq!(preamble.push(client, request), Step::More);
            assert_eq!(preamble.push(server, b"\x16 is no matter here"), Step::More);
            assert_eq!(preamble.push(client, TLS), Step::TlsAt(0));
        }
    }
    assert_eq!(
        Preamble::default().push(Other, b"SSH-2.0-x\r\n"),
        Step::NotTls
    );
}

#[test]
fn a_refusal_leads_to_no_tls_or_to_another_request() {
    let refused = [POSTGRES, b"\0\0\0\x54\0\x03\0\0user\0"].concat();
    assert_eq!(tls_at(&refused, 64), Err(Step::NotTls));
    let again = b"EHLO a\r\nSTARTTLS\r\nEHLO b\r\nSTARTTLS\r\n";
    assert_eq!(tls_at(&[again, TLS].concat(), 5), Ok(again.len()));
}

#[test]
fn each_direction_is_bounded() {
    let mut preamble = Preamble::default();
    assert_eq!(preamble.push(Opener, b"EHLO a\r\n"), Step::More);
    let line = b"250-SIZE\r\n".repeat(200);
    let steps = (0..9).map(|_| preamble.push(Other, &line));
    assert_eq!(steps.filter(|step| *step == Step::NotTls).count(), 1);

    let endless = [b"EHLO a\r\n", &b"NOOP\r\n".repeat(3000)[..]].concat();
    assert_eq!(tls_at(&endless, 500), Err(Step::NotTls));
    assert_eq!(tls_at(&b"EHLO ".repeat(500), 100), Err(Step::NotTls));
    let head = [&b"CONNECT a:1 HTTP/1.1\r\n"[..], &b"X: y\r\n".repeat(3000)].concat();
    assert_eq!(tls_at(&head, 500), Err(Step::NotTls));
}

fn part() -> impl Strategy<Value = Vec<u8>> {
    let preamble = prop::sample::select(PREAMBLES.to_vec()).prop_map(|(_, bytes)| bytes.to_vec());
    let tls = Just(TLS.to_vec());
    let noise = prop::collection::vec(any::<u8>(), 0..6);
    let cut = (preamble.clone(), any::<prop::sample::Index>())
        .prop_map(|(bytes, at)| bytes[..at.index(bytes.len() + 1)].to_vec());
    prop_oneof![4 => preamble, 1 => tls, 2 => noise, 2 => cut]
}

proptest! {
    /// What is said depends on the bytes, not on how they are cut.
    #[test]
    fn the_verdict_is_of_the_bytes(
        parts in prop::collection::vec(part(), 0..6),
        chunk in 1_usize..40,
    ) {
        let stream = parts.concat();
        // A greeting is known by what comes at once.
        prop_assume!(text::greeting(&stream).or(binary::greeting(&stream)).is_none());
        prop_assert_eq!(tls_at(&stream, chunk), tls_at(&stream, stream.len().max(1)));
    }

    #[test]
    fn both_may_say_anything(
        parts in prop::collection::vec((any::<bool>(), part()), 0..12),
    ) {
        let mut preamble = Preamble::default();
        for (is_opener, bytes) in parts {
            let speaker = if is_opener { Opener } else { Other };
            match preamble.push(speaker, &bytes) {
                Step::More => {}
                Step::TlsAt(at) => {
                    prop_assert_eq!(bytes[at], HANDSHAKE);
                    break;
                }
                Step::NotTls => break,
            }
        }
    }
}
