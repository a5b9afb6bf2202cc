//! The rules of joining, one by one.

mod beyond;
mod counting;
mod ends;
mod heartbeats;
mod hot;
mod joining;
mod nothing_up;
mod rejects;
mod rig;
mod session;
mod unsequenced;
mod wakes;

use super::*;
use crate::soupbin::packet::Credentials;

/// Everything that is to be done, with bytes as text.
fn done(join: &mut Join) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut done = Vec::new();
    while let Some(action) = join.next_action() {
        done.push(match action {
            Action::Dial { line, but, .. } => format!("dial {} but {but:?}", line.0),
            Action::Send { line, bytes } => format!("send {}: {}", line.0, text(&bytes)),
            Action::Close { line } => format!("close {}", line.0),
            Action::Tell(bytes) => format!("tell {}", text(&bytes)),
            Action::End(end) => format!("end: {end}"),
            Action::Event(_) => continue,
        });
    }
    done
}

fn login(sequence: u64) -> Vec<u8> {
    encoded(&Packet::LoginRequest(LoginRequest {
        credentials: Credentials::new("user", "pass").unwrap(),
        session: SessionId::BLANK,
        sequence,
        heartbeat_timeout: None,
    }))
}

fn accepted(sequence: u64) -> Vec<u8> {
    encoded(&Packet::LoginAccepted(
        crate::soupbin::packet::LoginAccepted {
            session: "S".parse().unwrap(),
            sequence,
        },
    ))
}

#[test]
fn a_consumer_is_carried_over_at_its_next_message() {
    let now = Instant::now();
    let mut join = Join::new(JoinOptions::default(), 1, now);
    join.from_consumer(&login(1), now);
    assert_eq!(done(&mut join), ["dial 0 but []"]);
    let first = LineId(0);
    join.dialling(first, TargetId(7), LineOptions::default(), now);
    join.connected(first, now);
    join.from_line(first, &accepted(1), now);
    assert!(
        done(&mut join)
            .last()
            .unwrap()
            .starts_with("tell \0\u{1f}A         S")
    );
    let two = b"\0\x04Sone\0\x04Stwo\0\x06S";
    let step = join.from_line(first, two, now);
    assert_eq!((step.taken, step.forward), (12, 0..12));
    join.failed(first, LineFault::Closed, now);
    assert_eq!(done(&mut join), ["close 0", "dial 1 but [TargetId(7)]"]);

    let second = LineId(1);
    join.dialling(second, TargetId(8), LineOptions::default(), now);
    join.connected(second, now);
    let sent = done(&mut join);
    assert!(sent[0].ends_with("S                   1"), "{sent:?}");
    join.from_line(second, &accepted(1), now);
    for message in [b"\0\x04Sone", b"\0\x04Stwo"] {
        assert_eq!(join.from_line(second, message, now).forward, 0..0);
    }
    assert_eq!(join.joined(), Some(TargetId(8)));
    assert_eq!(join.from_line(second, b"\0\x06Sthree", now).forward, 0..8);
}
