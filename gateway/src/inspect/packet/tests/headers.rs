//! Links, tags, IP, TCP and UDP.

use super::super::super::frame::{Frame, LinkType, VlanTag};
use super::super::{Decoder, Segment, Transport};
use super::build::*;

#[test]
fn every_link() {
    let (v4, v6) = (ipv4(6, &tcp(PAYLOAD)), ipv6(6, &tcp(PAYLOAD)));
    let sll = |kind: [u8; 2]| [&[0; 14][..], &kind].concat();
    let sll2 = |kind: [u8; 2]| [&kind[..], &[0; 18]].concat();
    let frames = [
        (LinkType::Ethernet, ethernet(0x0800, &v4)),
        (LinkType::Ethernet, ethernet(0x86dd, &v6)),
        (LinkType::Raw, v4.clone()),
        (LinkType::Raw, v6.clone()),
        (LinkType::Ipv4, v4.clone()),
        (LinkType::Ipv6, v6.clone()),
        (LinkType::Loopback, behind(&[2, 0, 0, 0], &v4)),
        (LinkType::Loopback, behind(&[0, 0, 0, 2], &v4)),
        (LinkType::Loopback, behind(&[30, 0, 0, 0], &v6)),
        (LinkType::Loopback, behind(&[0, 0, 0, 24], &v6)),
        (LinkType::LinuxSll, behind(&sll([8, 0]), &v4)),
        (LinkType::LinuxSll, behind(&sll([0x86, 0xdd]), &v6)),
        (LinkType::LinuxSll2, behind(&sll2([8, 0]), &v4)),
        (LinkType::LinuxSll2, behind(&sll2([0x86, 0xdd]), &v6)),
        (LinkType::Ppp, behind(&[0xff, 3, 0, 0x21], &v4)),
        (LinkType::Ppp, behind(&[0x21], &v4)),
        (LinkType::Ppp, behind(&[0, 0x57], &v6)),
    ];
    for (link, bytes) in frames {
        let found = carried(link, &bytes);
        assert_eq!(found.as_deref(), Some(PAYLOAD), "{link:?} {bytes:02x?}");
    }
}

#[test]
fn tags_are_told_from_the_outermost_on() {
    let v4 = ipv4(6, &tcp(PAYLOAD));
    let inner = tagged(30, 0x0800, &v4);
    let bytes = ethernet(0x88a8, &tagged(10, 0x9100, &tagged(20, 0x8100, &inner)));
    let mut decoder = Decoder::default();
    let decoded = decoder.decode(&frame(LinkType::Ethernet, &bytes)).unwrap();
    assert_eq!(ids(&decoded), [10, 20, 30]);
    assert_eq!(payload(&decoded), Some(PAYLOAD));

    let taken_out = Frame {
        tag: Some(VlanTag { id: 5 }),
        ..frame(LinkType::Ethernet, &bytes)
    };
    let decoded = decoder.decode(&taken_out).unwrap();
    assert_eq!(ids(&decoded), [5, 10, 20, 30]);
}

#[test]
fn snap_has_an_ether_type() {
    let v4 = ipv4(6, &tcp(PAYLOAD));
    let llc = behind(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &v4);
    let len = u16::try_from(llc.len()).unwrap();
    let found = carried(LinkType::Ethernet, &ethernet(len, &llc));
    assert_eq!(found.as_deref(), Some(PAYLOAD));
}

#[test]
fn padding_is_cut_and_options_are_passed() {
    let mut bytes = tcp_in_ethernet();
    bytes.extend([0; 20]);
    let found = carried(LinkType::Ethernet, &bytes);
    assert_eq!(found.as_deref(), Some(PAYLOAD));

    let mut options = ipv4(6, &behind(&[1; 8], &tcp(PAYLOAD)));
    options[0] = 0x47;
    assert_eq!(carried(LinkType::Raw, &options).as_deref(), Some(PAYLOAD));
}

#[test]
fn a_length_of_nothing_means_all() {
    let mut v4 = ipv4(6, &tcp(PAYLOAD));
    v4[2..4].fill(0);
    assert_eq!(carried(LinkType::Raw, &v4).as_deref(), Some(PAYLOAD));
    let mut v6 = ipv6(6, &tcp(PAYLOAD));
    v6[4..6].fill(0);
    assert_eq!(carried(LinkType::Raw, &v6).as_deref(), Some(PAYLOAD));
}

fn segment_of(bytes: &[u8], wire_len: usize) -> Option<(usize, usize)> {
    let mut decoder = Decoder::default();
    let cut = Frame {
        wire_len,
        ..frame(LinkType::Ethernet, bytes)
    };
    match decoder.decode(&cut)?.inner.transport {
        Transport::Tcp(Segment { payload, cut, .. }) => Some((payload.len(), cut)),
        _ => None,
    }
}

#[test]
fn what_was_not_captured_is_counted() {
    let bytes = tcp_in_ethernet();
    let headers = bytes.len() - PAYLOAD.len();
    assert_eq!(
        segment_of(&bytes[..headers + 5], bytes.len()),
        Some((5, 10))
    );
    assert_eq!(segment_of(&bytes[..headers], bytes.len()), Some((0, 15)));
    // Not even the whole header of TCP.
    assert_eq!(
        segment_of(&bytes[..headers - 4], bytes.len()),
        Some((0, 15))
    );
    assert_eq!(segment_of(&bytes[..headers - 10], bytes.len()), None);
}

#[test]
fn extension_headers_are_gone_through() {
    let routing = behind(&[6, 0, 0, 0, 0, 0, 0, 0], &tcp(PAYLOAD));
    let options = behind(&[43, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &routing);
    let authentic = behind(&[60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &options);
    let found = carried(LinkType::Raw, &ipv6(51, &authentic));
    assert_eq!(found.as_deref(), Some(PAYLOAD));
    // A fragment that is all of its packet.
    let whole = behind(&[6, 0, 0, 0, 0, 0, 0, 1], &tcp(PAYLOAD));
    let found = carried(LinkType::Raw, &ipv6(44, &whole));
    assert_eq!(found.as_deref(), Some(PAYLOAD));
}

#[test]
fn a_chain_of_extension_headers_has_an_end() {
    let mut chain = tcp(PAYLOAD);
    for _ in 0..100 {
        chain = behind(&[60, 0, 0, 0, 0, 0, 0, 0], &chain);
    }
    assert_eq!(carried(LinkType::Raw, &ipv6(60, &chain)), None);
}

#[test]
fn lengths_that_lie_are_no_packets() {
    let sound = ipv4(6, &tcp(PAYLOAD));
    for (at, byte) in [(0, 0x44), (0, 0x55), (3, 19), (32, 0x40), (32, 0xf0)] {
        let mut lies = sound.clone();
        lies[at] = byte;
        assert_eq!(carried(LinkType::Raw, &lies), None, "{at}");
    }
    let mut datagram = ipv4(17, &udp(53, PAYLOAD));
    datagram[25] = 7;
    let mut decoder = Decoder::default();
    let decoded = decoder.decode(&frame(LinkType::Raw, &datagram)).unwrap();
    assert!(matches!(decoded.inner.transport, Transport::Other(17)));
}

#[test]
fn flags_and_numbers_are_read() {
    let mut bytes = tcp(PAYLOAD);
    bytes[13] = 0x17;
    let bytes = ipv4(6, &bytes);
    let mut decoder = Decoder::default();
    let decoded = decoder.decode(&frame(LinkType::Raw, &bytes)).unwrap();
    let Transport::Tcp(segment) = decoded.outer.transport else {
        panic!("{decoded:?}");
    };
    assert!(segment.is_syn && segment.is_ack && segment.is_fin && segment.is_rst);
    assert_eq!((segment.source_port, segment.destination_port), (1000, 443));
    assert_eq!(segment.sequence, 7);
    let (source, destination) = decoded.outer.ends().unwrap();
    assert_eq!(source.to_string(), "10.0.0.1:1000");
    assert_eq!(destination.to_string(), "10.0.0.2:443");
}
