use super::*;

/// A file's header in the order of `big`, for Ethernet.
fn header(magic: u32, big: bool, link: u32) -> Vec<u8> {
    let four = |number: u32| match big {
        true => number.to_be_bytes(),
        false => number.to_le_bytes(),
    };
    let version: [u8; 4] = if big { [0, 2, 0, 4] } else { [2, 0, 4, 0] };
    let mut header = [four(magic), version, [0; 4], [0; 4]].concat();
    header.extend(four(65_535));
    header.extend(four(link));
    header
}

#[test]
fn both_orders_and_units_are_read() {
    for (magic, unit) in [(MICROSECONDS, 1000), (NANOSECONDS, 1), (MODIFIED, 1000)] {
        for big in [false, true] {
            let (pcap, taken) = Pcap::parse(&header(magic, big, 1)).unwrap().unwrap();
            assert_eq!(taken, FILE_HEADER);
            assert_eq!(pcap.link(), LinkType::Ethernet);
            assert_eq!(pcap.snapshot_len(), 65_535);
            let four = |number: u32| match big {
                true => number.to_be_bytes(),
                false => number.to_le_bytes(),
            };
            let mut packet = [four(3), four(5), four(2), four(9)].concat();
            packet.resize(pcap.packet_header, 0);
            packet.extend([0xab, 0xcd]);
            let step = pcap.step(&packet).unwrap();
            let expected = Packet {
                taken: packet.len(),
                captured: packet.len() - 2..packet.len(),
                time: Timestamp(3_000_000_000 + 5 * unit),
                link: Some(LinkType::Ethernet),
                wire_len: 9,
            };
            assert_eq!(step, Step::Packet(expected));
        }
    }
}

#[test]
fn a_checksum_at_the_end_of_frames_is_no_link_type() {
    let (pcap, _) = Pcap::parse(&header(MICROSECONDS, false, 1 | 0x2400_0000))
        .unwrap()
        .unwrap();
    assert_eq!(pcap.link(), LinkType::Ethernet);
}

#[test]
fn what_is_not_read_is_said() {
    let refused = |bytes: &[u8]| Pcap::parse(bytes).unwrap_err();
    assert_eq!(
        refused(&header(MICROSECONDS, false, 105)),
        Damage::LinkType(105)
    );
    assert_eq!(
        refused(&header(0x1234_5678, false, 1)),
        Damage::Unknown([0x78, 0x56, 0x34, 0x12])
    );
    let mut old = header(MICROSECONDS, false, 1);
    old[6] = 2;
    assert_eq!(refused(&old), Damage::Version(2, 2));
}

#[test]
fn a_part_is_not_yet_anything() {
    let whole = header(MICROSECONDS, false, 1);
    for len in 0..whole.len() {
        assert!(Pcap::parse(&whole[..len]).unwrap().is_none());
    }
    let (pcap, _) = Pcap::parse(&whole).unwrap().unwrap();
    assert_eq!(pcap.step(&[0; 15]).unwrap(), Step::More(Part::Header));
    let mut packet = [0; 16];
    packet[8] = 100;
    assert_eq!(pcap.step(&packet).unwrap(), Step::More(Part::Body(116)));
}

#[test]
fn a_length_that_lies_is_an_error() {
    let (pcap, _) = Pcap::parse(&header(MICROSECONDS, false, 1))
        .unwrap()
        .unwrap();
    let packet = [0xff; 16];
    assert_eq!(
        pcap.step(&packet).unwrap_err(),
        Damage::PacketTooLong(u32::MAX)
    );
}
