use super::*;
use crate::inspect::frame::LinkType;

/// A block with its length on both ends, in the order of `big`.
fn block(big: bool, kind: u32, content: &[u8]) -> Vec<u8> {
    let four = |number: u32| match big {
        true => number.to_be_bytes(),
        false => number.to_le_bytes(),
    };
    let padding = content.len().next_multiple_of(4) - content.len();
    let whole = (BLOCK_MIN + content.len() + padding) as u32;
    let mut block = [four(kind), four(whole)].concat();
    block.extend(content);
    block.resize(block.len() + padding, 0);
    block.extend(four(whole));
    block
}

fn numbers(big: bool, numbers: &[u32]) -> Vec<u8> {
    let four = |number: &u32| match big {
        true => number.to_be_bytes(),
        false => number.to_le_bytes(),
    };
    numbers.iter().flat_map(four).collect()
}

fn section(big: bool) -> Vec<u8> {
    let content = numbers(big, &[BYTE_ORDER, 0x0001_0000, u32::MAX, u32::MAX]);
    block(big, SECTION, &content)
}

/// An interface for Ethernet, with options.
fn interface(big: bool, snapshot_len: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
    let two = |number: u16| match big {
        true => number.to_be_bytes(),
        false => number.to_le_bytes(),
    };
    let mut content = [two(1), two(0)].concat();
    content.extend(numbers(big, &[snapshot_len]));
    for (kind, value) in options {
        content.extend(two(*kind));
        content.extend(two(value.len() as u16));
        content.extend(*value);
        content.resize(content.len().next_multiple_of(4), 0);
    }
    block(big, INTERFACE, &content)
}

fn enhanced(big: bool, interface: u32, ticks: u64, bytes: &[u8], options: &[u8]) -> Vec<u8> {
    let (high, low) = ((ticks >> 32) as u32, ticks as u32);
    let len = bytes.len() as u32;
    let mut content = numbers(big, &[interface, high, low, len, len + 10]);
    content.extend(bytes);
    content.resize(content.len().next_multiple_of(4), 0);
    content.extend(options);
    block(big, PACKET, &content)
}

/// All packets of `file`: time, what was captured, length on the wire.
fn packets(mut file: &[u8]) -> Result<Vec<(u64, Vec<u8>, usize)>, Damage> {
    let mut pcapng = PcapNg::new();
    let mut found = Vec::new();
    loop {
        match pcapng.step(file)? {
            Step::More(part) => {
                assert_eq!((part, file.len()), (Part::Header, 0));
                return Ok(found);
            }
            Step::Pass(len) => file = &file[len as usize..],
            Step::Packet(packet) => {
                assert_eq!(packet.link, Some(LinkType::Ethernet));
                let captured = file[packet.captured.clone()].to_vec();
                found.push((packet.time.0, captured, packet.wire_len));
                file = &file[packet.taken..];
            }
        }
    }
}

#[test]
fn all_blocks_of_packets_are_read_in_both_orders() {
    for big in [false, true] {
        let mut old = match big {
            true => vec![0, 0, 0, 7],
            false => vec![0, 0, 7, 0],
        };
        old.extend(numbers(big, &[0, 2_000_000, 3, 3]));
        old.extend(b"old");
        let mut simple = numbers(big, &[6]);
        simple.extend(b"simple");
        let file = [
            section(big),
            interface(big, 4, &[]),
            block(big, 5, b"statistics"),
            enhanced(big, 0, 1_000_001, b"enhanced", b"\x01\0\x02\0hi\0\0"),
            block(big, OLD_PACKET, &old),
            block(big, SIMPLE_PACKET, &simple),
            block(big, 0x8000_1234, b"somebody's own"),
        ];
        let expected = vec![
            (1_000_001_000, b"enhanced".to_vec(), 18),
            (2_000_000_000, b"old".to_vec(), 3),
            // The snapshot length cut it, and nothing else says so.
            (0, b"simp".to_vec(), 6),
        ];
        assert_eq!(packets(&file.concat()).unwrap(), expected);
    }
}

#[test]
fn times_are_in_the_units_of_their_interface() {
    let ten_years = 315_360_000_i64;
    for big in [false, true] {
        let offset = match big {
            true => ten_years.to_be_bytes(),
            false => ten_years.to_le_bytes(),
        };
        let file = [
            section(big),
            interface(big, 0, &[(2, b"eth0"), (9, &[9])]),
            interface(big, 0, &[(9, &[0x80 | 20])]),
            interface(big, 0, &[(9, &[3]), (14, &offset)]),
            enhanced(big, 0, 5, b"", b""),
            enhanced(big, 1, 3 << 19, b"", b""),
            enhanced(big, 2, 1500, b"", b""),
        ];
        let times: Vec<_> = packets(&file.concat())
            .unwrap()
            .into_iter()
            .map(|(time, ..)| time)
            .collect();
        let later = ten_years.cast_unsigned() * 1_000_000_000;
        assert_eq!(times, [5, 1_500_000_000, later + 1_500_000_000]);
    }
}

#[test]
fn a_section_forgets_the_interfaces_of_the_one_before() {
    let file = [
        section(false),
        interface(false, 0, &[]),
        enhanced(false, 0, 1, b"a", b""),
        section(true),
        interface(true, 0, &[(9, &[9])]),
        enhanced(true, 0, 2, b"b", b""),
        section(false),
        enhanced(false, 0, 3, b"c", b""),
    ];
    let whole = file.concat();
    assert_eq!(packets(&whole), Err(Damage::Interface(0, 0)));
    let two = file[..6].concat();
    let found = packets(&two).unwrap();
    assert_eq!(found[0], (1000, b"a".to_vec(), 11));
    assert_eq!(found[1], (2, b"b".to_vec(), 11));
}

#[test]
fn lengths_that_lie_are_errors() {
    let begin = [section(false), interface(false, 0, &[])].concat();
    let after = |block: &[u8]| packets(&[&begin, block].concat()).unwrap_err();
    let mut packet = enhanced(false, 0, 1, b"abcd", b"");
    packet[20] = 5;
    assert_eq!(after(&packet), Damage::PacketTooLong(5));
    let mut packet = enhanced(false, 0, 1, b"abcd", b"");
    let end = packet.len() - 4;
    packet[end] = 7;
    assert_eq!(after(&packet), Damage::BlockEnd(36, 7));
    assert_eq!(after(&[6, 0, 0, 0, 8, 0, 0, 0]), Damage::BlockLength(8));
    assert_eq!(after(&[6, 0, 0, 0, 13, 0, 0, 0]), Damage::BlockLength(13));
    assert_eq!(
        after(&[6, 0, 0, 0, 0, 0, 0, 0x80]),
        Damage::BlockLength(0x8000_0000)
    );
    assert_eq!(after(&block(false, PACKET, &[])), Damage::Interface(12, 1));
    assert_eq!(
        after(&block(false, PACKET, &[0; 4])),
        Damage::BlockLength(16)
    );
    assert_eq!(
        after(&block(false, INTERFACE, &[])),
        Damage::BlockLength(12)
    );
    let mut section = section(false);
    section[8] = 0;
    assert_eq!(packets(&section), Err(Damage::ByteOrder));
    let interface = interface(false, 0, &[(9, &[20])]);
    assert_eq!(after(&interface), Damage::Resolution(20));
}

#[test]
fn options_that_lie_end_the_options() {
    let content = [1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0xff, 0xff, 9, 0, 0, 0];
    let file = [
        section(false),
        block(false, INTERFACE, &content),
        enhanced(false, 0, 1, b"a", b""),
    ];
    assert_eq!(packets(&file.concat()).unwrap()[0].0, 1000);
}
