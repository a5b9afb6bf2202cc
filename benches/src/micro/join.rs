//! What a joined line costs per message: frames found, and frames found, counted and passed on.

use std::hint::black_box;
use std::time::Instant;

use l4_failover::soupbin::join::{Action, Join, JoinOptions, LineId, LineOptions, TargetId};
use l4_failover::soupbin::packet::{
    Credentials, LoginAccepted, LoginRequest, Packet, SessionId, split,
};

use super::{Amount, Micro};

/// As many as fit into a read of 64 KiB.
const MESSAGES: u64 = 1500;

pub(super) fn all() -> Vec<Micro> {
    let group = "join/messages of 40 bytes";
    let amount = Amount::Messages(MESSAGES);
    vec![
        Micro::new(group, "split", amount, || {
            let bytes = messages();
            move || {
                let (mut rest, mut found) = (black_box(bytes.as_slice()), 0);
                while let Ok(Some(frame)) = split(rest) {
                    found += 1;
                    rest = &rest[frame.len()..];
                }
                found
            }
        }),
        Micro::new(group, "forward", amount, || {
            let (bytes, now) = (messages(), Instant::now());
            let (mut join, line) = joined(now);
            move || join.from_line(line, black_box(&bytes), now).taken
        }),
    ]
}

fn messages() -> Vec<u8> {
    encoded(&Packet::Sequenced(&[7; 40])).repeat(MESSAGES as usize)
}

fn encoded(packet: &Packet<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.encode(&mut bytes).expect("it is short");
    bytes
}

/// A consumer with a line that has joined.
fn joined(now: Instant) -> (Join, LineId) {
    let mut join = Join::new(JoinOptions::default(), 7, now);
    let login = LoginRequest {
        credentials: Credentials::new("user", "secret").expect("both fit"),
        session: SessionId::BLANK,
        sequence: 1,
        heartbeat_timeout: None,
    };
    join.from_consumer(&encoded(&Packet::LoginRequest(login)), now);
    let Some(Action::Dial { line, .. }) = join.next_action() else {
        unreachable!("a line is wanted");
    };
    join.dialling(line, TargetId(0), LineOptions::default(), now);
    join.connected(line, now);
    let accepted = LoginAccepted {
        session: "FEED000001".parse().expect("a name"),
        sequence: 1,
    };
    join.from_line(line, &encoded(&Packet::LoginAccepted(accepted)), now);
    while join.next_action().is_some() {}
    (join, line)
}
