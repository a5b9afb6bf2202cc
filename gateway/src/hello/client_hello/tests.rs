//! Hellos, sound and otherwise.

use super::*;

fn vec8(content: &[u8]) -> Vec<u8> {
    [&[u8::try_from(content.len()).unwrap()], content].concat()
}

fn vec16(content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&len, content].concat()
}

/// Version, random, session id, one cipher suite, no compression: all before extensions.
fn start() -> Vec<u8> {
    [
        &[3, 3][..],
        &[7; 32],
        &vec8(b"session"),
        &vec16(&[0x13, 0x01]),
        &vec8(&[0]),
    ]
    .concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vec16(content)].concat()
}

fn body(extensions: &[Vec<u8>]) -> Vec<u8> {
    [start(), vec16(&extensions.concat())].concat()
}

fn entry(kind: u8, name: &[u8]) -> Vec<u8> {
    [vec![kind], vec16(name)].concat()
}

fn sni(content: &[u8]) -> Result<SniField<'static>, Malformed> {
    let body = body(&[extension(SERVER_NAME, content)]);
    match ClientHello::parse(&body)?.server_name {
        SniField::Absent => Ok(SniField::Absent),
        SniField::Name(name) => Ok(SniField::Name(name.to_vec().leak())),
    }
}

fn sni_list(entries: &[Vec<u8>]) -> Result<SniField<'static>, Malformed> {
    sni(&vec16(&entries.concat()))
}

fn fault(body: &[u8]) -> Malformed {
    ClientHello::parse(body).expect_err("malformed")
}

#[test]
fn fields_are_read_in_their_places() {
    let extensions = [extension(0x1234, b"content"), extension(0x2a2a, b"")];
    let body = body(&extensions);
    let hello = ClientHello::parse(&body).unwrap();
    assert_eq!(hello.legacy_version, 0x0303);
    assert_eq!(*hello.random, [7; 32]);
    assert_eq!(hello.session_id, b"session");
    assert_eq!(hello.cipher_suites().collect::<Vec<_>>(), [0x1301]);
    assert_eq!(hello.compression_methods, [0]);
    let extensions: Vec<_> = hello.extensions().collect();
    assert_eq!(extensions, [(0x1234, &b"content"[..]), (0x2a2a, b"")]);
}

#[test]
fn a_hello_without_extensions_has_no_name() {
    for body in [start(), body(&[])] {
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!(hello.server_name, SniField::Absent);
        assert_eq!(hello.extensions().count(), 0);
        assert_eq!(hello.alpn().count(), 0);
        assert_eq!(hello.version(), 0x0303);
        assert!(!hello.ech);
    }
}

#[test]
fn a_hello_cut_short_says_where() {
    let whole = body(&[extension(0x1234, b"content")]);
    for (len, field) in [
        (0, "version"),
        (1, "version"),
        (33, "random"),
        (34, "session id"),
        (41, "session id"),
        (43, "cipher suites"),
        (46, "compression methods"),
        (49, "extensions"),
        (whole.len() - 1, "extensions"),
    ] {
        assert_eq!(
            fault(&whole[..len]),
            Malformed::Truncated(field),
            "{len} bytes"
        );
    }
}

#[test]
fn an_extension_longer_than_the_block_is_malformed() {
    let mut body = body(&[extension(0x1234, b"content")]);
    let len_at = body.len() - b"content".len() - 1;
    body[len_at] += 1;
    assert_eq!(fault(&body), Malformed::Truncated("extensions"));
}

#[test]
fn impossible_lengths_are_malformed() {
    let hello = |session: &[u8], suites: &[u8], compression: &[u8]| {
        [
            &[3, 3][..],
            &[7; 32],
            &vec8(session),
            &vec16(suites),
            &vec8(compression),
        ]
        .concat()
    };
    assert!(ClientHello::parse(&hello(&[0; 32], &[0, 1], &[0])).is_ok());
    let cases = [
        (hello(&[0; 33], &[0, 1], &[0]), "session id"),
        (hello(&[], &[], &[0]), "cipher suites"),
        (hello(&[], &[0, 1, 2], &[0]), "cipher suites"),
        (hello(&[], &[0, 1], &[]), "compression methods"),
    ];
    for (body, field) in cases {
        assert_eq!(fault(&body), Malformed::Length(field));
    }
}

#[test]
fn bytes_after_the_extensions_are_malformed() {
    let body = [body(&[]), vec![0]].concat();
    assert_eq!(fault(&body), Malformed::TrailingBytes);
}

#[test]
fn an_extension_may_come_once() {
    let extensions = [
        extension(5, b"a"),
        extension(0x1234, b""),
        extension(5, b"b"),
    ];
    assert_eq!(fault(&body(&extensions)), Malformed::DuplicateExtension(5));
    let names = vec16(&entry(0, b"currency.dc1"));
    let twice = [
        extension(SERVER_NAME, &names),
        extension(SERVER_NAME, &names),
    ];
    assert_eq!(fault(&body(&twice)), Malformed::DuplicateExtension(0));
}

#[test]
fn the_number_of_extensions_is_bounded() {
    let extensions: Vec<_> = (0x4000..)
        .take(EXTENSIONS_MAX + 1)
        .map(|kind| extension(kind, b""))
        .collect();
    let allowed = body(&extensions[1..]);
    assert_eq!(
        ClientHello::parse(&allowed).unwrap().extensions().count(),
        EXTENSIONS_MAX
    );
    assert_eq!(fault(&body(&extensions)), Malformed::TooManyExtensions);
}

#[test]
fn a_name_is_found_behind_extensions_that_are_odd_inside() {
    // A key_share and a status_request that no parser of their own would take.
    let extensions = [
        extension(51, &[0xff]),
        extension(5, b""),
        extension(SERVER_NAME, &vec16(&entry(0, b"currency.dc1"))),
    ];
    let body = body(&extensions);
    let hello = ClientHello::parse(&body).unwrap();
    assert_eq!(hello.server_name, SniField::Name(b"currency.dc1"));
}

#[test]
fn a_name_is_kept_as_sent() {
    let long = [b'a'; 300];
    for name in [
        &b"Currency.DC1."[..],
        b"nul\0",
        b"caf\xc3\xa9",
        b"a b",
        b"10.0.0.1",
        b"h:443",
        &long,
    ] {
        assert_eq!(sni_list(&[entry(0, name)]), Ok(SniField::Name(name)));
    }
}

#[test]
fn server_name_faults_have_their_own_words() {
    let name = entry(0, b"a");
    assert_eq!(sni(b""), Err(Malformed::NoServerNames));
    assert_eq!(sni_list(&[]), Err(Malformed::NoServerNames));
    assert_eq!(sni_list(&[entry(0, b"")]), Err(Malformed::EmptyServerName));
    assert_eq!(
        sni_list(&[name.clone(), entry(0, b"b")]),
        Err(Malformed::SeveralServerNames)
    );
    assert_eq!(
        sni_list(&[name.clone(), name]),
        Err(Malformed::SeveralServerNames)
    );
}

#[test]
fn server_names_must_fill_their_list_and_extension() {
    let list = vec16(&entry(0, b"name"));
    assert_eq!(
        sni(&[&list[..], b"x"].concat()),
        Err(Malformed::Length("server names"))
    );
    assert_eq!(
        sni(&list[..list.len() - 1]),
        Err(Malformed::Truncated("server names"))
    );
    let cut_entry = vec16(&entry(0, b"name")[..6]);
    assert_eq!(sni(&cut_entry), Err(Malformed::Length("server names")));
    let cut_second = vec16(&[entry(0, b"name"), vec![1, 0]].concat());
    assert_eq!(sni(&cut_second), Err(Malformed::Length("server names")));
    assert_eq!(sni(&[0]), Err(Malformed::Truncated("server names")));
}

#[test]
fn other_name_types_are_passed_over() {
    assert_eq!(sni_list(&[entry(1, b"other")]), Ok(SniField::Absent));
    assert_eq!(
        sni_list(&[entry(1, b""), entry(0, b"a"), entry(9, b"b")]),
        Ok(SniField::Name(b"a"))
    );
}

#[test]
fn alpn_lists_the_protocols_in_order() {
    let body = body(&[extension(
        ALPN,
        &vec16(&[vec8(b"h2"), vec8(b"\xba\xad")].concat()),
    )]);
    let hello = ClientHello::parse(&body).unwrap();
    assert_eq!(hello.alpn().collect::<Vec<_>>(), [&b"h2"[..], b"\xba\xad"]);
}

#[test]
fn alpn_that_does_not_fit_is_malformed() {
    let alpn = |content: &[u8]| fault(&body(&[extension(ALPN, content)]));
    assert_eq!(alpn(b""), Malformed::Truncated("ALPN"));
    assert_eq!(alpn(&vec16(b"")), Malformed::Length("ALPN"));
    assert_eq!(alpn(&vec16(&vec8(b""))), Malformed::Length("ALPN"));
    assert_eq!(alpn(&vec16(b"\x03h2")), Malformed::Truncated("ALPN"));
    assert_eq!(
        alpn(&[&vec16(&vec8(b"h2"))[..], b"x"].concat()),
        Malformed::Length("ALPN")
    );
}

#[test]
fn the_greatest_version_is_not_grease() {
    let versions = |list: &[u8]| extension(SUPPORTED_VERSIONS, &vec8(list));
    for (list, version) in [
        (&[0xfa, 0xfa, 3, 3, 3, 4][..], 0x0304),
        (&[3, 4, 3, 3], 0x0304),
        (&[3, 2, 0x0a, 0x0a], 0x0302),
        (&[0x6a, 0x6a], 0x0303),
    ] {
        let body = body(&[versions(list)]);
        assert_eq!(
            ClientHello::parse(&body).unwrap().version(),
            version,
            "{list:02x?}"
        );
    }
    for content in [&[0][..], &[3, 3, 4, 3], &[2, 3, 4, 0]] {
        let body = body(&[extension(SUPPORTED_VERSIONS, content)]);
        assert_eq!(
            fault(&body),
            Malformed::Length("supported versions"),
            "{content:02x?}"
        );
    }
}

#[test]
fn grease_is_sixteen_values() {
    let grease: Vec<u16> = (0..=u16::MAX).filter(|value| is_grease(*value)).collect();
    assert_eq!(grease.len(), 16);
    assert_eq!((grease[0], grease[1], grease[15]), (0x0a0a, 0x1a1a, 0xfafa));
}

#[test]
fn encrypted_client_hello_is_marked() {
    let extensions = [
        extension(ENCRYPTED_CLIENT_HELLO, &[0, 1]),
        extension(SERVER_NAME, &vec16(&entry(0, b"outer.example"))),
    ];
    let body = body(&extensions);
    let hello = ClientHello::parse(&body).unwrap();
    assert!(hello.ech);
    assert_eq!(hello.server_name, SniField::Name(b"outer.example"));
}
