//! Rule 1: what is counted.

use super::super::*;
use super::rig::Rig;

#[test]
fn only_sequenced_messages_are_counted() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    for packet in [
        Packet::Debug(b"x"),
        Packet::Unsequenced(b"x"),
        Packet::ServerHeartbeat,
    ] {
        rig.says(line, &packet);
    }
    rig.messages(line, &["two"]);
    assert_eq!(rig.join.status(rig.now).next, Some(3));
}

#[test]
fn half_a_frame_of_a_dead_line_is_dropped() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.told();
    let step = rig.join.from_line(line, b"\0\x04Stwo\0\x06Sth", rig.now);
    assert_eq!((step.taken, step.forward), (6, 0..6));
    let step = rig.join.from_line(line, b"\0\x06Sth", rig.now);
    assert_eq!((step.taken, step.forward), (0, 0..0));
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one", "two", "three"]);
    assert_eq!(rig.told(), ["S three"]);
}

#[test]
fn the_last_sixteen_are_known_however_they_came() {
    let messages: Vec<String> = (1..=50).map(|it| format!("message {it}")).collect();
    for at_once in [1, 3, 15, 16, 17, 40, 50] {
        let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &[]);
        for some in messages.chunks(at_once) {
            let some: Vec<u8> = some
                .iter()
                .flat_map(|it| encoded(&Packet::Sequenced(it.as_bytes())))
                .collect();
            rig.bytes(line, &some);
        }
        rig.fail(line, LineFault::Closed);
        let other = rig.open(2);
        assert_eq!(rig.login_of(other).sequence, 35);
        rig.accept(other, "S", 35);
        let again: Vec<_> = messages[34..].iter().map(String::as_str).collect();
        rig.messages(other, &again);
        let joined = rig.last_joined();
        assert_eq!((joined.next, joined.compared), (51, 16), "{at_once}");
        assert!(joined.is_verified);
    }
}

#[test]
fn what_is_no_frame_ends_the_line_and_not_the_consumer() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.bytes(line, b"\0\x04Stwo\0\0");
    assert_eq!(rig.faults(), ["malformed"]);
    assert_eq!(rig.told(), ["A S 1", "S one", "S two"]);
    assert_eq!(rig.end, None);
    assert_eq!(rig.wanted(), Some(vec![1]));
}
