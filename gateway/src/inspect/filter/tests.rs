//! What filters mean.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::inspect::frame::{Timestamp, VlanTag};
use crate::inspect::packet::{Datagram, Packet, Segment, TAGS_MAX};

const A: &str = "10.0.0.1";
const B: &str = "192.168.7.9";
const C: &str = "2001:db8::1";
const D: &str = "2001:db8:1::2";

/// A packet, and what is known beside it.
struct Case {
    source: IpAddr,
    destination: IpAddr,
    transport: Transport<'static>,
    tags: [Option<VlanTag>; TAGS_MAX],
    wire_len: usize,
}

fn tcp(source: &str, source_port: u16, destination: &str, destination_port: u16) -> Case {
    let transport = Transport::Tcp(Segment {
        source_port,
        destination_port,
        sequence: 0,
        is_syn: false,
        is_ack: true,
        is_fin: false,
        is_rst: false,
        payload: &[],
        cut: 0,
    });
    carrying(source, destination, transport)
}

fn udp(source: &str, source_port: u16, destination: &str, destination_port: u16) -> Case {
    let transport = Transport::Udp(Datagram {
        source_port,
        destination_port,
        payload: &[],
        cut: 0,
    });
    carrying(source, destination, transport)
}

fn carrying(source: &str, destination: &str, transport: Transport<'static>) -> Case {
    Case {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        transport,
        tags: [None; TAGS_MAX],
        wire_len: 100,
    }
}

impl Case {
    fn tagged(mut self, ids: &[u16]) -> Self {
        for (tag, id) in self.tags.iter_mut().zip(ids) {
            *tag = Some(VlanTag { id: *id });
        }
        self
    }

    fn decoded(&self) -> Decoded<'static> {
        let packet = Packet {
            source: self.source,
            destination: self.destination,
            transport: self.transport,
            has_overlap: false,
        };
        // Of a tunnel the outer packet is judged, so the inner one must not count.
        let inner = Packet {
            source: Ipv4Addr::BROADCAST.into(),
            destination: Ipv4Addr::BROADCAST.into(),
            transport: Transport::Other(255),
            has_overlap: false,
        };
        Decoded {
            tags: self.tags,
            outer: packet,
            inner,
            fragmented: &[],
        }
    }

    fn frame(&self) -> Frame<'static> {
        Frame {
            time: Timestamp(0),
            link: LinkType::Ethernet,
            tag: None,
            bytes: &[],
            wire_len: self.wire_len,
        }
    }

    fn judged(&self, filter: &str) -> Verdict {
        parsed(filter).judge(&self.decoded(), &self.frame())
    }

    #[track_caller]
    fn is(&self, filter: &str) {
        assert_eq!(self.judged(filter), Verdict::Yes, "{filter}");
        assert_eq!(
            self.judged(&format!("not ({filter})")),
            Verdict::No,
            "{filter}"
        );
    }

    #[track_caller]
    fn is_not(&self, filter: &str) {
        assert_eq!(self.judged(filter), Verdict::No, "{filter}");
        assert_eq!(
            self.judged(&format!("!({filter})")),
            Verdict::Yes,
            "{filter}"
        );
    }

    fn named(&self, filter: &str, name: Option<&str>) -> bool {
        let name = name.map(str::as_bytes);
        parsed(filter).judge_name(&self.decoded(), &self.frame(), name)
    }
}

fn parsed(filter: &str) -> Filter {
    Filter::parse(&[filter]).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(filter: &str) -> (Problem, &str) {
    let error = Filter::parse(&[filter]).expect_err(filter);
    (error.problem().clone(), &filter[error.at()])
}

#[test]
fn no_words_want_everything() {
    assert_eq!(tcp(A, 1, B, 2).judged("  "), Verdict::Yes);
    assert_eq!(Filter::parse(&[] as &[&str]), Ok(Filter::default()));
}

#[test]
fn addresses_are_of_either_end_unless_said() {
    let packet = tcp(A, 1000, B, 443);
    packet.is("host 10.0.0.1");
    packet.is("host 192.168.7.9");
    packet.is_not("host 10.0.0.2");
    packet.is("src 10.0.0.1");
    packet.is_not("dst 10.0.0.1");
    packet.is("src or dst host 10.0.0.1");
    packet.is("dst or src 10.0.0.1");
    packet.is_not("src and dst host 10.0.0.1");
    packet.is("src and dst net 0.0.0.0/0");
    packet.is("ip host 10.0.0.1");
    packet.is("ip src 10.0.0.1");
    packet.is("src host 10.0.0.1 and dst host 192.168.7.9");
    tcp(C, 1, D, 2).is("ip6 host 2001:DB8::1");
    tcp(C, 1, D, 2).is_not("host 10.0.0.1");
}

#[test]
fn networks_have_short_forms() {
    let packet = tcp(A, 1000, B, 443);
    for net in [
        "net 10",
        "src net 10",
        "net 10.0",
        "net 10.0.0.0/8",
        "net 10/8",
        "net 10.0.0.1",
        "net 10.0.0.0 mask 255.255.255.0",
        "net 10.0 netmask 255.255",
        "dst net 192.168",
        "dst net 192.168.0.0/16",
        "src 10.0.0.0/8",
        "host 10.0",
        "net 0.0.0.1 mask 0.0.0.255",
        "net 0.0.0.0/0",
        "net 11 or 10",
    ] {
        packet.is(net);
    }
    packet.is_not("net 11");
    packet.is_not("dst net 10");
    packet.is_not("net ::/0");
    let packet = tcp(C, 1, D, 2);
    packet.is("net 2001:db8::/32");
    packet.is("dst net 2001:db8:1::/48");
    packet.is_not("src net 2001:db8:1::/48");
    packet.is("ip6 net ::/0");
    packet.is_not("net 0.0.0.0/0");
}

#[test]
fn ports_are_of_tcp_and_udp_unless_said() {
    let (tcp, udp) = (tcp(A, 1000, B, 443), udp(C, 1000, D, 443));
    for packet in [&tcp, &udp] {
        packet.is("port 443");
        packet.is("port https");
        packet.is("port 0x1bb");
        packet.is("dst port 443");
        packet.is_not("src port 443");
        packet.is_not("port 444");
        packet.is("portrange 440-450");
        packet.is("portrange 450-440");
        packet.is("portrange 443");
        packet.is("portrange http-https or 443");
        packet.is("src and dst portrange 443-1000");
        packet.is_not("dst portrange 444-65535");
    }
    tcp.is("tcp port 443");
    tcp.is_not("udp port 443");
    udp.is_not("tcp dst port 443");
    udp.is("udp src portrange 999-1001");
    udp.is("portrange 900-1000 and ip6");
    carrying(A, B, Transport::Other(132)).is_not("port 443");
    // A header of TCP that makes no sense shows no ports.
    carrying(A, B, Transport::Other(6)).is_not("port 443");
}

#[test]
fn protocols_are_those_of_ip() {
    let icmp = carrying(A, B, Transport::Other(1));
    let icmp6 = carrying(C, D, Transport::Other(58));
    icmp.is("icmp");
    icmp.is("ip and not ip6 and not icmp6 and not tcp");
    icmp.is("proto 1");
    icmp.is("ip proto \\icmp");
    icmp.is("ip proto icmp");
    icmp.is_not("ip6 proto 1");
    icmp6.is("icmp6");
    icmp6.is("ip6 proto 58");
    icmp6.is("proto icmp6 or 89");
    icmp6.is_not("icmp");
    tcp(A, 1, B, 2).is("tcp");
    tcp(C, 1, D, 2).is("tcp and ip6");
    udp(C, 1, D, 2).is("udp and not tcp");
    // ICMP over the other version is not ICMP.
    carrying(C, D, Transport::Other(1)).is_not("icmp");
    carrying(A, B, Transport::Other(58)).is_not("icmp6");
    tcp(A, 1, B, 2).is_not("arp or rarp");
}

#[test]
fn tags_are_seen_through_and_asked_for() {
    let packet = tcp(A, 1, B, 443).tagged(&[100, 200]);
    packet.is("port 443");
    packet.is("vlan");
    packet.is("vlan 100");
    packet.is("vlan 200 and port 443");
    packet.is("vlan 100 and vlan 200 and tcp");
    packet.is_not("vlan 300");
    packet.is("vlan and port 443");
    tcp(A, 1, B, 443).is_not("vlan");
    tcp(A, 1, B, 443).tagged(&[0]).is("vlan 0");
}

#[test]
fn lengths_include_their_bound() {
    let packet = tcp(A, 1, B, 2);
    packet.is("less 100");
    packet.is_not("less 99");
    packet.is("greater 100");
    packet.is_not("greater 101");
}

#[test]
fn and_and_or_bind_equally_from_the_left() {
    let packet = tcp(A, 1, B, 443);
    // (tcp or udp) and udp, not tcp or (udp and udp).
    packet.is_not("tcp or udp and udp");
    packet.is("tcp or (udp and udp)");
    packet.is("udp and udp or tcp");
    packet.is("udp && udp || tcp");
    packet.is_not("not tcp or udp");
    packet.is("not (tcp and udp)");
    packet.is("not not tcp");
    packet.is("!!!udp");
    packet.is("((tcp))");
}

#[test]
fn a_value_takes_the_qualifiers_before_it() {
    let packet = tcp(A, 1000, B, 8443);
    packet.is("port 443 or 8443");
    packet.is("tcp dst port 443 or 8443");
    packet.is_not("tcp src port 443 or 8443");
    packet.is("port (443 or 8443)");
    packet.is("tcp port (443 or 8443) and host 10.0.0.1");
    packet.is("host 10.0.0.1 and not 10.0.0.2");
    packet.is("host 10.0.0.1 and 192.168.7.9");
    packet.is("host not 10.0.0.2");
    packet.is("src host (10.0.0.9 or 10.0.0.1)");
    packet.is("port 443 or host 10.0.0.2 or 10.0.0.1");
    packet.is("port 1 or (2 or 8443)");
    // What parentheses hold does not reach out of them.
    packet.is("port 1 or (host 10.0.0.2) or 8443");
    packet.is("not port 443 and 8443");
    packet.is("tcp or udp port 53");
    packet.is("net 11 or 10");
}

#[test]
fn names_decide_where_nothing_else_does() {
    let packet = tcp(A, 1000, B, 443);
    assert_eq!(packet.judged("sni *.dc1"), Verdict::OnName);
    assert_eq!(packet.judged("not sni *.dc1"), Verdict::OnName);
    assert_eq!(packet.judged("sni *.dc1 and port 443"), Verdict::OnName);
    assert_eq!(packet.judged("sni *.dc1 and port 80"), Verdict::No);
    assert_eq!(packet.judged("port 80 and sni *.dc1"), Verdict::No);
    assert_eq!(packet.judged("sni *.dc1 or port 443"), Verdict::Yes);
    assert_eq!(packet.judged("not (sni *.dc1 and port 80)"), Verdict::Yes);
    assert!(parsed("tcp and not (sni a)").asks_for_names());
    assert!(!parsed("tcp and not host 10.0.0.1").asks_for_names());
}

#[test]
fn names_are_judged_when_they_are_known() {
    let packet = tcp(A, 1000, B, 443);
    assert!(packet.named("sni *.dc1", Some("Currency.DC1.")));
    assert!(packet.named("sni \"*.dc1\" and port 443", Some("currency.dc1")));
    assert!(packet.named("sni 'c*y.dc?'", Some("currency.dc1")));
    assert!(!packet.named("sni *.dc1", Some("currency.dc2")));
    assert!(packet.named("not sni *.dc1", Some("currency.dc2")));
    assert!(packet.named("sni *.dc1 or *.dc2", Some("currency.dc2")));
    assert!(packet.named("sni \"and\"", Some("and")));
    assert!(packet.named("sni port", Some("port")));
    // A flow without a name.
    assert!(!packet.named("sni *", None));
    assert!(packet.named("not sni *", None));
    assert!(packet.named("sni -", None));
    assert!(!packet.named("sni -", Some("")));
    assert!(packet.named("sni *", Some("")));
    assert!(packet.named("sni - or *.dc1", Some("a.dc1")));
}

#[test]
fn a_fragment_waits_for_its_packet() {
    let fragment = carrying(A, B, Transport::Fragment(6));
    assert_eq!(fragment.judged("port 443"), Verdict::OnName);
    assert_eq!(fragment.judged("not port 443"), Verdict::OnName);
    fragment.is("tcp");
    fragment.is_not("udp port 443");
    fragment.is_not("host 10.0.0.2 and port 443");
}

#[test]
fn the_rest_of_libpcaps_language_is_refused_by_name() {
    for (filter, word) in [
        ("ether host 00:00:00:00:00:01", "ether"),
        ("tcp and broadcast", "broadcast"),
        ("ip multicast", "multicast"),
        ("ip broadcast", "broadcast"),
        ("gateway a", "gateway"),
        ("host 10.0.0.1 and inbound", "inbound"),
        ("ip6 protochain 6", "protochain"),
        ("mpls 5", "mpls"),
        ("tcp port 443 and pppoes", "pppoes"),
        ("sctp port 5", "sctp"),
        ("mask 255.0.0.0", "mask"),
    ] {
        assert_eq!(
            refused(filter),
            (Problem::NotSupported(word.to_owned()), word)
        );
    }
    for (filter, words) in [
        ("tcp[13] & 2 != 0", "tcp["),
        ("tcp and tcp[tcpflags] & tcp-syn != 0", "tcp["),
        ("ip[6:2] = 0", "ip["),
        ("len > 100", "len"),
        ("port 443 and ether[0] & 1 = 0", "ether"),
        ("port < 443", "port<"),
        ("100 > len", "100>"),
    ] {
        let (problem, _) = refused(filter);
        assert_eq!(problem, Problem::Arithmetic(words.to_owned()), "{filter}");
    }
}

#[test]
fn mistakes_say_what_to_type() {
    let told = |filter: &'static str| {
        let (problem, at) = refused(filter);
        (problem.to_string(), at)
    };
    for (filter, at, words) in [
        ("10.0.0.1", "10.0.0.1", "host 10.0.0.1"),
        ("currency.dc1", "currency.dc1", "sni currency.dc1"),
        ("TCP port 443", "TCP", "write `tcp`"),
        ("tcp AND udp", "AND", "`and` or `or` is missing"),
        (
            "host www.example.org",
            "www.example.org",
            "sni www.example.org",
        ),
        ("src 443", "443", "port 443"),
        ("host 10.0.0.0/8", "10.0.0.0/8", "net 10.0.0.0/8"),
        ("net 10.0.0.1/8", "10.0.0.1/8", "10.0.0.0/8"),
        ("net 10.0.0.0/40", "10.0.0.0/40", "32 bits"),
        ("net 10.0.0.1 mask 255.0.0.0", "10.0.0.1", "10.0.0.0/8"),
        ("net 10.0.0.0 mask a", "a", "255.255.0.0"),
        ("net 10 mask", "", "must be followed by a mask"),
        ("net example", "example", "no network"),
        ("port 70000", "70000", "65535"),
        ("port htt", "htt", "http"),
        ("portrange 1-", "1-", "8000-8080"),
        ("proto 256", "256", "255"),
        ("tcp host 10.0.0.1", "host", "write `tcp and host"),
        ("ip6 port 443", "port", "write `ip6 and port"),
        ("src sni a", "sni", "cannot be said"),
        ("ip6 host 10.0.0.1", "10.0.0.1", "no address of `ip6`"),
        ("ip net ::/0", "::/0", "no address of `ip`"),
        (
            "tcp port 443 host 10.0.0.1",
            "host",
            "missing before `host`",
        ),
        ("tcp udp", "udp", "missing before `udp`"),
        ("tcp or 443", "443", "port 443"),
        ("port", "", "`port` must be followed by a port"),
        ("port tcp", "tcp", "`port` must be followed by a port"),
        ("tcp and", "", "`and` must be followed by a primitive"),
        ("and tcp", "and", "a primitive"),
        ("not", "", "`not` must be followed"),
        ("(tcp", "(", "never closed"),
        ("tcp)", ")", "never opened"),
        ("()", "(", "nothing"),
        ("sni", "", "pattern"),
        ("sni and port 443", "and", "pattern"),
        ("sni ''", "''", "sni -"),
        ("sni \"a", "\"a", "quote"),
        ("vlan 4096", "4096", "4095"),
        ("less", "", "a number of bytes"),
        ("greater x", "x", "no number"),
    ] {
        let (said, pointed) = told(filter);
        assert!(said.contains(words), "{filter}: {said}");
        assert_eq!(pointed, at, "{filter}: {said}");
    }
}

#[test]
fn an_error_points_at_the_word() {
    let error = Filter::parse(&["tcp", "port 443", "and é or broadcast"]).unwrap_err();
    let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines[1], "  tcp port 443 and é or broadcast");
    assert_eq!(lines[2], "                   ^");
    // A filter from a file may hold what a terminal would obey.
    let error = Filter::parse(&["tcp\n\u{1b}[31m port"]).unwrap_err();
    assert!(!error.to_string().contains('\u{1b}'));
    assert_eq!(error.to_string().lines().count(), 3);
}

#[test]
fn what_is_too_much_is_refused() {
    let long = vec!["tcp"; 1025].join(" or ");
    assert_eq!(
        Filter::parse(&[long]).unwrap_err().problem(),
        &Problem::TooLong(1024)
    );
    let deep = format!("{}tcp{}", "(".repeat(65), ")".repeat(65));
    assert_eq!(
        Filter::parse(&[deep]).unwrap_err().problem(),
        &Problem::TooDeep(64)
    );
    let alternating = vec!["tcp and udp or ip"; 340].join(" and ");
    tcp(A, 1, B, 2).is(&alternating);
    let negated = format!("{}tcp", "not ".repeat(100_000));
    assert_eq!(tcp(A, 1, B, 2).judged(&negated), Verdict::Yes);
}
