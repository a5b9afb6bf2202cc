//! Datagrams of a QUIC connection: as they are, and as frames in packets that are well protected,
//! without which nothing would get past the first check. From the root of the repository:
//!
//! ```sh
//! mkdir -p fuzz/corpus/quic
//! cargo +nightly fuzz run quic fuzz/corpus/quic gateway/testdata/quic -- -max_len=5000
//! ```

#![no_main]

use gateway::hello::{ClientHello, HelloBounds};
use gateway::inspect::quic::{Heard, Initials};

#[path = "../../gateway/src/inspect/quic/seal.rs"]
mod seal;

use seal::Packet;

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    let bounds = HelloBounds::default();
    let (mut initials, mut rest) = (Initials::default(), script);
    while let [what, len, behind @ ..] = rest {
        let len = usize::from(*len) * 4;
        let (bytes, behind) = behind.split_at(len.min(behind.len()));
        rest = behind;
        let packet = Packet {
            is_server: what & 1 != 0,
            version: if what & 2 != 0 { 0x6b33_43cf } else { 1 },
            number: u32::from(what >> 4),
            ..Packet::client(bytes.to_vec())
        };
        let datagram = if what & 4 != 0 {
            bytes.to_vec()
        } else {
            packet.seal()
        };
        match initials.push(&datagram, &bounds) {
            Ok(Some(Heard::ClientHello(body) | Heard::ServerHello(body))) => {
                assert!(body.len() <= bounds.handshake_bytes);
                let _ = ClientHello::parse(&body);
            }
            Ok(_) => assert!(initials.part().0.len() <= bounds.handshake_bytes),
            Err(_) => break,
        }
    }
});
