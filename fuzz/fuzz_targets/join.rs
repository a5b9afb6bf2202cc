//! A consumer and lines that say and do anything: nothing panics, nothing is said of a line that was
//! closed, and nothing comes after the end. From the root of the repository:
//!
//! ```sh
//! mkdir -p fuzz/corpus/join
//! cargo +nightly fuzz run join fuzz/corpus/join -- -max_len=4000
//! ```

#![no_main]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use l4_failover::soupbin::join::{
    Action, Join, JoinOptions, LineFault, LineId, LineOptions, OnGap, OnUnverified, TargetId,
    Unsequenced,
};
use l4_failover::soupbin::packet::{
    Credentials, LoginAccepted, LoginRequest, Packet, Reject, SessionId,
};

struct World {
    join: Join,
    now: Instant,
    dialled: Vec<LineId>,
    closed: HashSet<LineId>,
    is_over: bool,
}

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    let options = JoinOptions {
        on_unverified: OnUnverified::Join,
        on_gap: OnGap::Report,
        unsequenced: Unsequenced::Subscribe,
        ..JoinOptions::default()
    };
    let now = Instant::now();
    let mut world = World {
        join: Join::new(options, 7, now),
        now,
        dialled: Vec::new(),
        closed: HashSet::new(),
        is_over: false,
    };
    let mut script = script.iter().copied();
    while let (Some(what), Some(which)) = (script.next(), script.next()) {
        world.play(what, which, &mut script);
        world.act();
    }
});

impl World {
    fn play(&mut self, what: u8, which: u8, script: &mut impl Iterator<Item = u8>) {
        let index = usize::from(which) % self.dialled.len().max(1);
        let Some(line) = self.dialled.get(index).copied() else {
            return self.consumer(what, which);
        };
        let (now, number) = (self.now, u64::from(which >> 4));
        match what % 16 {
            0 => self.join.dialling(
                line,
                TargetId(u32::from(which % 5)),
                LineOptions::default(),
                now,
            ),
            1 => self.join.connected(line, now),
            2 => self.join.failed(line, LineFault::Closed, now),
            3 => self.join.nobody(line, now),
            4 => {
                let session = if which % 8 == 0 { "T" } else { "S" };
                let session = session.parse().expect("a name");
                let sequence = number;
                self.says(
                    line,
                    &Packet::LoginAccepted(LoginAccepted { session, sequence }),
                );
            }
            5 | 6 => self.says(line, &Packet::Sequenced(&[which % 2])),
            7 => self.says(line, &Packet::LoginRejected(Reject::SessionUnavailable)),
            8 => self.says(line, &Packet::EndOfSession),
            9 => {
                let bytes: Vec<u8> = script.take(usize::from(which)).collect();
                self.bytes(line, &bytes);
            }
            10 => self.join.prefer_another(now),
            11 => self.join.block(which % 2 == 0, now),
            _ => self.consumer(what, which),
        }
    }

    fn consumer(&mut self, what: u8, which: u8) {
        match what % 4 {
            0 => {
                let login = LoginRequest {
                    credentials: Credentials::new("user", "secret").expect("both fit"),
                    session: SessionId::BLANK,
                    sequence: u64::from(which % 8),
                    heartbeat_timeout: None,
                };
                self.consumer_says(&Packet::LoginRequest(login));
            }
            1 => self.consumer_says(&Packet::Unsequenced(&[which])),
            _ => {
                self.now += Duration::from_millis(u64::from(which) * 8);
                self.join.tick(self.now);
            }
        }
        let _ = self.join.status(self.now);
    }

    fn consumer_says(&mut self, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes).expect("it is short");
        self.join.from_consumer(&bytes, self.now);
    }

    fn says(&mut self, line: LineId, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes).expect("it is short");
        self.bytes(line, &bytes);
    }

    fn bytes(&mut self, line: LineId, mut bytes: &[u8]) {
        loop {
            let step = self.join.from_line(line, bytes, self.now);
            assert!(step.taken <= bytes.len() && step.forward.end <= step.taken);
            self.act();
            bytes = &bytes[step.taken..];
            if step.taken == 0 {
                break;
            }
        }
    }

    fn act(&mut self) {
        while let Some(action) = self.join.next_action() {
            assert!(!self.is_over, "{action:?} after the end");
            match action {
                Action::Dial { line, .. } => self.dialled.push(line),
                Action::Send { line, .. } => assert!(!self.closed.contains(&line)),
                Action::Close { line } => assert!(self.closed.insert(line)),
                Action::End(_) => self.is_over = true,
                Action::Tell(_) | Action::Event(_) => {}
            }
        }
        assert_eq!(self.is_over, self.join.is_over());
    }
}
