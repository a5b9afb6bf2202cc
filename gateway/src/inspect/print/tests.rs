use std::net::SocketAddr;

use jiff::tz::TimeZone;

use super::*;
use crate::hello::{HelloBounds, Malformed, Reassembly};
use crate::inspect::flow::{
    Answer, Carrier, Ended, Ending, FlowId, Message, Said, Sighting, Stage, Traffic,
};
use crate::inspect::frame::{Frame, LinkType, Timestamp};

const OPENSSL: &[u8] = include_bytes!("../../../testdata/hello/openssl-alpn.bin");
const CHROMIUM: &[u8] = include_bytes!("../../../testdata/hello/chromium.bin");
const NAMELESS: &[u8] = include_bytes!("../../../testdata/hello/openssl-no-sni.bin");

/// 2025-11-20T12:00:00.123456789Z.
const TIME: Timestamp = Timestamp(1_763_640_000_123_456_789);

fn body(flight: &[u8]) -> Vec<u8> {
    let mut reassembly = Reassembly::default();
    reassembly.push(flight, &HelloBounds::default()).unwrap();
    reassembly.message().to_vec()
}

/// A hello with this one extension.
fn with(kind: u16, content: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    let len = content.len() as u16;
    body.extend((len + 4).to_be_bytes());
    body.extend(kind.to_be_bytes());
    body.extend(len.to_be_bytes());
    body.extend(content);
    body
}

fn with_name(name: &[u8]) -> Vec<u8> {
    let len = name.len() as u16;
    let mut content = (len + 3).to_be_bytes().to_vec();
    content.push(0);
    content.extend(len.to_be_bytes());
    content.extend(name);
    with(0, &content)
}

fn sighting(message: Message) -> Sighting {
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    Sighting {
        flow: FlowId(7),
        time: TIME,
        began: TIME,
        source: address("10.0.0.1:52936"),
        destination: address("34.212.93.65:443"),
        carrier: Carrier::Tcp,
        packets: 1,
        message,
        is_second: false,
        has_overlap: false,
    }
}

fn lines() -> Lines {
    Lines {
        times: Times::new(TimeStyle::OfDay, TimeZone::UTC),
        is_quiet: false,
        verbosity: 0,
        dump: Dump::None,
    }
}

fn told_by(lines: &mut Lines, sighting: &Sighting) -> String {
    let mut text = String::new();
    let body = Told::readable(sighting);
    lines.put(&Told::new(sighting, &body), None, &mut text);
    text
}

/// What stands behind the addresses.
fn said(sighting: &Sighting) -> String {
    let line = told_by(&mut lines(), sighting);
    let (_, said) = line.split_once(" ClientHello ").unwrap();
    said.trim_end().to_owned()
}

#[test]
fn a_line_has_its_parts_in_order() {
    let seen = sighting(Message::Whole(body(OPENSSL)));
    let line = told_by(&mut lines(), &seen);
    let begin = "12:00:00.123456 IP 10.0.0.1.52936 > 34.212.93.65.443: ClientHello TLS1.3 \
                 sni=currency.dc1 alpn=h2,http/1.1 ja4=t13d";
    assert!(line.starts_with(begin), "{line}");
    assert!(line.ends_with('\n') && line.lines().count() == 1, "{line}");
}

#[test]
fn marks_come_last_and_in_order() {
    let mut seen = sighting(Message::Whole(body(CHROMIUM)));
    seen.source = "[2001:db8::1]:1".parse().unwrap();
    seen.destination = "[2001:db8::2]:443".parse().unwrap();
    seen.carrier = Carrier::QuicV1;
    seen.packets = 2;
    seen.is_second = true;
    seen.has_overlap = true;
    let line = told_by(&mut lines(), &seen);
    assert!(
        line.contains(" IP6 2001:db8::1.1 > 2001:db8::2.443: "),
        "{line}"
    );
    assert!(line.contains(" ja4=q13"), "{line}");
    assert!(line.ends_with(" frag=2 ech hrr quic overlap\n"), "{line}");
}

#[test]
fn absent_is_a_dash_and_empty_is_quoted() {
    let said = said(&sighting(Message::Whole(body(NAMELESS))));
    assert!(said.starts_with("TLS1.3 sni=- alpn=- ja4=t13i"), "{said}");
}

#[test]
fn a_malformed_hello_says_why() {
    let empty = said(&sighting(Message::Whole(with_name(b""))));
    let why = "malformed: a hello with an empty server name";
    assert_eq!(empty, format!("- sni=\"\" alpn=- ja4=- {why}"));
    let broken = Message::Broken {
        part: with_name(b"currency.dc1"),
        error: Malformed::ForeignRecord(23).into(),
    };
    let why = "malformed: a record of content type 23 in the middle of the hello";
    assert_eq!(
        said(&sighting(broken)),
        format!("- sni=currency.dc1 alpn=- ja4=- {why}")
    );
}

#[test]
fn a_hello_that_was_cut_has_its_name_whole_or_not_at_all() {
    let whole = body(OPENSSL);
    let name = b"currency.dc1";
    let name_end = name.len() + whole.windows(12).position(|it| it == name).unwrap();
    for len in 0..whole.len() {
        let part = whole[..len].to_vec();
        let stated = Some(whole.len());
        let said = said(&sighting(Message::Cut { part, stated }));
        assert!(said.ends_with(" ja4=- [|tls]"), "{len}: {said}");
        let expected = match len >= name_end {
            true => "sni=currency.dc1 ",
            false => "sni=- ",
        };
        assert!(said.contains(expected), "{len}: {said}");
    }
}

#[test]
fn a_hello_that_was_cut_has_its_version_once_that_is_sure() {
    let whole = body(OPENSSL);
    let listed = b"\x00\x2b\x00\x09\x08\x03\x04\x03\x03\x03\x02\x03\x01";
    let at = whole.windows(listed.len()).position(|it| it == listed);
    let listed_end = at.unwrap() + listed.len();
    for len in 0..whole.len() {
        let part = whole[..len].to_vec();
        let seen = sighting(Message::Cut { part, stated: None });
        let expected = match len >= listed_end {
            true => ("TLS1.3 ", "\"tls\":\"1.3\","),
            false => ("- ", "\"tls\":null,"),
        };
        let (line, mut record) = (said(&seen), String::new());
        let readable = Told::readable(&seen);
        hello_record(&Told::new(&seen, &readable), &mut record);
        assert!(line.starts_with(expected.0), "{len}: {line}");
        assert!(record.contains(expected.1), "{len}: {record}");
    }
}

#[test]
fn nothing_from_the_wire_is_obeyed_by_a_terminal() {
    let hostile = with_name(b"a\x1b[2J\nb c\"\\\x00\xff");
    let seen = sighting(Message::Whole(hostile));
    let escaped = r"a\x1b[2J\x0ab\x20c\x22\x5c\x00\xff";
    assert!(said(&seen).contains(&format!("sni={escaped} ")));
    let mut all = lines();
    all.verbosity = 2;
    for dump in [Dump::Hello, Dump::Frame, Dump::Ascii] {
        all.dump = dump;
        let text = told_by(&mut all, &seen);
        let obeyed = |char: char| char.is_control() && !matches!(char, '\n' | '\t');
        assert!(!text.contains(obeyed), "{text:?}");
    }
    assert_eq!(
        said(&sighting(Message::Whole(with_name(b"-")))),
        said(&sighting(Message::Whole(with_name(b"a")))).replace("sni=a", r"sni=\x2d")
    );
}

#[test]
fn quiet_is_addresses_and_name() {
    let mut quiet = lines();
    quiet.is_quiet = true;
    let line = told_by(&mut quiet, &sighting(Message::Whole(body(OPENSSL))));
    assert_eq!(
        line,
        "12:00:00.123456 IP 10.0.0.1.52936 > 34.212.93.65.443: ClientHello sni=currency.dc1\n"
    );
}

#[test]
fn details_are_below_the_line() {
    let mut verbose = lines();
    verbose.verbosity = 1;
    let seen = sighting(Message::Whole(body(OPENSSL)));
    let once = told_by(&mut verbose, &seen);
    let heads: Vec<_> = once
        .lines()
        .skip(1)
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(heads, ["    cipher suites", "    groups", "    ja3"]);
    assert!(
        once.contains("    cipher suites: TLS_AES_256_GCM_SHA384 "),
        "{once}"
    );
    assert!(once.contains(" x25519 "), "{once}");
    verbose.verbosity = 2;
    let twice = told_by(&mut verbose, &seen);
    assert!(twice.contains("    versions: 1.3 1.2 "), "{twice}");
    assert!(twice.contains("    extensions: "), "{twice}");
}

#[test]
fn dumps_show_the_hello_and_the_frame() {
    let seen = sighting(Message::Whole(body(OPENSSL)));
    let readable = Told::readable(&seen);
    let told = Told::new(&seen, &readable);
    let frame = Frame {
        time: TIME,
        link: LinkType::Ethernet,
        tag: None,
        bytes: b"the frame",
        wire_len: 9,
    };
    let mut both = lines();
    both.dump = Dump::Frame;
    let mut text = String::new();
    both.put(&told, Some(&frame), &mut text);
    assert!(
        text.contains("\n\t0x0000:  7468 6520 6672 616d 65 "),
        "{text}"
    );
    assert!(text.contains("\n\t0x0000:  0303 "), "{text}");
}

#[test]
fn a_record_is_one_line_with_every_field() {
    let seen = sighting(Message::Whole(body(OPENSSL)));
    let readable = Told::readable(&seen);
    let mut text = String::new();
    hello_record(&Told::new(&seen, &readable), &mut text);
    assert_eq!(text.lines().count(), 1);
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    let members = record.as_object().unwrap();
    assert_eq!(members.len(), FIELDS.len());
    assert!(FIELDS.iter().all(|field| members.contains_key(field.name)));
    assert_eq!(record["time"], "2025-11-20T12:00:00.123456789Z");
    assert_eq!(record["sni"], "currency.dc1");
    assert_eq!(record["alpn"], serde_json::json!(["h2", "http/1.1"]));
    assert_eq!(record["source"], "10.0.0.1");
    assert_eq!(record["destination_port"], 443);
    assert_eq!(record["malformed"], serde_json::Value::Null);
}

#[test]
fn fields_have_tabs_between_them() {
    let fields = Fields::parse("sni,alpn,destination_port, malformed,ech").unwrap();
    let mut text = String::new();
    for message in [
        Message::Whole(body(OPENSSL)),
        Message::Whole(with_name(b"")),
    ] {
        let seen = sighting(message);
        let readable = Told::readable(&seen);
        fields.put(&Told::new(&seen, &readable), &mut text);
    }
    let expected = "currency.dc1\th2,http/1.1\t443\t-\tfalse\n\
                    \"\"\t-\t443\ta hello with an empty server name\t-\n";
    assert_eq!(text, expected);
}

/// The end of flow `flow`, after `bytes` in either direction.
fn end(flow: u64, bytes: u64) -> Ended {
    let traffic = Traffic { packets: 2, bytes };
    Ended {
        flow: FlowId(flow),
        time: Timestamp(TIME.0 + 1_500_000_000),
        began: TIME,
        ending: Ending::Fin,
        stage: Stage::Seen,
        from_client: traffic,
        from_server: Traffic {
            packets: 1,
            bytes: bytes * 10,
        },
    }
}

#[test]
fn an_end_says_how_and_how_much() {
    let known = Known::of(&sighting(Message::Whole(body(OPENSSL))));
    let mut text = String::new();
    end_line(&known, &end(7, 100), &mut lines().times, &mut text);
    assert_eq!(
        text,
        "12:00:01.623456 IP 10.0.0.1.52936 > 34.212.93.65.443: End fin after 1.500000 s, \
         100 bytes in 2 packets sent, 1000 bytes in 1 packets received\n"
    );
    let mut text = String::new();
    end_record(&end(7, 100), &mut text);
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(record["duration_ms"], 1500.0);
    assert_eq!(record["server_bytes"], 1000);
}

#[test]
fn a_summary_counts_connections_and_bytes_of_names() {
    let mut summary = Summary::default();
    let names: [&[u8]; 5] = [b"a.dc1", b"B.dc1.", b"b.dc1", b"", b"c\x1b"];
    for (flow, name) in names.iter().enumerate() {
        let mut seen = sighting(Message::Whole(with_name(name)));
        seen.flow = FlowId(flow as u64);
        let readable = Told::readable(&seen);
        let told = Told::new(&seen, &readable);
        summary.hello(&told);
        // The second hello of a connection.
        summary.hello(&told);
        summary.end(&end(flow as u64, 10 + flow as u64));
    }
    summary.end(&end(99, 1_000_000));
    let expected = "CONNECTIONS  BYTES SENT  BYTES RECEIVED  NAME\n\
        \x20         2          23             230  b.dc1\n\
        \x20         1          14             140  c\\x1b\n\
        \x20         1          13             130  (malformed or cut)\n\
        \x20         1          10             100  a.dc1\n";
    assert_eq!(summary.table(), expected);
}

#[test]
fn names_that_are_too_long_are_counted_together() {
    let mut summary = Summary::default();
    for (flow, len) in [255, 256, 3000].into_iter().enumerate() {
        let mut seen = sighting(Message::Whole(with_name(&vec![b'n'; len])));
        seen.flow = FlowId(flow as u64);
        let readable = Told::readable(&seen);
        summary.hello(&Told::new(&seen, &readable));
    }
    let table = summary.table();
    let rows: Vec<_> = table.lines().skip(1).map(str::trim_start).collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(rows[0].starts_with("2 ") && rows[0].ends_with("  (longer than 255 bytes)"));
    assert!(rows[1].starts_with("1 ") && rows[1].ends_with(&"n".repeat(255)));
}

#[test]
fn an_answer_goes_the_other_way() {
    let known = Known::of(&sighting(Message::Whole(body(OPENSSL))));
    let extensions = b"\x00\x10\x00\x05\x00\x03\x02h2";
    let chosen = [&[3, 3][..], &[7; 32], &[0, 0xc0, 0x2f, 0, 0, 9], extensions];
    for (said, expected) in [
        (
            Said::ServerHello(chosen.concat()),
            "ServerHello TLS1.2 cipher=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 alpn=h2",
        ),
        (
            Said::ServerHello(vec![3]),
            "ServerHello malformed: a hello that ends within its version",
        ),
        (Said::Alert(2, 112), "Alert fatal unrecognized_name"),
        (Said::Alert(1, 255), "Alert warning 255"),
    ] {
        let answer = Answer {
            flow: FlowId(7),
            time: TIME,
            said,
        };
        let mut text = String::new();
        answer_line(&known, &answer, &mut lines().times, &mut text);
        let from = "12:00:00.123456 IP 34.212.93.65.443 > 10.0.0.1.52936:";
        assert_eq!(text, format!("{from} {expected}\n"));
        let mut text = String::new();
        answer_record(&answer, &mut text);
        let record: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(record["event"], "answer");
        assert_eq!(record["alert"].is_null(), !expected.starts_with("Alert"));
    }
}

#[test]
fn a_hello_of_dtls_has_a_cookie_and_its_own_versions() {
    let tls = with_name(b"currency.dc1");
    let (fields, rest) = tls.split_at(35);
    let mut dtls = [fields, &[2, 9, 9], rest].concat();
    dtls[..2].copy_from_slice(&[0xfe, 0xfd]);
    let whole = dtls.len();
    let mut seen = sighting(Message::Whole(dtls.clone()));
    seen.carrier = Carrier::Dtls;
    let line = said(&seen);
    assert!(
        line.starts_with("DTLS1.2 sni=currency.dc1 alpn=- ja4=dd2d"),
        "{line}"
    );
    assert!(line.ends_with(" dtls"), "{line}");
    seen.message = Message::Cut {
        part: dtls[..whole - 1].to_vec(),
        stated: Some(whole),
    };
    let line = said(&seen);
    assert_eq!(line, "- sni=- alpn=- ja4=- dtls [|tls]");
}
