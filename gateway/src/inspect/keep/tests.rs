use super::*;
use crate::inspect::packet::{Fragmented, Packet, Segment, TAGS_MAX};

const FLOW: FlowId = FlowId(1);

fn frame(bytes: &[u8]) -> Frame<'_> {
    Frame {
        time: Timestamp(1),
        link: LinkType::Ethernet,
        tag: None,
        bytes,
        wire_len: bytes.len(),
    }
}

/// A packet that carries `payload`.
fn packet(payload: &[u8]) -> Packet<'_> {
    let transport = Transport::Tcp(Segment {
        source_port: 1,
        destination_port: 2,
        sequence: 3,
        is_syn: false,
        is_ack: true,
        is_fin: false,
        is_rst: false,
        payload,
        cut: 0,
    });
    Packet {
        source: [10, 0, 0, 1].into(),
        destination: [10, 0, 0, 2].into(),
        transport,
        has_overlap: false,
    }
}

/// A fragment of these packets, or what is whole by it.
fn decoded<'a>(packet: Packet<'a>, fragmented: &'a [Fragmented]) -> Decoded<'a> {
    Decoded {
        tags: [None; TAGS_MAX],
        outer: packet,
        inner: packet,
        fragmented,
    }
}

fn see(keeper: &mut Keeper, flow: FlowId, stage: Stage, bytes: &[u8], wanted: &[FlowId]) -> Pick {
    let touched = Some(Touched { flow, stage });
    keeper.frame(&frame(bytes), &decoded(packet(bytes), &[]), touched, wanted)
}

fn bytes(pick: Pick) -> Vec<Vec<u8>> {
    match pick {
        Pick::Leave => panic!("left"),
        Pick::Take => Vec::new(),
        Pick::TakeAfter(frames) => frames.iter().map(|it| it.bytes.to_vec()).collect(),
    }
}

#[test]
fn what_came_before_a_hello_comes_with_it() {
    let mut keeper = Keeper::default();
    let other = FlowId(2);
    assert_eq!(
        see(&mut keeper, FLOW, Stage::Before, b"a", &[]),
        Pick::Leave
    );
    assert_eq!(
        see(&mut keeper, other, Stage::Before, b"x", &[]),
        Pick::Leave
    );
    assert_eq!(
        see(&mut keeper, FLOW, Stage::Before, b"b", &[]),
        Pick::Leave
    );
    let pick = see(&mut keeper, FLOW, Stage::Seen, b"hello", &[FLOW]);
    assert_eq!(bytes(pick), [b"a", b"b"]);
    assert_eq!(see(&mut keeper, FLOW, Stage::Seen, b"c", &[]), Pick::Take);
    keeper.end(other);
    assert_eq!((keeper.bytes, keeper.flows.len()), (0, 1));
}

#[test]
fn a_flow_without_a_hello_that_is_wanted_is_forgotten() {
    for stage in [Stage::Seen, Stage::Other] {
        let mut keeper = Keeper::default();
        see(&mut keeper, FLOW, Stage::Before, b"a", &[]);
        assert_eq!(see(&mut keeper, FLOW, stage, b"b", &[]), Pick::Leave);
        assert_eq!((keeper.bytes, keeper.flows.len()), (0, 0));
    }
}

#[test]
fn no_more_is_kept_than_is_allowed() {
    let mut keeper = Keeper::default();
    let large = vec![0; 65_536];
    for _ in 0..10 {
        see(&mut keeper, FLOW, Stage::Before, &large, &[]);
    }
    assert!(keeper.bytes <= FLOW_BYTES_MAX);
    assert_eq!(keeper.left_out(), 7);
    for flow in 0..2000 {
        see(&mut keeper, FlowId(flow), Stage::Before, &large, &[]);
    }
    assert!(keeper.bytes <= BYTES_MAX);
    for flow in 0..2000 {
        keeper.end(FlowId(flow));
    }
    assert_eq!(keeper.bytes, 0);
}

/// The packet with this number between the same two.
fn number(id: u32) -> Fragmented {
    Fragmented {
        source: [10, 0, 0, 1].into(),
        destination: [10, 0, 0, 2].into(),
        id,
    }
}

fn part(keeper: &mut Keeper, of: &[Fragmented], bytes: &[u8]) {
    let mut fragment = packet(b"");
    fragment.transport = Transport::Fragment(6);
    let pick = keeper.frame(&frame(bytes), &decoded(fragment, of), None, &[]);
    assert_eq!(pick, Pick::Leave);
}

fn completed(keeper: &mut Keeper, of: &[Fragmented]) -> Vec<Vec<u8>> {
    let whole = packet(b"a hello that was put together");
    let touched = Some(Touched {
        flow: FLOW,
        stage: Stage::Seen,
    });
    bytes(keeper.frame(&frame(b"last"), &decoded(whole, of), touched, &[FLOW]))
}

#[test]
fn the_fragments_of_a_packet_come_with_it() {
    let mut keeper = Keeper::default();
    part(&mut keeper, &[number(1)], b"one");
    part(&mut keeper, &[number(2)], b"another's");
    part(&mut keeper, &[number(1)], b"two");
    assert_eq!(keeper.incomplete(), 3);
    assert_eq!(completed(&mut keeper, &[number(1)]), [b"one", b"two"]);
    assert_eq!(keeper.incomplete(), 1);
    assert_eq!(completed(&mut keeper, &[number(2)]), [b"another's"]);
    assert_eq!(keeper.fragments.kept(), (0, 0));
}

#[test]
fn the_fragments_of_a_tunnel_s_packet_come_with_what_it_holds() {
    let mut keeper = Keeper::default();
    let (first, second, within) = (number(1), number(2), number(3));
    part(&mut keeper, &[first], b"one");
    part(&mut keeper, &[first, within], b"two");
    part(&mut keeper, &[second], b"three");
    let wanted: [&[u8]; 3] = [b"one", b"two", b"three"];
    assert_eq!(completed(&mut keeper, &[second, within]), wanted);
    assert_eq!(keeper.fragments.kept(), (0, 0));
}

#[test]
fn no_more_fragments_are_kept_than_is_allowed_and_all_that_come_for_nothing_are_counted() {
    let large = vec![0; 65_536];
    for packets in [1, 1000] {
        let mut keeper = Keeper::default();
        for id in 0..1000 {
            part(&mut keeper, &[number(id % packets)], &large);
            assert!(keeper.fragments.kept().1 <= FRAGMENT_BYTES_MAX);
            assert_eq!(keeper.incomplete(), u64::from(id) + 1);
        }
    }
}

#[test]
fn the_last_packets_of_a_connection_that_ended_are_taken() {
    let mut keeper = Keeper::default();
    see(&mut keeper, FLOW, Stage::Seen, b"a", &[FLOW]);
    keeper.end(FLOW);
    assert_eq!(see(&mut keeper, FLOW, Stage::Seen, b"b", &[]), Pick::Take);
    for other in 2..=ENDED_MAX as u64 + 1 {
        see(
            &mut keeper,
            FlowId(other),
            Stage::Seen,
            b"x",
            &[FlowId(other)],
        );
        keeper.end(FlowId(other));
    }
    assert_eq!(see(&mut keeper, FLOW, Stage::Seen, b"c", &[]), Pick::Leave);
    assert_eq!(keeper.flows.len(), ENDED_MAX);
}
