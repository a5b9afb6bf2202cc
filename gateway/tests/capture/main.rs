//! Frames as they pass, between network namespaces of the test's own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::net::UdpSocket;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use gateway::inspect::capture::{ANY, CaptureError, CaptureOptions, Live, Wake, interfaces, list};
use gateway::inspect::filter::Filter;
use gateway::inspect::frame::{Frame, LinkType};
use gateway::inspect::packet::{Decoder, Transport};
use tests::namespace::Namespace;
use tests::peers;
use tests::process::{PATIENCE, run};

/// Two machines with a cable between them, or none, and the reason printed.
pub(crate) fn cable() -> Option<(Namespace, Namespace)> {
    if !peers::are_here(&["ip", "ethtool"]) {
        return None;
    }
    let made = Namespace::new().and_then(|here| {
        let there = Namespace::new()?;
        here.link(&there)?;
        Ok((here, there))
    });
    made.inspect_err(|why| peers::skip(&format!("no network namespace here: {why}")))
        .ok()
}

/// What the kernel can judge whole: it passes packets of IPv6 with extension headers else, as there are
/// when an interface comes up.
const ONLY: &str = "ip and udp port 4000";

fn options(interface: &str, filter: &str) -> CaptureOptions {
    CaptureOptions {
        interface: interface.to_owned(),
        filter: Filter::parse(&[filter]).unwrap(),
        snapshot: 262_144,
        is_promiscuous: false,
    }
}

/// A datagram that was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    port: u16,
    payload: Vec<u8>,
    tag: Option<u16>,
}

fn seen(frame: &Frame<'_>) -> Option<Seen> {
    let mut decoder = Decoder::default();
    let decoded = decoder.decode(frame)?;
    let Transport::Udp(datagram) = decoded.outer.transport else {
        return None;
    };
    Some(Seen {
        port: datagram.destination_port,
        payload: datagram.payload.to_vec(),
        tag: frame.tag.map(|tag| tag.id),
    })
}

/// What was captured, once there is this many; then all that comes within some blocks' time.
fn captured(live: &mut Live, count: usize) -> Vec<Seen> {
    let mut all = Vec::new();
    let mut until = Instant::now() + PATIENCE;
    let mut is_last = false;
    while Instant::now() < until {
        let _: ControlFlow<()> = live.each(|frame| {
            all.extend(seen(frame));
            ControlFlow::Continue(())
        });
        if all.len() >= count && !is_last {
            is_last = true;
            until = Instant::now() + Duration::from_millis(100);
        }
        assert_eq!(live.wait().unwrap(), Wake::Frames);
    }
    all
}

fn send(to: &str, payload: &[u8]) {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.send_to(payload, to).unwrap();
}

fn datagram(port: u16, payload: &[u8], tag: Option<u16>) -> Seen {
    let payload = payload.to_vec();
    Seen { port, payload, tag }
}

#[test]
fn frames_that_are_wanted_are_shown_from_the_beginning_on() {
    let Some((here, there)) = cable() else { return };
    there.enter(|| send("10.0.0.1:4000", b"before"));
    here.enter(|| {
        let mut live = Live::open(options("eth0", ONLY)).unwrap();
        let banner = "listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes";
        assert_eq!(live.banner(), banner);
        assert_eq!(live.link(), Some(LinkType::Ethernet));
        there.enter(|| {
            send("10.0.0.1:4000", b"one");
            send("10.0.0.1:4001", b"not this");
            send("10.0.0.1:4000", b"two");
        });
        let wanted = [datagram(4000, b"one", None), datagram(4000, b"two", None)];
        assert_eq!(captured(&mut live, 2), wanted);
        let counts = live.counts().unwrap();
        assert_eq!(
            (counts.captured, counts.received, counts.dropped),
            (2, 2, 0)
        );
    });
}

#[test]
fn frames_that_go_out_are_shown_too_and_cut_to_the_snapshot_length() {
    let Some((here, _there)) = cable() else {
        return;
    };
    here.enter(|| {
        let mut options = options("eth0", "udp");
        options.snapshot = 60;
        let mut live = Live::open(options).unwrap();
        send("10.0.0.2:4000", &[7; 1000]);
        let mut lengths = None;
        while lengths.is_none() {
            let _: ControlFlow<()> = live.each(|frame| {
                lengths = Some((frame.bytes.len(), frame.wire_len));
                ControlFlow::Break(())
            });
            live.wait().unwrap();
        }
        assert_eq!(lengths, Some((60, 14 + 20 + 8 + 1000)));
    });
}

#[test]
fn tags_that_the_kernel_takes_out_are_told() {
    let Some((here, there)) = cable() else { return };
    for (machine, address) in [(&here, "10.5.0.1/24"), (&there, "10.5.0.2/24")] {
        let add = "link add link eth0 name eth0.5 type vlan id 5";
        if let Err(why) = machine.ip(add) {
            return peers::skip(&why);
        }
        machine
            .ip(&format!("address add {address} dev eth0.5"))
            .unwrap();
        machine.ip("link set eth0.5 up").unwrap();
    }
    for (interface, filter, tag) in [
        ("eth0", "vlan 5 and udp port 4000", Some(5)),
        ("eth0", "udp port 4000 and greater 40", Some(5)),
        ("eth0.5", "udp port 4000 and not vlan", None),
    ] {
        here.enter(|| {
            let mut live = Live::open(options(interface, filter)).unwrap();
            there.enter(|| {
                send("10.0.0.1:4001", b"without a tag");
                send("10.5.0.1:4000", b"with a tag");
            });
            let wanted = [datagram(4000, b"with a tag", tag)];
            assert_eq!(captured(&mut live, 1), wanted, "{interface}: {filter}");
        });
    }
    here.enter(|| {
        let mut live = Live::open(options("eth0", "udp and not vlan 5")).unwrap();
        there.enter(|| {
            send("10.5.0.1:4000", b"with a tag");
            send("10.0.0.1:4001", b"without");
        });
        assert_eq!(captured(&mut live, 1), [datagram(4001, b"without", None)]);
    });
}

#[test]
fn any_shows_all_interfaces_and_each_packet_over_loopback_once() {
    let Some((here, there)) = cable() else { return };
    here.enter(|| {
        let mut live = Live::open(options(ANY, "udp port 4000")).unwrap();
        assert!(
            live.banner()
                .starts_with("listening on any, link-type EN10MB (Ethernet), ")
        );
        there.enter(|| send("10.0.0.1:4000", b"over the cable"));
        send("127.0.0.1:4000", b"over loopback");
        let mut all = captured(&mut live, 2);
        all.sort_by_key(|seen| seen.payload.len());
        let wanted = [
            datagram(4000, b"over loopback", None),
            datagram(4000, b"over the cable", None),
        ];
        assert_eq!(all, wanted);
        // An interface that comes later is found, and one that goes does not end it.
        here.ip("link set eth0 down").unwrap();
        here.ip("link add later0 type veth peer name later1")
            .unwrap();
        here.ip("address add 10.7.0.1/24 dev later0").unwrap();
        here.ip("link set later0 up").unwrap();
        here.ip("link set later1 up").unwrap();
        here.ip("neigh add 10.7.0.2 lladdr 02:00:00:00:00:07 dev later0")
            .unwrap();
        let until = Instant::now() + PATIENCE;
        let mut is_found = false;
        while !is_found {
            assert!(Instant::now() < until, "later0 is not found");
            send("10.7.0.2:4000", b"later");
            assert_eq!(live.wait().unwrap(), Wake::Frames);
            let _: ControlFlow<()> = live.each(|frame| {
                is_found |= seen(frame).is_some_and(|seen| seen.payload == b"later");
                ControlFlow::Continue(())
            });
        }
        assert_eq!(live.counts().unwrap().dropped, 0);
    });
}

#[test]
fn promiscuous_mode_is_a_matter_of_choice() {
    let Some((here, _there)) = cable() else {
        return;
    };
    here.enter(|| {
        let is_promiscuous = || {
            let shown = run(peers::command("ip").args(["-d", "link", "show", "eth0"]));
            String::from_utf8(shown.stdout)
                .unwrap()
                .contains("promiscuity 1")
        };
        let live = Live::open(options("eth0", "")).unwrap();
        assert!(!is_promiscuous());
        drop(live);
        let mut options = options("eth0", "");
        options.is_promiscuous = true;
        let live = Live::open(options).unwrap();
        assert!(is_promiscuous());
        drop(live);
        assert!(!is_promiscuous());
    });
}

#[test]
fn what_nobody_reads_in_time_is_dropped_and_counted() {
    let Some((here, there)) = cable() else { return };
    here.enter(|| {
        let mut live = Live::open(options("eth0", ONLY)).unwrap();
        // More than the ring holds.
        const SENT: u64 = 40_000;
        there.enter(|| {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            let payload = [1; 1400];
            for _ in 0..SENT {
                socket.send_to(&payload, "10.0.0.1:4000").unwrap();
            }
        });
        let shown = captured(&mut live, 1).len() as u64;
        let counts = live.counts().unwrap();
        assert_eq!(counts.captured, shown);
        assert!(counts.dropped > 0, "{counts}");
        assert_eq!(counts.received, shown + counts.dropped, "{counts}");
        assert!(counts.received <= SENT, "{counts}");
    });
}

/// Why the capture ended.
fn end_of(mut live: Live) -> CaptureError {
    let until = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < until, "it goes on");
        match live.wait() {
            Ok(wake) => assert!(matches!(wake, Wake::Frames | Wake::WentDown), "{wake:?}"),
            Err(error) => return error,
        }
    }
}

#[test]
fn an_interface_that_is_down_is_waited_for() {
    let Some((here, there)) = cable() else {
        return;
    };
    here.enter(|| {
        let mut live = Live::open(options("eth0", ONLY)).unwrap();
        here.unplug();
        let until = Instant::now() + PATIENCE;
        while live.wait().unwrap() != Wake::WentDown {
            assert!(Instant::now() < until, "it is not told");
        }
        let refused = Live::open(options("eth0", "")).unwrap_err().to_string();
        assert!(
            refused.starts_with("the interface eth0 is down: "),
            "{refused}"
        );
        here.plug();
        let mut is_back = false;
        while !is_back {
            assert!(Instant::now() < until, "its frames do not come");
            // The other end may take a moment to see that it is plugged.
            there.enter(|| send("10.0.0.1:4000", b"again"));
            live.wait().unwrap();
            let _: ControlFlow<()> = live.each(|frame| {
                is_back |= seen(frame).is_some_and(|seen| seen.payload == b"again");
                ControlFlow::Continue(())
            });
        }
    });
}

/// Also if it was down before.
#[test]
fn an_interface_that_is_removed_ends_the_capture() {
    for is_down in [false, true] {
        let Some((here, _there)) = cable() else {
            return;
        };
        here.enter(|| {
            let live = Live::open(options("eth0", "")).unwrap();
            if is_down {
                here.unplug();
            }
            here.ip("link del eth0").unwrap();
            assert_eq!(end_of(live).to_string(), "the interface eth0 vanished");
            let refused = Live::open(options("eth0", "")).unwrap_err().to_string();
            assert_eq!(refused, "there is no interface eth0: there are lo");
        });
    }
}

#[test]
fn interfaces_are_listed() {
    let Some((here, _there)) = cable() else {
        return;
    };
    here.enter(|| {
        let known = interfaces().unwrap();
        let names: Vec<&str> = known.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["lo", "eth0"]);
        assert!(known[0].is_loopback && known[0].is_up && known[1].link == Ok(LinkType::Ethernet));
        let shown = list().unwrap();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "1.lo [Up, Running, Loopback]");
        // It may not run yet.
        assert!(lines[1].starts_with("2.eth0 [Up"), "{}", lines[1]);
        assert!(lines[2].starts_with("3.any "), "{}", lines[2]);
        // By its number, too.
        let live = Live::open(options("2", "")).unwrap();
        assert!(live.banner().starts_with("listening on eth0, "));
    });
}
