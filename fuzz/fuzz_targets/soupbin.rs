//! SoupBinTCP frames, and both ends of a session. From the root of the repository:
//!
//! ```sh
//! mkdir -p fuzz/corpus/soupbin
//! cargo +nightly fuzz run soupbin fuzz/corpus/soupbin -- -max_len=20000
//! ```

#![no_main]

use std::time::Instant;

use l4_failover::soupbin::packet::{Credentials, LoginRequest, SessionId, split};
use l4_failover::soupbin::session::{ClientLimits, ClientSession, ServerLimits, ServerSession};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let now = Instant::now();
    let login = LoginRequest {
        credentials: Credentials::new("user", "secret").expect("both fit"),
        session: SessionId::BLANK,
        sequence: 1,
        heartbeat_timeout: None,
    };
    let mut client = ClientSession::new(login, ClientLimits::default(), now);
    let mut server = ServerSession::new(ServerLimits::default(), now);
    let mut rest = bytes;
    while let Ok(Some(frame)) = split(rest) {
        assert!(frame.len() >= 3);
        if let Ok(packet) = frame.packet() {
            let mut again = Vec::new();
            packet.encode(&mut again).expect("it fitted before");
            let read = split(&again)
                .expect("a frame")
                .expect("a whole one")
                .packet();
            assert_eq!(read, Ok(packet));
        }
        let before = client.next();
        let is_counted = client.received(frame).is_ok() && frame.kind as u8 == b'S';
        if let (true, Some(before), Some(after)) = (is_counted, before, client.next()) {
            assert_eq!(after, before + 1);
        }
        let _ = server.received(frame);
        rest = &rest[frame.len()..];
    }
    let (_, _) = (client.tick(now), server.tick(now));
});
