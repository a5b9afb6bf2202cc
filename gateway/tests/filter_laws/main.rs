//! Filters and their programs: what the kernel passes is what the matcher wants, or more where it must.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bpf;
mod frames;
mod laws;
mod peer;

use gateway::inspect::filter::{Filter, Instruction};
use gateway::inspect::frame::LinkType;
use proptest::prelude::*;
use proptest::sample::select;
use socket2::{Domain, SockFilter, Socket, Type};

use frames::{Oddity, made};

/// Expressions without names; they are told apart by frames::made.
fn primitive() -> impl Strategy<Value = String> {
    let fixed = select(vec![
        "ip",
        "ip6",
        "tcp",
        "udp",
        "icmp",
        "icmp6",
        "arp",
        "vlan",
        "vlan 1",
        "vlan 2 and vlan 3",
        "proto 89",
        "ip proto 6",
        "ip6 proto 17",
        "less 90",
        "greater 120",
        "port 443 or 8443",
        "tcp port 80 or 443",
        "net 0.0.0.0/0",
        "net ::/0",
    ]);
    let direction = select(vec!["", "src ", "dst ", "src or dst ", "src and dst "]);
    let address = select(vec![
        "host 10.0.0.1",
        "host 10.0.0.0",
        "net 192.168",
        "net 192.168.2.0/23",
        "net 0.0.0.1 mask 0.0.0.255",
        "host 2001:db8::1",
        "net 2001:db8::/32",
        "net fe80:0:0:2::/63",
        "host 10.0.0.1 or 192.168.3.1",
    ]);
    let port = select(vec![
        "port 443",
        "port https or 80",
        "portrange 443-444",
        "portrange 0-65535",
        "port (80 or 1000)",
    ]);
    let transport = select(vec!["", "tcp ", "udp "]);
    let address = (direction.clone(), address).prop_map(|(way, what)| format!("{way}{what}"));
    let port = (transport, direction, port).prop_map(|(of, way, what)| format!("{of}{way}{what}"));
    prop_oneof![fixed.prop_map(str::to_owned), address, port]
}

fn expression() -> impl Strategy<Value = String> {
    primitive().prop_recursive(4, 24, 3, |part| {
        let part = part.boxed();
        prop_oneof![
            part.clone().prop_map(|part| format!("not ({part})")),
            (part.clone(), part.clone()).prop_map(|(one, other)| format!("({one}) and ({other})")),
            (part.clone(), part.clone()).prop_map(|(one, other)| format!("({one}) or ({other})")),
            (part.clone(), part).prop_map(|(one, other)| format!("{one} or not {other}")),
        ]
    })
}

/// With names among them.
fn naming() -> impl Strategy<Value = String> {
    let name = select(vec!["sni *.dc1", "not sni b", "sni -", "tcp"]);
    (expression(), name, any::<bool>(), expression()).prop_map(|(one, name, is_or, other)| {
        let join = if is_or { "or" } else { "and" };
        format!("({one}) {join} not (({name}) and ({other}))")
    })
}

fn parsed(text: &str) -> Filter {
    Filter::parse(&[text]).unwrap_or_else(|error| panic!("{error}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_kernel_passes_just_what_is_wanted(text in expression(), made in made()) {
        let bytes = made.bytes();
        let (filter, frame) = (parsed(&text), made.frame(&bytes));
        let is_deep = made.tags.len() > 3;
        if made.oddity == Oddity::None && !is_deep {
            laws::passes_just_that(&filter, &frame);
        }
    }

    #[test]
    fn the_kernel_passes_all_that_may_be_wanted(text in naming(), made in made()) {
        let bytes = made.bytes();
        laws::passes_enough(&parsed(&text), &made.frame(&bytes));
    }

    #[test]
    fn any_text_and_any_bytes_are_borne(
        words in prop::collection::vec(select(vec![
            "tcp", "port", "443", "and", "or", "not", "(", ")", "!", "host", "10.0.0.1", "net", "/", "sni",
            "*.a", "src", "dst", "vlan", "[", "\"", "é", "portrange", "1-2", "mask", "less", "proto", "-",
        ]), 0..12),
        odd in any::<String>(),
        bytes in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        for text in [words.join(" "), words.concat(), odd] {
            let mut input = text.into_bytes();
            input.push(0);
            input.extend(&bytes);
            laws::hold(&input);
        }
    }
}

/// The kernel itself takes the programs, for the socket of anybody.
#[test]
fn the_kernel_takes_programs() {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    for text in [
        "",
        "tcp port 443",
        "vlan 5 and port 443 or 8443",
        "host 10.0.0.1 and not 2001:db8::1 and portrange 1-1024",
        "sni *.dc1",
        "arp",
    ] {
        for link in [LinkType::Ethernet, LinkType::Raw] {
            attach(&socket, &parsed(text).kernel(link, 262_144).unwrap());
        }
    }
}

fn attach(socket: &Socket, program: &[Instruction]) {
    let made = |it: &Instruction| SockFilter::new(it.code, it.jt, it.jf, it.k);
    let program: Vec<SockFilter> = program.iter().map(made).collect();
    socket.attach_filter(&program).unwrap();
}

#[test]
fn a_long_filter_has_long_jumps_and_a_longer_one_no_program() {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    let hosts = |count: u32| {
        let hosts = (0..count).map(|host| format!("10.1.{}.{}", host / 256, host % 256));
        let hosts: Vec<String> = hosts.collect();
        parsed(&format!("port 443 and host ({})", hosts.join(" or ")))
    };
    let program = hosts(120).kernel(LinkType::Ethernet, 100).unwrap();
    assert!(program.len() > 1024);
    bpf::check(&program);
    attach(&socket, &program);
    let mut made = frames::Made {
        tag: None,
        tags: vec![],
        is_v6: false,
        source: 0,
        destination: 2,
        oddity: Oddity::None,
        protocol: 6,
        ports: (1000, 443),
        payload: 10,
        is_raw: false,
    };
    let mut bytes = made.bytes();
    assert_eq!(bpf::run(&program, &made.frame(&bytes)), 0);
    // The last of the hosts.
    bytes[26..30].copy_from_slice(&[10, 1, 0, 119]);
    assert_eq!(bpf::run(&program, &made.frame(&bytes)), 100);
    made.ports = (1000, 444);
    assert_eq!(bpf::run(&program, &made.frame(&made.bytes())), 0);
    assert_eq!(hosts(1000).kernel(LinkType::Ethernet, 100), None);
}

#[test]
fn carriers_within_ethernet_are_passed_and_arp_is_not() {
    let program = parsed("host 10.0.0.1")
        .kernel(LinkType::Ethernet, 100)
        .unwrap();
    for (kind, passed) in [(0x8847_u16, 100), (0x8864, 100), (0x0806, 0), (0x0026, 100)] {
        let mut bytes = vec![0; 60];
        bytes[12..14].copy_from_slice(&kind.to_be_bytes());
        assert_eq!(
            bpf::run(&program, &laws::whole(&bytes, None)),
            passed,
            "{kind:#x}"
        );
    }
}
