//! Known answers. Those of JA4 are facts of FoxIO's JA4.md, those of JA3 of the README of
//! salesforce/ja3; those of the recorded hellos were computed by tshark 4.0.

use super::super::{ClientHello, HelloBounds, Reassembly};
use super::*;

fn vec8(content: &[u8]) -> Vec<u8> {
    [&[u8::try_from(content.len()).unwrap()], content].concat()
}

fn vec16(content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&len, content].concat()
}

fn numbers(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// A hello with these cipher suites, and extensions with these contents.
fn body(version: u16, suites: &[u16], extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = [&version.to_be_bytes()[..], &[7; 32], &vec8(b"")].concat();
    body.extend([vec16(&numbers(suites)), vec8(&[0])].concat());
    let extensions = extensions
        .iter()
        .map(|(kind, content)| [&kind.to_be_bytes()[..], &vec16(content)].concat());
    let extensions: Vec<u8> = extensions.flatten().collect();
    if !extensions.is_empty() {
        body.extend(vec16(&extensions));
    }
    body
}

fn empty(kinds: &[u16]) -> Vec<(u16, Vec<u8>)> {
    kinds.iter().map(|kind| (*kind, Vec::new())).collect()
}

fn alpn(protocol: &[u8]) -> (u16, Vec<u8>) {
    (16, vec16(&vec8(protocol)))
}

fn sni(name: &[u8]) -> (u16, Vec<u8>) {
    (0, vec16(&[&[0][..], &vec16(name)].concat()))
}

fn ja4_of(body: &[u8], carrier: Carrier) -> String {
    ja4(&ClientHello::parse(body).unwrap(), carrier).to_string()
}

/// The browser of JA4.md, its lists shuffled and with GREASE in all of them.
fn browser() -> Vec<u8> {
    let suites = [
        0x3a3a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
        0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
    ];
    let algorithms = [
        0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x4a4a, 0x0501, 0x0806, 0x0601,
    ];
    let mut extensions = empty(&[
        0xdada, 0x001b, 0x0033, 0x4469, 0x0017, 0x002d, 0x0005, 0x0023, 0x0012, 0xff01, 0x000b,
        0x000a, 0x0015,
    ]);
    extensions.insert(2, sni(b"example.com"));
    extensions.insert(4, alpn(b"h2"));
    extensions.push((0x000d, vec16(&numbers(&algorithms))));
    extensions.push((0x002b, vec8(&numbers(&[0x6a6a, 0x0304, 0x0303]))));
    body(0x0303, &suites, &extensions)
}

#[test]
fn the_browser_of_the_standard_has_its_ja4() {
    let expected = "t13d1516h2_8daaf6152771_e5627efa2ab1";
    assert_eq!(ja4_of(&browser(), Carrier::Tcp), expected);
    let quic = ja4_of(&browser(), Carrier::Quic);
    assert_eq!(quic, expected.replacen('t', "q", 1));
}

#[test]
fn versions_have_their_letters() {
    for (version, expected) in [
        (0x0300, "ts3"),
        (0x0301, "t10"),
        (0x0302, "t11"),
        (0x0303, "t12"),
        (0x0304, "t13"),
        (0x0002, "ts2"),
        (0xfeff, "td1"),
        (0xfefd, "td2"),
        (0xfefc, "td3"),
        (0x7f1c, "t00"),
    ] {
        let body = body(version, &[0x1301], &[]);
        let text = ja4_of(&body, Carrier::Tcp);
        assert_eq!(&text[..3], expected, "0x{version:04x}");
    }
}

#[test]
fn dtls_counts_its_versions_down() {
    let versions = vec8(&numbers(&[0xfefd, 0xfefc]));
    let mut dtls = body(0xfefd, &[0x1301], &[(43, versions)]);
    dtls.insert(2 + 32 + 1, 0); // The cookie.
    let hello = ClientHello::parse_dtls(&dtls).unwrap();
    assert_eq!((hello.version(), hello.cookie), (0xfefc, Some(&[][..])));
    let text = ja4(&hello, Carrier::Dtls).to_string();
    assert_eq!(&text[..8], "dd3i0101");
}

#[test]
fn protocols_are_told_by_two_characters() {
    for (protocol, expected) in [
        (&b"h2"[..], "h2"),
        (b"http/1.1", "h1"),
        (b"h", "hh"),
        (&[0xab], "ab"),
        (&[0xab, 0xcd], "ad"),
        (&[0x30, 0xab], "3b"),
        (&[0x30, 0x31, 0xab, 0xcd], "3d"),
        (&[0x30, 0xab, 0xcd, 0x31], "01"),
        (&[0xba, 0xad], "bd"),
        (b"-h2", "22"),
    ] {
        let body = body(0x0303, &[0x1301], &[alpn(protocol)]);
        let text = ja4_of(&body, Carrier::Tcp);
        assert_eq!(&text[8..10], expected, "{}", protocol.escape_ascii());
    }
}

#[test]
fn counts_end_at_99() {
    let suites: Vec<u16> = (0x1000..0x1070).collect();
    let kinds: Vec<u16> = (0x2000..0x2080)
        .filter(|kind| !crate::hello::is_grease(*kind))
        .collect();
    let body = body(0x0303, &suites, &empty(&kinds));
    assert_eq!(&ja4_of(&body, Carrier::Tcp)[..10], "t12i999900");
}

#[test]
fn nothing_to_sum_up_is_zeros() {
    let bare = body(0x0301, &[0x0a0a], &[]);
    let expected = "t10i000000_000000000000_000000000000";
    assert_eq!(ja4_of(&bare, Carrier::Tcp), expected);
    let named = body(0x0301, &[0x0a0a], &[sni(b"a"), alpn(b"h2")]);
    let expected = "t10d0002h2_000000000000_000000000000";
    assert_eq!(ja4_of(&named, Carrier::Tcp), expected);
}

fn ja3_of(body: &[u8]) -> (String, String) {
    let ja3 = ja3(&ClientHello::parse(body).unwrap());
    (ja3.text().to_owned(), ja3.to_string())
}

#[test]
fn ja3_has_its_known_answers() {
    let suites = [
        47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4, 0x1a1a,
    ];
    let groups = vec16(&numbers(&[0x2a2a, 23, 24, 25]));
    let extensions = [sni(b"a"), (10, groups), (11, vec8(&[0])), (0x3a3a, vec![])];
    let (text, digest) = ja3_of(&body(769, &suites, &extensions));
    let expected = "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0";
    assert_eq!(text, expected);
    assert_eq!(digest, "ada70206e40642a3e4461f35503241d5");

    let suites = [4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99];
    let (text, digest) = ja3_of(&body(769, &suites, &[]));
    assert_eq!(text, "769,4-5-10-9-100-98-3-6-19-18-99,,,");
    assert_eq!(digest, "de350869b8c85de67a350c8d186f11e6");
}

#[test]
fn lists_that_lie_about_their_length_end_where_they_end() {
    let extensions = [
        (10, vec![0xff, 0xff, 0, 23, 0]),
        (11, vec![9, 1]),
        (13, vec![0]),
    ];
    let body = body(0x0303, &[0x1301], &extensions);
    let hello = ClientHello::parse(&body).unwrap();
    assert_eq!(hello.groups().collect::<Vec<_>>(), [23]);
    assert_eq!(hello.point_formats().collect::<Vec<_>>(), [1]);
    assert_eq!(hello.signature_algorithms().next(), None);
}

fn recorded(flight: &[u8]) -> Vec<u8> {
    let mut reassembly = Reassembly::default();
    reassembly.push(flight, &HelloBounds::default()).unwrap();
    reassembly.message().to_vec()
}

macro_rules! hello {
    ($name:literal) => {
        recorded(include_bytes!(concat!(
            "../../../testdata/hello/",
            $name,
            ".bin"
        )))
    };
}

#[test]
fn recorded_hellos_have_the_ja3_that_tshark_finds() {
    for (name, hello, expected) in [
        (
            "chromium",
            hello!("chromium"),
            "a4715d8c7adb9834c2b61546b890cc99",
        ),
        ("curl", hello!("curl"), "0149f47eabf9a20d0893e2a44e5a6323"),
        ("node", hello!("node"), "0cce74b0d9b7f8528fb2181588d23793"),
        (
            "no name",
            hello!("openssl-no-sni"),
            "c216e752cae6f8755fd27f561d031636",
        ),
        (
            "TLS 1.2",
            hello!("openssl-tls12"),
            "871a754af286dfb70c1b53c6887c62e0",
        ),
        (
            "TLS 1.3",
            hello!("openssl-tls13"),
            "a3afc2c46ba4a7d7fbe1cfb7a3031c2f",
        ),
        (
            "python",
            hello!("python"),
            "93c7d42c0df602fb91589311534831f5",
        ),
        (
            "aws-lc-rs",
            hello!("rustls-aws-lc-rs"),
            "02960c89bf06bba7a52bd345e07f2d5b",
        ),
        (
            "ring",
            hello!("rustls-ring"),
            "6ded1c5ae00a7c7f5ddf6535e55dbcce",
        ),
    ] {
        assert_eq!(ja3_of(&hello).1, expected, "{name}");
    }
}

#[test]
fn the_spelling_of_a_name_leaves_ja4_as_it_is() {
    let upper = ja4_of(&hello!("openssl-uppercase"), Carrier::Tcp);
    assert_eq!(ja4_of(&hello!("openssl-tls13"), Carrier::Tcp), upper);
}
