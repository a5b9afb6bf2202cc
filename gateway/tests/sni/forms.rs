//! What is said of hellos, in all forms.

use serde_json::Value;

use crate::wire::{
    HELLO, Style, connection, gzip, header, interface, named, packets_of, pcap, pcapng, records,
    segment, tagged,
};
use crate::{lines_of, of};

/// 2025-11-20T12:00:00Z.
const NOON: u32 = 1_763_640_000;

const LINE: &str = "12:00:00.003000 IP 10.0.0.1.50000 > 10.0.0.2.443: ClientHello TLS1.3 \
     sni=currency.dc1 alpn=h2,http/1.1 ja4=";

fn one() -> Vec<u8> {
    pcap(&connection(50_000, NOON, HELLO, 2000))
}

/// Connections to a.dc1, b.dc1, b.dc1 and a nameless one, a second after the other.
fn four() -> Vec<u8> {
    let names: [&[u8]; 4] = [b"a.dc1", b"b.dc1", b"B.dc1.", b"x y"];
    let flights = names.map(named);
    let connections = (0..)
        .zip(&flights)
        .map(|(count, flight)| connection(50_000 + count as u16, NOON + count, flight, 2000));
    pcap(&connections.flatten().collect::<Vec<_>>())
}

#[test]
fn every_format_gives_the_same_line() {
    let packets = connection(50_000, NOON, HELLO, 2000);
    let style = |is_big, is_nano| {
        let style = Style { is_big, is_nano };
        [header(style), records(style, &packets)].concat()
    };
    // Two members of gzip, as appending to a packed file makes them.
    let whole = one();
    let (begin, end) = whole.split_at(100);
    let captures = [
        style(false, false),
        style(true, false),
        style(false, true),
        style(true, true),
        pcapng(&packets),
        gzip(&one()),
        [gzip(begin), gzip(end)].concat(),
        gzip(&pcapng(&packets)),
    ];
    for capture in captures {
        let said = of(&capture, &[]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(said.out.starts_with(LINE), "{}", said.out);
        assert_eq!(said.out.lines().count(), 1, "{}", said.out);
        let expected = "link-type EN10MB (Ethernet), snapshot length 262144\n";
        assert!(said.err.starts_with("reading from file /"), "{}", said.err);
        assert!(said.err.ends_with(expected), "{}", said.err);
    }
}

#[test]
fn a_capture_without_a_snapshot_length_has_the_greatest() {
    let packets = connection(50_000, NOON, HELLO, 2000);
    let capture = [
        &pcapng(&[])[..28],
        &interface(1, 0),
        &packets_of(0, &packets),
    ];
    let said = of(&capture.concat(), &[]);
    assert!(
        said.err.ends_with(", snapshot length 262144\n"),
        "{}",
        said.err
    );
    assert!(said.out.starts_with(LINE), "{}", said.out);
}

#[test]
fn the_parts_of_a_hello_are_counted() {
    let parts = HELLO.len().div_ceil(100);
    let capture = pcap(&connection(50_000, NOON, HELLO, 100));
    let line = lines_of(&capture, &[]);
    assert!(line.contains(" sni=currency.dc1 "), "{line}");
    assert!(line.ends_with(&format!(" frag={parts}\n")), "{line}");
}

#[test]
fn times_are_as_asked_for() {
    let capture = four();
    let first = |words: &[&str]| {
        let said = lines_of(&capture, words);
        let lines = said.lines().take(2);
        let times = lines.map(|line| line.split("IP ").next().unwrap().to_owned());
        times.collect::<Vec<_>>()
    };
    assert_eq!(first(&[]), ["12:00:00.003000 ", "12:00:01.003000 "]);
    assert_eq!(first(&["-t"]), ["", ""]);
    assert_eq!(
        first(&["-tt"]),
        ["1763640000.003000 ", "1763640001.003000 "]
    );
    assert_eq!(first(&["-ttt"]), [" 00:00:00.000000 ", " 00:00:01.000000 "]);
    let dated = ["2025-11-20 12:00:00.003000 ", "2025-11-20 12:00:01.003000 "];
    assert_eq!(first(&["-t", "-nn", "-t", "-tt"]), dated);
    assert_eq!(of(&capture, &["-tttttt"]).code, Some(2));
}

#[test]
fn a_flag_of_tcpdump_alone_is_refused_with_what_to_use_instead() {
    for (flag, tip) in [
        ("-x", "  tip: -X dumps the hello in digits and letters, "),
        ("-e", "  tip: headers of the link are not shown in lines: "),
        ("-S", "  tip: sequence numbers are not shown: "),
    ] {
        let said = of(&one(), &[flag]);
        assert_eq!(said.code, Some(2));
        assert!(said.err.contains(tip), "{}", said.err);
    }
}

#[test]
fn counts_are_of_hellos() {
    let capture = four();
    assert_eq!(lines_of(&capture, &["-c", "3"]).lines().count(), 3);
    assert_eq!(lines_of(&capture, &["--count"]), "4 hellos\n");
    assert_eq!(lines_of(&capture, &["--count", "-c1"]), "1 hello\n");
    assert_eq!(
        lines_of(&capture, &["--count", "port", "50002"]),
        "1 hello\n"
    );
    let said = of(&capture, &["-c", "0"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
}

#[test]
fn a_filter_judges_packets_and_names() {
    let capture = four();
    let names = |words: &[&str]| {
        let words = [&["--fields", "sni"], words].concat();
        lines_of(&capture, &words).replace('\n', " ")
    };
    assert_eq!(names(&["sni", "b.*"]), "b.dc1 B.dc1. ");
    assert_eq!(names(&["not", "sni", "b.*"]), r"a.dc1 x\x20y ");
    assert_eq!(
        names(&["src port 50000 or sni b.dc1"]),
        "a.dc1 b.dc1 B.dc1. "
    );
    assert_eq!(names(&["udp"]), "");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"sni a.dc1 or\nsrc port 50003\n").unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(names(&["-F", path]), r"a.dc1 x\x20y ");
    assert_eq!(of(&capture, &["-F", path, "udp"]).code, Some(2));
    assert_eq!(of(&capture, &["-F", "/nowhere"]).code, Some(1));
}

/// Its last packet is gone when it is told.
#[test]
fn a_hello_that_was_cut_is_judged_by_its_packets() {
    let half = &HELLO[..HELLO.len() - 10];
    let frames = [
        tagged(&segment(true, 1, 100, 2, b""), 5),
        tagged(&segment(true, 1, 101, 16, half), 5),
        segment(true, 2, 100, 2, b""),
        segment(true, 2, 101, 16, half),
    ];
    let packets: Vec<_> = frames.map(|frame| ((NOON, 0), frame)).into();
    let capture = pcap(&packets);
    let ports = |words: &[&str]| {
        let words = [&["--fields", "source_port,sni,cut"], words].concat();
        lines_of(&capture, &words)
    };
    let both = "1\tcurrency.dc1\ttrue\n2\tcurrency.dc1\ttrue\n";
    assert_eq!(ports(&[]), both);
    assert_eq!(ports(&["sni currency.*"]), both);
    assert_eq!(ports(&["vlan 5 and sni currency.*"]), &both[..20]);
    assert_eq!(ports(&["not vlan and sni currency.*"]), &both[20..]);
    let line = lines_of(&capture, &["-c1"]);
    assert!(
        line.ends_with(" sni=currency.dc1 alpn=h2,http/1.1 ja4=- [|tls]\n"),
        "{line}"
    );
}

/// What is not known is no answer: it may have a name.
#[test]
fn a_hello_that_was_cut_before_its_name_has_none_and_lacks_none() {
    let flight = named(b"a.dc1");
    // In the ports' order: whole, cut in front of the name, and without one.
    let nameless = {
        let mut flight = named(b"a.dc1");
        // An extension of another kind (RFC 8446 §4.2: a padding), as long.
        let kind = flight.len() - 14;
        flight[kind + 1] = 21;
        flight
    };
    let flights = [&flight[..], &flight[..flight.len() - 3], &nameless];
    let frames = (1..)
        .zip(flights)
        .map(|(port, flight)| segment(true, port, 101, 16, flight));
    let packets: Vec<_> = frames.map(|frame| ((NOON, 0), frame)).collect();
    let capture = pcap(&packets);
    let ports = |filter: &str| {
        let said = lines_of(&capture, &["--fields", "source_port", filter]);
        let mut ports: Vec<_> = said.lines().map(str::to_owned).collect();
        ports.sort_unstable();
        ports.concat()
    };
    for (filter, wanted) in [
        ("tcp", "123"),
        ("sni a.*", "1"),
        ("not sni a.*", "3"),
        ("sni *", "1"),
        ("sni -", "3"),
        ("not sni -", "1"),
        ("sni - or sni *", "13"),
        ("not vlan and sni -", "3"),
        ("sni - or src port 2", "23"),
        ("not (sni - and src port 2)", "13"),
    ] {
        assert_eq!(ports(filter), wanted, "{filter}");
    }
    let summary = lines_of(&capture, &["--summary"]);
    let names = summary.lines().skip(1);
    let mut names: Vec<_> = names.map(|line| line.split("  ").last().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["(malformed or cut)", "-", "a.dc1"]);
}

#[test]
fn json_has_a_line_for_each_event() {
    let said = lines_of(&one(), &["--json", "-v"]);
    let events: Vec<Value> = said
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(events.len(), 2, "{said}");
    assert_eq!(events[0]["event"], "hello");
    assert_eq!(events[0]["time"], "2025-11-20T12:00:00.003000000Z");
    assert_eq!(events[0]["destination"], "10.0.0.2");
    assert_eq!(events[1]["event"], "end");
    assert_eq!(events[1]["flow"], events[0]["flow"]);
    assert_eq!(events[1]["client_bytes"], HELLO.len());
    assert_eq!(lines_of(&one(), &["--json"]).lines().count(), 1);
}

#[test]
fn fields_are_chosen_by_name() {
    let said = lines_of(&one(), &["--fields", "source_port,sni,alpn,malformed"]);
    assert_eq!(said, "50000\tcurrency.dc1\th2,http/1.1\t-\n");
    let said = of(&one(), &["--fields", "sni,nmae"]);
    assert_eq!(said.code, Some(2));
    let expected = "no field is called \"nmae\"; there are event, time, flow, source, ";
    assert!(said.err.starts_with(expected), "{}", said.err);
}

#[test]
fn a_summary_has_names_in_their_order() {
    let said = lines_of(&four(), &["--summary"]);
    let rows: Vec<Vec<&str>> = said
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect())
        .collect();
    let names: Vec<_> = rows.iter().map(|row| (row[0], row[3])).collect();
    assert_eq!(names, [("2", "b.dc1"), ("1", "a.dc1"), ("1", r"x\x20y")]);
}

#[test]
fn details_and_dumps_follow_the_line() {
    let verbose = lines_of(&one(), &["-v"]);
    assert!(verbose.contains("\n    ja3: "), "{verbose}");
    assert!(verbose.contains(": End fin after "), "{verbose}");
    let dumped = lines_of(&one(), &["-X"]);
    assert!(dumped.contains("\n\t0x0000:  0303 "), "{dumped}");
    let framed = lines_of(&one(), &["-nnXX"]);
    assert!(
        framed.contains("\n\t0x0000:  0200 0000 0001 0200 0000 0002 0800 4500  "),
        "{framed}"
    );
    assert!(lines_of(&one(), &["-A"]).contains("currency.dc1"));
    let quiet = lines_of(&one(), &["-q", "-t"]);
    assert_eq!(
        quiet,
        "IP 10.0.0.1.50000 > 10.0.0.2.443: ClientHello sni=currency.dc1\n"
    );
}

#[test]
fn a_hostile_name_is_escaped() {
    let flight = named(b"a\x1b]0;owned\x07\r\nb");
    let capture = pcap(&connection(1, NOON, &flight, 2000));
    for words in [
        &[][..],
        &["-q"],
        &["--json"],
        &["--fields", "sni"],
        &["--summary"],
        &["-A"],
        &["-XX"],
    ] {
        let said = lines_of(&capture, words);
        let is_odd = |char: char| char.is_control() && char != '\n' && char != '\t';
        assert!(!said.contains(is_odd), "{said:?}");
    }
    let fields = lines_of(&capture, &["--fields", "sni"]);
    assert_eq!(fields, "a\\x1b]0;owned\\x07\\x0d\\x0ab\n");
}

#[test]
fn what_is_mistyped_is_a_mistake() {
    for words in [
        &["-x"][..],
        &["-e"],
        &["-S"],
        &["-i", "lo"],
        &["--json", "--summary"],
        &["--print"],
        &["tcp[13]", "=", "2"],
    ] {
        let said = of(&one(), words);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{words:?}");
        assert!(!said.err.is_empty());
    }
}

#[test]
fn more_connections_than_are_followed_are_said() {
    let connections = (0..10).map(|port| connection(port, NOON, HELLO, 2000));
    let opened = connections.flat_map(|packets| packets[..3].to_vec());
    let said = of(&pcap(&opened.collect::<Vec<_>>()), &["--flows", "4"]);
    assert_eq!(said.code, Some(0));
    let expected = "\n6 connections forgotten, since more than 4 were open at once (--flows)\n";
    assert!(said.err.ends_with(expected), "{}", said.err);
}
