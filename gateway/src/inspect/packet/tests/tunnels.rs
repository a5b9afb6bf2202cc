//! Packets in packets.

use super::super::super::frame::LinkType;
use super::super::{DEPTH_MAX, Decoder, Transport};
use super::build::*;

fn in_gre(header: &[u8], payload: &[u8]) -> Vec<u8> {
    ipv4(47, &behind(header, payload))
}

fn tunnels() -> Vec<(&'static str, Vec<u8>)> {
    let (v4, v6) = (ipv4(6, &tcp(PAYLOAD)), ipv6(6, &tcp(PAYLOAD)));
    let bridged = ethernet(0x8100, &tagged(7, 0x0800, &v4));
    let vxlan = behind(&[8, 0, 0, 0, 0, 0, 1, 0], &bridged);
    let geneve = behind(&[1, 0, 0x65, 0x58, 0, 0, 1, 0, 1, 2, 3, 4], &bridged);
    let gtp_len = u8::try_from(v4.len()).unwrap();
    let gtp = behind(&[0x30, 255, 0, gtp_len, 0, 0, 0, 1], &v4);
    let gtp_more = behind(
        &[
            0x34,
            255,
            0,
            gtp_len + 12,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            0x85,
            2,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ],
        &v4,
    );
    let erspan_3 = behind(
        &[
            0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9,
        ],
        &bridged,
    );
    vec![
        ("IPv4 in IPv4", ipv4(4, &v4)),
        ("6in4", ipv4(41, &v6)),
        ("IPv4 in IPv6", ipv6(4, &v4)),
        ("GRE", in_gre(&[0, 0, 8, 0], &v4)),
        (
            "GRE with all",
            in_gre(&[0xb0, 0, 8, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2], &v4),
        ),
        (
            "NVGRE",
            in_gre(&[0x20, 0, 0x65, 0x58, 0, 0, 1, 0], &bridged),
        ),
        (
            "GRE of PPTP",
            in_gre(
                &[
                    0x30, 0x81, 0x88, 0x0b, 0, 9, 0, 9, 1, 1, 1, 1, 2, 2, 2, 2, 0xff, 3, 0, 0x21,
                ],
                &v4,
            ),
        ),
        ("ERSPAN I", in_gre(&[0, 0, 0x88, 0xbe], &bridged)),
        (
            "ERSPAN II",
            in_gre(
                &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0],
                &bridged,
            ),
        ),
        (
            "ERSPAN III",
            in_gre(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &erspan_3),
        ),
        ("MPLS in GRE", in_gre(&[0, 0, 0x88, 0x47, 0, 0, 1, 64], &v4)),
        ("VXLAN", ipv4(17, &udp(4789, &vxlan))),
        ("VXLAN of Linux", ipv4(17, &udp(8472, &vxlan))),
        (
            "VXLAN-GPE",
            ipv4(17, &udp(4789, &behind(&[0x0c, 0, 0, 1, 0, 0, 1, 0], &v4))),
        ),
        ("Geneve", ipv6(17, &udp(6081, &geneve))),
        ("GTP-U", ipv4(17, &udp(2152, &gtp))),
        ("GTP-U with an extension", ipv4(17, &udp(2152, &gtp_more))),
        ("EtherIP", ipv4(97, &behind(&[0x30, 0], &bridged))),
    ]
}

#[test]
fn every_tunnel() {
    for (name, bytes) in tunnels() {
        let mut decoder = Decoder::default();
        let decoded = decoder.decode(&frame(LinkType::Raw, &bytes)).unwrap();
        assert_eq!(payload(&decoded), Some(PAYLOAD), "{name}");
        assert!(
            !matches!(decoded.outer.transport, Transport::Tcp(_)),
            "{name}"
        );
        // Tags within are not the frame's.
        assert_eq!(ids(&decoded), [0; 0], "{name}");
    }
}

#[test]
fn pppoe_and_mpls_stand_in_front_of_ip() {
    let v4 = ipv4(6, &tcp(PAYLOAD));
    let len = u8::try_from(v4.len() + 2).unwrap();
    let mut pppoe = behind(&[0x11, 0, 0, 1, 0, len, 0, 0x21], &v4);
    pppoe.extend([9; 7]);
    let word = behind(&[0, 0, 0, 0], &ethernet(0x0800, &v4));
    let frames = [
        ethernet(0x8864, &pppoe),
        ethernet(0x8847, &behind(&[0, 0, 0x10, 64, 0, 0, 0x21, 64], &v4)),
        ethernet(0x8848, &behind(&[0, 0, 0x11, 64], &word)),
    ];
    for bytes in frames {
        let found = carried(LinkType::Ethernet, &bytes);
        assert_eq!(found.as_deref(), Some(PAYLOAD), "{bytes:02x?}");
    }
}

#[test]
fn depth_is_bounded() {
    let mut bytes = ipv4(6, &tcp(PAYLOAD));
    for _ in 1..DEPTH_MAX {
        bytes = ipv4(4, &bytes);
    }
    assert_eq!(carried(LinkType::Raw, &bytes).as_deref(), Some(PAYLOAD));
    let mut decoder = Decoder::default();
    let bytes = ipv4(4, &bytes);
    let decoded = decoder.decode(&frame(LinkType::Raw, &bytes)).unwrap();
    assert!(matches!(decoded.inner.transport, Transport::Other(4)));
}

#[test]
fn what_only_looks_like_a_tunnel_stays_a_datagram() {
    for port in [4789, 6081, 2152] {
        let bytes = ipv4(17, &udp(port, b"\x08 and then nothing of a tunnel's"));
        let mut decoder = Decoder::default();
        let decoded = decoder.decode(&frame(LinkType::Raw, &bytes)).unwrap();
        assert!(
            matches!(decoded.inner.transport, Transport::Udp(_)),
            "{port}"
        );
    }
}
